import type { Context } from './context.js';
import type { PackageRecord, Snapshot } from './packages.js';
import type { ResolutionRequest } from './provider.js';

/** What a search looks at. */
export interface PackageSummary {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** One line; empty when the package says nothing. */
  readonly summary: string;
  /** What the index says beyond that line, if anything. */
  readonly description?: string;
}

/** What a search looks for. */
export interface WantedText {
  /** All of them, in name, summary or description, in whatever case. */
  readonly words: readonly string[];
  /** Or these packages. */
  readonly names: ReadonlySet<string>;
}

/** A field of a package as its ecosystem writes it, such as `Depends` and `libc6 (>= 2.38)`. */
export interface PackageField {
  readonly field: string;
  readonly text: string;
}

/** A package as its index describes it, for people. */
export interface PackageDescription extends PackageRecord, PackageSummary {
  readonly source?: { readonly name: string; readonly version: string };
  readonly maintainer?: string;
  readonly homepage?: string;
  /** Fields that other ecosystems do not have, such as `Section`, in the order in which their users expect them. */
  readonly details: readonly PackageField[];
  /** What the package needs, excludes and provides; a field without content is left out. */
  readonly relations: readonly PackageField[];
}

/** What is known under a name. */
export interface CatalogueEntry {
  /** Packages of that name, in the order of the indexes. */
  readonly packages: readonly PackageDescription[];
  /** Other packages that provide the name, in the order of the indexes, and how they say so. */
  readonly providers: readonly (Pick<PackageRecord, 'name' | 'version' | 'arch'> & { readonly provides: string })[];
}

/** Packages of some names, in the repositories of an image and beside what is asked for there. */
export interface CatalogueScope extends Pick<ResolutionRequest, 'arch' | 'distribution' | 'snapshots' | 'seeds'> {
  readonly names: ReadonlySet<string>;
}

/** A package that a repository has, and that a resolution of these seeds takes under no circumstances. */
export interface WithheldPackage extends Pick<PackageRecord, 'name' | 'version' | 'arch' | 'repository'> {
  /** In a sentence that speaks of the package as `it`: `it is in module nodejs:20, which is not enabled`. */
  readonly reason: string;
}

/** How a package that an image can get stands beside others of its name, and of its architecture where each has candidates of its own, as with deb. */
export interface PackageStanding extends Pick<PackageRecord, 'name' | 'version' | 'arch' | 'repository'> {
  /** Whether a resolution of these seeds takes this one of them, unless what others need forbids it. */
  readonly candidate: boolean;
  /** Of one that is no candidate: why, in a sentence such as `2.0 is newer`, which may speak of the package as `it`. */
  readonly passedOver?: string;
  /** What decides before versions, where the ecosystem knows such a number for each package; higher wins. */
  readonly priority?: number;
}

/** A distribution's notice of an update. */
export interface AdvisoryFacts {
  readonly id: string;
  /** As the distribution calls it, such as `security`, `bugfix` and `enhancement`. */
  readonly type: string;
  /** As the distribution calls it, such as `Important`. Absent: it does not say. */
  readonly severity?: string;
  /** One line; empty when it has none. */
  readonly title: string;
  /** `YYYY-MM-DD` */
  readonly issued?: string;
  /** The CVE ids that it refers to, sorted. */
  readonly cves: readonly string[];
  readonly repository: string;
}

/** An advisory with what it is about. */
export interface Advisory extends AdvisoryFacts {
  /** Packages that brought the update: these and later ones have it. */
  readonly packages: readonly Pick<PackageRecord, 'name' | 'version' | 'arch'>[];
}

/** An entry of the changelog of a package. */
export interface ChangelogEntry {
  /** `YYYY-MM-DD`; absent: it does not say. */
  readonly date?: string;
  /** Who wrote it, as the ecosystem writes it: usually a name and an address. Empty when it does not say. */
  readonly author: string;
  /** The version that it is about; absent: it does not say. */
  readonly version?: string;
  /** Lines, without white space around them. */
  readonly text: string;
}

/** Packages of one repository whose changelogs are wanted. */
export interface ChangelogScope {
  readonly packages: readonly PackageRecord[];
  /** Entries of each that are wanted, at most. */
  readonly newest: number;
}

/** What an index has of the changelog of a package: often only its end. */
export interface PackageChangelog extends Pick<PackageRecord, 'name' | 'version' | 'arch'> {
  /** The newest first; none when the index has none of it. */
  readonly entries: readonly ChangelogEntry[];
}

/** Tells people what a pinned repository has. */
export interface Catalogue {
  /** Every package that an image could get, streamed in the order of the indexes. */
  list(snapshot: Snapshot, ctx: Context): AsyncIterable<PackageSummary>;
  /**
   * The packages of {@link list}, in the same order, as far as they may be wanted: others may be among them. Absent: telling which takes no less than to list
   * all.
   */
  mentioning?(snapshot: Snapshot, wanted: WantedText, ctx: Context): AsyncIterable<PackageSummary>;
  describe(snapshot: Snapshot, name: string, ctx: Context): Promise<CatalogueEntry>;
  /** Those packages of these names that no image with these seeds can get. Absent: this ecosystem cannot tell. */
  withheld?(scope: CatalogueScope, ctx: Context): Promise<readonly WithheldPackage[]>;
  /**
   * How those packages of these names stand that an image with these seeds can get: all but the withheld ones. Absent: this ecosystem cannot
   * tell.
   */
  standings?(scope: CatalogueScope, ctx: Context): Promise<readonly PackageStanding[]>;
  /**
   * Advisories about packages of these names that an image with these seeds can get, in the order of the indexes; of each only the packages of
   * these names. Absent: the repositories of this ecosystem publish none in their indexes.
   */
  advisories?(scope: CatalogueScope, ctx: Context): Promise<readonly Advisory[]>;
  /**
   * The changelogs of these packages, in their order, as far as the indexes have them; undefined when this repository publishes none. Absent:
   * no repository of this ecosystem publishes any in its indexes.
   */
  changelogs?(snapshot: Snapshot, scope: ChangelogScope, ctx: Context): Promise<readonly PackageChangelog[] | undefined>;
}
