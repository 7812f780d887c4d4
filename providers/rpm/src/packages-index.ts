import type { Digest, PackageRecord } from '@ict/plugin-api';
import { formatEvr } from './evr.js';
import type { Evr } from './evr.js';
import type { Relation } from './relation.js';
import type { RelationKind } from './tags.js';

/** A package as primary.xml describes it. */
export interface PrimaryPackage {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
  /** Path below the archive. */
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly installedSizeBytes: number;
  readonly summary: string;
  readonly homepage: string;
  readonly maintainer: string;
  /** File name of its source package. */
  readonly sourceRpm: string;
  readonly relations: Readonly<Partial<Record<RelationKind, readonly Relation[]>>>;
  /** The files that primary.xml lists: those below bin directories and /etc. */
  readonly files: readonly string[];
}

/** A package that was left out. */
export interface IndexDiagnostic {
  readonly package: string;
  readonly reason: string;
}

const NONE: readonly never[] = Object.freeze([]);

/** The packages of one repository, in the order of its metadata. */
export class PackagesIndex {
  readonly packages: readonly PrimaryPackage[];
  readonly diagnostics: readonly IndexDiagnostic[];
  #byName: Map<string, number[]> | undefined;
  #providers: Map<string, number[]> | undefined;
  readonly #files = new Map<string, number[]>();

  constructor(packages: readonly PrimaryPackage[], diagnostics: readonly IndexDiagnostic[]) {
    this.packages = packages;
    this.diagnostics = diagnostics;
  }

  get count(): number {
    return this.packages.length;
  }

  byName(name: string): readonly number[] {
    this.#byName ??= group(this.packages, (pkg) => [pkg.name]);
    return this.#byName.get(name) ?? NONE;
  }

  /** Packages that provide a name in some version, or bring a file of this path as far as is known. */
  providersOf(name: string): readonly number[] {
    this.#providers ??= group(this.packages, function* ({ relations, files }) {
      for (const relation of relations.provides ?? NONE) yield relation.name;
      yield* files;
    });
    const listed = this.#providers.get(name) ?? NONE;
    const found = this.#files.get(name);
    return found === undefined ? listed : [...new Set([...listed, ...found])];
  }

  /** Adds a file that only the full file list knows. */
  addFile(at: number, path: string): void {
    const known = this.#files.get(path);
    if (known === undefined) this.#files.set(path, [at]);
    else if (known.at(-1) !== at) known.push(at);
  }

  /** Whether a package brings a file of this path, as far as is known. */
  brings(at: number, path: string): boolean {
    return this.packages[at]!.files.includes(path) || (this.#files.get(path)?.includes(at) ?? false);
  }

  record(at: number, repository: string): PackageRecord {
    const { name, evr, arch, path, digest, sizeBytes, installedSizeBytes } = this.packages[at]!;
    return { name, version: formatEvr(evr), arch, repository, path, digest, sizeBytes, installedSizeBytes };
  }
}

function group(packages: readonly PrimaryPackage[], keysOf: (pkg: PrimaryPackage) => Iterable<string>): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  packages.forEach((pkg, at) => {
    for (const key of keysOf(pkg)) {
      const known = groups.get(key);
      if (known === undefined) groups.set(key, [at]);
      else if (known.at(-1) !== at) known.push(at);
    }
  });
  return groups;
}
