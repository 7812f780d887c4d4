export { debArchitecture } from './architecture.js';
export { parseStanzas, readStanzas, Stanza, type Deb822Options } from './deb822.js';
export { debError } from './errors.js';
export { createFileName } from './file-name.js';
export { createInventory, parseStatus } from './inventory.js';
export { listKeys, type KeyName } from './keyring.js';
export { readCopyright, toSpdxExpression, type DeclaredLicence } from './licence.js';
export { createMetadataSource, loadIndexes } from './metadata.js';
export { readColumns, type IndexColumns, type IndexDiagnostic, type IndexSegment } from './index-columns.js';
export { decodeColumns, encodeColumns } from './index-container.js';
export { PackagesIndex, type MultiArch, type RelationField } from './packages-index.js';
export { resolvePackages, type PackageRequest } from './resolve.js';
export type { PoolRepository } from './resolve-solvables.js';
export { createDebProvider } from './provider.js';
export { formatPurl, type DebPurl } from './purl.js';
export { readQuirks, type DebQuirks } from './quirks.js';
export {
  formatGroup,
  formatRelation,
  parseProvides,
  parseRelations,
  RelationTable,
  type Provided,
  type Relation,
  type RelationGroup,
} from './relation.js';
export { checkRelease, chooseIndexes, parseRelease, type Release, type ReleaseFile } from './release.js';
export { parseRfc822Date } from './rfc822-date.js';
export { createPackageVerifier } from './verify.js';
export { compareDebVersions, isDebVersion, parseDebVersion, satisfiesVersion, type DebVersion, type RelationOperator } from './version.js';
