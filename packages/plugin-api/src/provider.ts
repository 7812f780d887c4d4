import type { Catalogue } from './catalogue.js';
import type { Architecture, DistributionDefinition, RepositorySpec } from './distribution.js';
import type { BuildContext, Context } from './context.js';
import type { FileChoice } from './file-choice.js';
import type {
  FavouredPackage,
  InstalledPackage,
  MirrorList,
  PackageRecord,
  PackageRef,
  Resolution,
  ResolvedPackage,
  Seed,
  Snapshot,
  VerifiedPackage,
} from './packages.js';
import type { Json } from './json.js';
import type { TreePath, TreeSession } from './tree.js';

/** Reads an ecosystem's repositories. */
export interface MetadataSource {
  /**
   * Pins the repository as it is now: fetches its signed root, verifies it, and lists the indexes that matter for `arch`. When it fails by
   * fault of a mirror (an error of the kind `network` or `integrity`), the engine calls it again for the next one.
   *
   * @param list what {@link MetadataSource.mirrors} said: a root that it does not vouch for is refused.
   */
  snapshot(repository: RepositorySpec, arch: Architecture, ctx: Context, list?: MirrorList): Promise<Snapshot>;
  /**
   * Reads the list of mirrors that the repository itself names. Absent: repositories of this ecosystem name none. The engine does not ask
   * for an archive whose mirrors the user names.
   *
   * @returns undefined for a repository that names no list.
   */
  mirrors?(repository: RepositorySpec, ctx: Context): Promise<MirrorList | undefined>;
  /** Every package of the snapshot, streamed. */
  packages(snapshot: Snapshot, ctx: Context): AsyncIterable<PackageRecord>;
}

export interface ResolutionRequest {
  readonly arch: Architecture;
  readonly distribution: DistributionDefinition;
  readonly snapshots: readonly Snapshot[];
  readonly seeds: readonly Seed[];
  /** Add what the archive marks as essential, and the definition's essential set. */
  readonly essential: boolean;
  /** Follow Recommends. */
  readonly recommends: boolean;
  /** An earlier answer: what can stay of it stays. A wish, never a reason to fail. */
  readonly favour?: readonly FavouredPackage[];
}

/** Turns seeds into a closure, with the ecosystem's own policy. */
export interface Resolver {
  resolve(request: ResolutionRequest, ctx: Context): Promise<Resolution>;
  /**
   * Orders two versions as the ecosystem does: negative, zero or positive, ready for `sort`. Never throws. Without it the engine takes
   * versions in the order of the repositories.
   */
  compareVersions?(a: string, b: string): number;
  /** Whether `pins` of repositories count. Without it templates may have none. */
  readonly takesPins?: boolean;
  /** Part of the resolution's cache key: bumped when the answer changes for equal input. */
  readonly version: number;
}

/** Checks a package beyond its digest: signatures inside the file, structure, names. */
export interface PackageVerifier {
  /**
   * @param repository where the package comes from: only its keys count.
   * @throws an integrity error when the file is not the package that `expected` says.
   */
  verify(file: string, expected: ResolvedPackage, repository: RepositorySpec, ctx: Context): Promise<void>;
  /**
   * Everything of a repository that decides what `verify` accepts, such as its keys and whether signatures are asked for: a package that lies in
   * the cache is verified again when it differs. Absent: what the digest in verified metadata does not tell, `verify` does not either.
   */
  rules?(repository: RepositorySpec): Json;
}

/** What an installer does to a tree. */
export interface InstallChange {
  /** Architectures that the tree accepts packages of beside its own, in the ecosystem's names. Absent: none. */
  readonly foreignArchitectures?: readonly string[];
  /** Which files of the packages are installed, now and when the system is updated later. Absent: all. */
  readonly fileChoice?: FileChoice;
  readonly install: readonly VerifiedPackage[];
  /** Packages of the same resolution that the tree has already, for messages. Absent: none, or nobody knows. */
  readonly installed?: readonly ResolvedPackage[];
  readonly remove: readonly PackageRef[];
}

/** Whether a change is free of order, as far as the package files tell. */
export type DeltaVerdict =
  | { readonly kind: 'free' }
  | { readonly kind: 'bound'; readonly reason: string }
  /** Some files are not on this machine yet. */
  | { readonly kind: 'unknown'; readonly packages: readonly string[] };

/** What became of a change. */
export type DeltaOutcome =
  | { readonly kind: 'refused'; readonly reason: string }
  /** `expected`: whether the change was meant to touch this path: it is of the packages themselves, or of the database. */
  | { readonly kind: 'applied'; readonly expected: (path: TreePath) => boolean };

/**
 * Changes a tree that is installed already into what a clean installation would have made of it; a package in another version is
 * in both lists of the change. It refuses whenever that is not certain: scripts that nobody reviewed, users, alternatives,
 * triggers, files that others own, or that others react to.
 */
export interface DeltaInstaller {
  /** Judges by package files alone. `file` may be empty: then it is not on this machine. */
  judge(change: InstallChange, ctx: Context): Promise<DeltaVerdict>;
  /** Looks into the tree, and applies and cleans; or refuses, and the tree is thrown away. */
  apply(change: InstallChange, tree: TreeSession, distribution: DistributionDefinition, ctx: BuildContext): Promise<DeltaOutcome>;
}

/** Installs exactly the given files into a tree with the ecosystem's own tool; no second resolver runs. */
export interface Installer {
  /** Bumped when the tree changes for equal input. */
  readonly version: number;
  apply(change: InstallChange, tree: TreeSession, distribution: DistributionDefinition, ctx: BuildContext): Promise<void>;
  /** Puts the files of packages into a tree without running their scripts: enough for programs of the tools tree. */
  unpack(packages: readonly VerifiedPackage[], tree: TreeSession, distribution: DistributionDefinition, ctx: Context): Promise<void>;
  /** Removes what varies between equal builds and what belongs to one machine: keys, ids, logs, caches. */
  clean(tree: TreeSession, ctx: BuildContext): Promise<void>;
  /** Whether `fileChoice` of changes counts. Without it templates may make none. */
  readonly choosesFiles?: boolean;
  /** Without it every change of packages is a clean installation. */
  readonly delta?: DeltaInstaller;
}

/** Reads what a tree says is installed. */
export interface Inventory {
  list(tree: TreeSession): Promise<readonly InstalledPackage[]>;
  /** Names of the packages that own a path, sorted; none when no package does. */
  owners?(path: TreePath, tree: TreeSession): Promise<readonly string[]>;
  /** Package URL of an installed package. */
  purl(pkg: InstalledPackage, distribution: DistributionDefinition): string;
}

/**
 * Writes uncompressed twins of packages: files that the ecosystem's own tool takes in place of the packages and that unpack to the same,
 * with nothing left to decompress. The engine keeps and verifies them, and hands them out as `VerifiedPackage.twin`.
 */
export interface TwinWriter {
  /** Raised when an equal package gets other bytes. */
  readonly version: number;
  /**
   * Writes the twin of a verified package as the new file `out`; nothing stays there when it throws. The bytes depend on those of the package
   * alone.
   */
  write(file: string, out: string, ctx: Pick<Context, 'signal'>): Promise<void>;
}

/** One package ecosystem. */
export interface Provider {
  readonly ecosystem: string;
  readonly metadata: MetadataSource;
  readonly resolver: Resolver;
  readonly verifier: PackageVerifier;
  readonly installer: Installer;
  readonly inventory: Inventory;
  /**
   * Why packages of an architecture, by the ecosystem's name, cannot come beside those of an image's own; undefined when they can.
   * Without it they never can.
   */
  refuseForeign?(name: string, arch: Architecture): string | undefined;
  /** Without it packages can be installed and not be searched. */
  readonly catalogue?: Catalogue;
  /** Without it packages are decompressed each time that they are unpacked. */
  readonly twins?: TwinWriter;
  /** File name of a package in the flat cache. */
  fileName(pkg: PackageRecord): string;
}
