export { architectureRank } from './architecture.js';
export { CompsReader, type Comps, type Environment, type GroupPackage, type PackageGroup, type PackageKind } from './metadata/comps.js';
export { rpmError } from './errors.js';
export { compareEvr, formatEvr, parseEvr, rpmvercmp, type Evr } from './relations/evr.js';
export { createFileName } from './file-name.js';
export { Header } from './package/header.js';
export { createInventory, parseInventory } from './install/inventory.js';
export { toSpdxExpression } from './spdx-licence.js';
export { createMetadataSource, loadPackages } from './metadata/metadata.js';
export { isGhost, type RpmFile } from './package/package-files.js';
export type { PackageRelation } from './package/package-relations.js';
export {
  readRpm,
  type ByteRange,
  type ChangelogEntry,
  type PayloadOptions,
  type RpmOptions,
  type RpmPackage,
  type Scriptlet,
} from './package/package.js';
export { PackagesIndex, type PackageWords, type PrimaryPackage } from './metadata/packages-index.js';
export type { PayloadEntry } from './package/payload.js';
export { PrimaryReader } from './metadata/primary.js';
export { decodePrimary, encodePrimary, type IndexDiagnostic, type PrimaryColumns } from './metadata/primary-columns.js';
export { createRpmProvider } from './provider.js';
export { formatPurl, type RpmPurl } from './purl.js';
export { readQuirks, type RpmQuirks } from './quirks.js';
export {
  EQUAL,
  formatRelation,
  GREATER,
  LESS,
  rangesMeet,
  RelationTable,
  type Relation,
  type RelationSense,
} from './relations/relation.js';
export { parseRepomd, type Repomd, type RepomdData, type UntrustedData } from './metadata/repomd.js';
export { resolvePackages, type PackageRequest } from './resolve/resolve.js';
export { parseRich, type Rich } from './relations/rich.js';
export { richClauses, type PackageSet, type RichClause } from './resolve/rich-clauses.js';
export { createPackageVerifier, verifyContent } from './trust/verify.js';
export { XmlReader, type XmlHandler } from './metadata/xml.js';
export type { XmlAttributes } from './metadata/xml-attributes.js';
export type { XmlText } from './metadata/xml-text.js';
export { FILE_FLAG, RELATION_FLAG, type RelationKind, type ScriptletKind } from './package/tags.js';
