import type { Context } from './context.js';
import type { PackageRecord, Snapshot } from './packages.js';

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

/** Tells people what a pinned repository has. */
export interface Catalogue {
  /** Every package that an image could get, streamed in the order of the indexes. */
  list(snapshot: Snapshot, ctx: Context): AsyncIterable<PackageSummary>;
  describe(snapshot: Snapshot, name: string, ctx: Context): Promise<CatalogueEntry>;
}
