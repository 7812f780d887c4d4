/** `index.asc`: a clear-signed JSON document, the signed root of a repository. Times are seconds since 1970. */
export interface SignedRoot {
  readonly date: number;
  readonly validUntil: number;
  /** The only index, by content. `sha256` is hex. */
  readonly packages: { readonly path: string; readonly sha256: string; readonly sizeBytes: number };
}

/** One entry of `packages.json`. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  /** `x86_64`, or `any` for a package that fits all machines. */
  readonly arch: string;
  /** Of the tarball, below the archive. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Names of packages that it needs. */
  readonly requires: readonly string[];
  readonly summary?: string;
}

/** What a tarball says of itself, in a file of its own among those it installs. */
export interface PackageNote {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly summary?: string;
  /** SPDX licence expression. */
  readonly licence?: string;
  /** Absolute paths of its files and links, without directories. */
  readonly files: readonly string[];
}

export const ROOT = 'index.asc';

/** Directory of the tree with a note for each installed package: the package database. */
export const NOTES = '/usr/share/tarballs';

export function notePath(name: string): string {
  return `${NOTES}/${name}.json`;
}
