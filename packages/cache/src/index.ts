export type { PieceHasher } from './piecewise-check.js';
export { openCache, type Cache, type CacheOptions } from './cache.js';
export { chooseCacheHome, claimCacheHome, type CacheHome, type CachePlaces, type UnfitForTrees } from './cache-home.js';
export { type VerificationMode } from './store-context.js';
export { type CachedPackage, type PackageCache, type PackageLookup } from './package-cache.js';
export { isPackageFileName, packageId, type PackageEntry, type PackageEntries, type SignedBy } from './package-entries.js';
export { isPathSegment, privateDirectory } from './layout.js';
export { measureDirectory } from './directory-files.js';
export { occupiedBytes } from './disk-room.js';
export { eachEntry, type CacheEntry, type EntryList } from './inventory.js';
export { type CacheLimits, type CollectedEntry } from './collection-choice.js';
export { type Collection, type CollectOptions, type Collector, type EntryFilter } from './collector.js';
export type { PackageTwins, TwinMaker, TwinnedPackage } from './package-twins.js';
export { type TwinEntry } from './twin-entry.js';
export { entryKinds, type EntryKind } from './usage-journal.js';
export { type ImageFile, type ImageRecord } from './image-record.js';
export { type ImageLookup, type ImageStore, type NewImage, type StoredImage } from './image-store.js';
export { type NearestStep, type StepRecord, type StepStore } from './step-store.js';
export { taggedReferences } from './tagged-references.js';
export { type LayerStore, type StagedLayer, type StoredLayer } from './layer-store.js';
export { type LeaseTiming, type LockOptions, type Locks } from './lease.js';
export { type Fault, type Finding, type TwinOfPackage, type Verification, type VerifyOptions } from './verification.js';
export {
  listWorkspace,
  removeWorkspaceEntry,
  workspaceLock,
  WORKSPACE_LEFTOVER,
  type WorkspaceEntry,
  type WorkspaceRemoval,
} from './workspace.js';
export { removeTree, type RemoveTree } from './reaper.js';
export { gatherUnread, tellUnread, unreadable, unreadText, type Unread, type Unseen } from './unread.js';
export { measureWorkspace, type AreaUsage } from './usage.js';
export { placeOf, type ProcessOwner } from './process-owner.js';
export { cacheError } from './errors.js';
export type { MountDirectories, MountSharing } from './mount-directories.js';
