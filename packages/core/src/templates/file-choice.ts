import {
  UNSUPPORTED_YET,
  type DistributionDefinition,
  type FileChoice,
  type ImageSpec,
  type ProblemReport,
  type Provider,
} from '@ict/plugin-api';

/** Says so when a template chooses among the files of packages, and the installer of its distribution would install all of them. */
export function checkFileChoice(
  { system, positions }: Pick<ImageSpec, 'system' | 'positions'>,
  { title }: Pick<DistributionDefinition, 'title'>,
  { installer }: { readonly installer: Pick<Provider['installer'], 'choosesFiles'> },
): readonly ProblemReport[] {
  if (installer.choosesFiles === true) return [];
  const made: FileChoice = system.fileChoice ?? {};
  return Object.keys(made).map((part) => {
    const key = `systemConfig.${part}`;
    const position = positions.get(key);
    return {
      code: UNSUPPORTED_YET,
      message: `${key} is not supported yet for packages of ${title}`,
      hint: 'Leave it out: all files of packages are installed.',
      severity: 'error',
      ...(position === undefined ? {} : { position }),
    };
  });
}
