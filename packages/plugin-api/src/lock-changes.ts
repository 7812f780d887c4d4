import type { AdvisoryFacts } from './catalogue.js';
import type { Digest } from './digest.js';

/** What a lock file said of one package. */
export interface LockedVersion {
  readonly version: string;
  readonly sizeBytes: number;
  readonly repository: string;
  readonly digest: Digest;
}

/** One package that differs between two lock files: new without `before`, gone without `after`. */
export interface PackageChange {
  readonly id: string;
  /** Whether it belongs to the image, or to the programs that write it. */
  readonly part: 'image' | 'tools';
  readonly before?: LockedVersion;
  readonly after?: LockedVersion;
}

/** State of a repository in a lock file: digest of its signed root, and its date in RFC 3339. */
export interface LockedRoot {
  readonly root: Digest;
  readonly date: string;
}

/** One repository whose state differs between two lock files: new without `before`, gone without `after`. */
export interface RepositoryChange {
  readonly id: string;
  readonly before?: LockedRoot;
  readonly after?: LockedRoot;
}

/** An advisory whose update a change of packages brings. */
export interface FixedAdvisory extends AdvisoryFacts {
  /** Ids of the changed packages that it is about, sorted. */
  readonly packages: readonly string[];
}

/** What differs between two lock files. */
export interface LockChanges {
  /** Sorted. */
  readonly repositories: readonly RepositoryChange[];
  /** Sorted. */
  readonly packages: readonly PackageChange[];
  /** What the changed packages mend, the newest first. Absent: the repositories of this ecosystem publish no advisories, or they could not be read. */
  readonly advisories?: readonly FixedAdvisory[];
}
