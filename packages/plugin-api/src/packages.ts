import type { Digest } from './digest.js';
import type { RepositorySpec } from './distribution.js';
import type { SourcePosition } from './errors.js';

/** What a repository's own list says of where it can be got. */
export interface MirrorList {
  /** Addresses that may stand in for the archive, best first. */
  readonly urls: readonly string[];
  /** The states that mirrors may serve, the newest first: no other root is accepted. Absent: the list does not say. */
  readonly roots?: readonly { readonly digest: Digest; readonly sizeBytes?: number }[];
}

/** The state of a repository, pinned by its signed root. Plain data: a lock file holds it. */
export interface Snapshot {
  readonly repository: RepositorySpec;
  /** The signed root (InRelease, repomd.xml) as fetched. */
  readonly root: {
    readonly path: string;
    readonly digest: Digest;
    readonly sizeBytes: number;
    /** The root's own date, seconds since 1970. */
    readonly dateSeconds: number;
    readonly validUntilSeconds?: number;
    readonly origin?: string;
    readonly label?: string;
    readonly suite?: string;
    readonly codename?: string;
    readonly version?: string;
    /** Preference that the root asks for where the repository's own settings say none; higher wins. */
    readonly priority?: number;
  };
  /** Fingerprints, upper-case hex, of the keys whose signatures were good. */
  readonly signers: readonly string[];
  /** The indexes that a resolution reads. */
  readonly indexes: readonly IndexRef[];
}

/** A repository as a lock file holds it: what was signed, when, and by whom. */
export interface PinnedRepository {
  readonly id: string;
  readonly archive: string;
  readonly suite: string;
  readonly components: readonly string[];
  readonly root: Snapshot['root'];
  readonly signers: readonly string[];
  /** What was read of it; locks of earlier versions do not say. */
  readonly indexes?: readonly IndexRef[];
}

/** One index file of a repository, as its signed root describes it. */
export interface IndexRef {
  /** Address of the directory that its path is below, where the root says that it lies elsewhere; see {@link PackageRecord.archive}. */
  readonly archive?: string;
  /** Path below the archive, such as `dists/trixie/main/binary-amd64/Packages.xz`. */
  readonly path: string;
  /** Path by content, when the repository offers one. */
  readonly byHash?: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The same index after decompression, for the second check. */
  readonly plain?: { readonly digest: Digest; readonly sizeBytes: number };
  readonly component?: string;
}

/** A package as an index describes it. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly repository: string;
  /**
   * Address of the directory that its path is below, where the repository says that the package lies elsewhere than in its own archive. What
   * `isArchiveAddress` accepts, and nothing else. Mirrors of the repository do not stand in for it, and it gets no user name and password of its.
   */
  readonly archive?: string;
  /** Path below the archive. */
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly installedSizeBytes?: number;
}

/** Something that was asked for, and by whom. */
export interface Seed {
  /** As the user writes it: `name`, `name=version`, `name/suite`. */
  readonly request: string;
  /** What asked: `essential`, `template`, `kernel`, `bootloader`, `growth`, `tools`. */
  readonly reason: string;
  readonly position?: SourcePosition;
  /** The defaults of the distribution ask for it, so that no template can leave it out. */
  readonly byDefault?: true;
}

/**
 * A package that will be installed. `id` is unique in a closure: `name:arch`, and, where an ecosystem lets several versions of that stand side by
 * side, `name:arch=version` for all but the highest.
 */
export interface ResolvedPackage extends PackageRecord {
  readonly id: string;
  /** Ids of closure members that satisfy this package's own requirements, sorted. */
  readonly requires: readonly string[];
  /** Why it is here: `essential`, `template`, ..., or the ids of packages that need it; sorted. */
  readonly requestedBy: readonly string[];
  /**
   * Fingerprint of a key that vouches for the digest: one that signed the repository's root. The engine sets it; absent where only
   * the package file is signed.
   */
  readonly signer?: string;
  /** Source package and version, where the ecosystem knows them: purl and SBOM use it. */
  readonly source?: { readonly name: string; readonly version: string };
  readonly maintainer?: string;
  readonly homepage?: string;
  readonly summary?: string;
}

/** One relation between two members of a closure. */
export interface PackageRelation {
  /** Id of the package that states it, and of a package that satisfies it. */
  readonly from: string;
  readonly to: string;
  readonly kind: 'requires' | 'recommends';
  /** As the ecosystem calls it: `Pre-Depends`, `Requires`. */
  readonly field: string;
  /** As the package writes it: `awk | mawk (>= 1.3)`. */
  readonly text: string;
}

/** Seeds plus everything that they need, sorted by id. */
export interface Closure {
  readonly packages: readonly ResolvedPackage[];
  /** How the members need each other, sorted; answers to "why" quote it. Not part of a lock. */
  readonly relations?: readonly PackageRelation[];
  /**
   * Ids of the members that were taken for each seed, by its request: one, or more for a group or a pattern; sorted. Only a group (`@...`) and a
   * stream of a module (`name:stream`) may have none. A member of the very name that is asked for goes before others, and each is `requestedBy` the
   * reason of the seed. A lock keeps this, so that it shows when one of them is lost.
   */
  readonly answers?: Readonly<Record<string, readonly string[]>>;
}

/** A package of an earlier answer. A resolution that is told so prefers it to what it would choose by itself, wherever it satisfies. */
export interface FavouredPackage {
  readonly name: string;
  /** The version to keep while a repository offers it; without it the package stays preferred, and any version will do. */
  readonly version?: string;
}

/** Why no closure exists. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly position?: SourcePosition;
  /** The derivation, one line a step: who needs what, who excludes it. */
  readonly because: readonly string[];
}

export type Resolution =
  | { readonly kind: 'resolved'; readonly closure: Closure; readonly warnings: readonly Problem[] }
  | { readonly kind: 'unsolvable'; readonly problems: readonly Problem[] };

/** A resolved package whose bytes lie on this machine and were verified. */
export interface VerifiedPackage extends ResolvedPackage {
  /** Absolute path of the package file in the cache. */
  readonly file: string;
  /** Absolute path of its uncompressed twin (`Provider.twins`), when there is one: for unpacking, and for nothing else. */
  readonly twin?: string;
}

/** Names one installed package; without a version all versions of it. */
export interface PackageRef {
  readonly name: string;
  readonly version?: string;
  readonly arch: string;
}

/** What a tree says is installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly source?: { readonly name: string; readonly version: string };
  readonly maintainer?: string;
  readonly homepage?: string;
  readonly summary?: string;
  /** SPDX licence expression that the package's own files declare; undefined when they do not say. */
  readonly licence?: string;
  readonly copyright?: string;
}
