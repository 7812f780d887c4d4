/** Features that every rpm which installs packages here has: rpm 4.14 and later. @see rpm's rpmds.c, rpmlibProvides */
const FEATURES: ReadonlySet<string> = new Set([
  'VersionedDependencies',
  'CompressedFileNames',
  'PayloadIsBzip2',
  'PayloadIsXz',
  'PayloadIsLzma',
  'PayloadIsZstd',
  'PayloadFilesHavePrefix',
  'ExplicitPackageProvide',
  'HeaderLoadSortsTags',
  'ScriptletInterpreterArgs',
  'PartialHardlinkSets',
  'ConcurrentAccess',
  'BuiltinLuaScripts',
  'FileDigests',
  'FileCaps',
  'ScriptletExpansion',
  'TildeInVersions',
  'CaretInVersions',
  'LargeFiles',
  'RichDependencies',
  'DynamicBuildRequires',
]);

/**
 * Whether a dependency is a demand on rpm itself, such as `rpmlib(FileDigests)`, which no package satisfies.
 *
 * @returns undefined for any other dependency, else whether rpm has the feature.
 */
export function rpmlibFeature(name: string): boolean | undefined {
  if (!name.startsWith('rpmlib(') || !name.endsWith(')')) return undefined;
  return FEATURES.has(name.slice('rpmlib('.length, -1));
}
