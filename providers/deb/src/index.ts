export { debArchitecture } from './architecture.js';
export { parseStanzas, readStanzas, Stanza, type Deb822Options } from './metadata/deb822.js';
export { debError } from './errors.js';
export { createFileName } from './file-name.js';
export { createInventory, parseStatus } from './install/inventory.js';
export { listKeys, type KeyName } from './trust/keyring.js';
export { readCopyright, toSpdxExpression, type DeclaredLicence } from './spdx-licence.js';
export { createMetadataSource, loadIndexes } from './metadata/metadata.js';
export { readDirectory, type IndexDiagnostic, type IndexDirectory, type IndexSegment } from './metadata/index-directory.js';
export { IndexStore } from './metadata/index-store.js';
export { TextInFiles, TextInMemory, type IndexText, type TextFile } from './metadata/index-text.js';
export { decodeDirectory, encodeDirectory } from './metadata/index-container.js';
export { PackagesIndex, type MultiArch, type RelationField } from './metadata/packages-index.js';
export { resolvePackages, type PackageRequest } from './resolve/resolve.js';
export type { PoolRepository } from './resolve/resolve-solvables.js';
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
} from './relations/relation.js';
export { checkRelease, chooseIndexes, parseRelease, type Release, type ReleaseFile } from './metadata/release.js';
export { parseRfc822Date } from './metadata/rfc822-date.js';
export { createPackageVerifier } from './trust/verify.js';
export {
  compareDebVersions,
  isDebVersion,
  parseDebVersion,
  satisfiesVersion,
  type DebVersion,
  type RelationOperator,
} from './relations/version.js';
