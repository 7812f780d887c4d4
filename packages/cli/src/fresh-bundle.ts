import { packageDirectory } from './package-directory.js';

const { chmodSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');

/** A package with code in the bundle, or with code that the bundle loads as it is. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Which of the packages before it has it as a dependency; undefined for the one that holds the bundle. */
  readonly from?: number;
}

/** A module that may be asked for by its path, and the chunk that stands for it. */
export interface BundledEntry {
  /** Index of its package. */
  readonly package: number;
  /** Path of the module in its package. */
  readonly file: string;
  /** Name of the chunk in the directory of the bundle. */
  readonly chunk: string;
}

/** What a bundle was made of: `record.json`, written last. */
export interface BundleRecord {
  readonly packages: readonly BundledPackage[];
  readonly entries: readonly BundledEntry[];
  /** Modules of Node that its chunks import. */
  readonly builtins: readonly string[];
}

/** A bundle that may be used. */
export interface Bundle {
  /** Where it lies, an absolute path. */
  readonly directory: string;
  /** Absolute paths of the modules that it has entries for, each with the chunk to load instead. */
  readonly modules: ReadonlyMap<string, string>;
  readonly builtins: readonly string[];
}

/** State of the compiler's record of a package, which changes with every source. */
export interface CompiledStamp {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** The compiler's record of each package that has one, in the order of the packages. The file is not published. */
export type CheckoutRecord = readonly (CompiledStamp | null)[];

/** What the compiler writes after the modules of a package. It is not published. */
const COMPILED = join('dist', 'tsconfig.tsbuildinfo');

/** Name of the file with a bundle's {@link CheckoutRecord}. */
const CHECKOUT = 'checkout.json';

/**
 * Finds the bundle in a package, if it is of the very code that is installed: compiled since then, another version or a package that is gone
 * means that it is not.
 *
 * An installed package is known by its version, one in a checkout by the compiler's record: its size and time, or when the time differs, as
 * after a copy, its digest; then the time is remembered.
 *
 * @param root absolute directory of the package that holds the bundle.
 */
export function freshBundle(root: string): Bundle | undefined {
  const directory = join(root, 'bundle');
  const record = readRecord<BundleRecord>(join(directory, 'record.json'));
  if (record === undefined) return undefined;
  const stamps = readRecord<CheckoutRecord>(join(directory, CHECKOUT)) ?? [];
  const roots: string[] = [];
  const levels = new Map<string, boolean>();
  const seen: (CompiledStamp | null)[] = [];
  for (const [index, { name, version, from }] of record.packages.entries()) {
    const found = from === undefined ? root : packageDirectory(name, roots[from], levels);
    if (found === undefined) return undefined;
    const real = realpathSync.native(found);
    const stamp = stampOfSameCode(real, stamps[index] ?? null, version);
    if (stamp === undefined) return undefined;
    roots.push(real);
    seen.push(stamp);
  }
  if (seen.some((stamp, index) => stamp !== (stamps[index] ?? null))) rememberTimes(directory, seen);
  const { entries, builtins } = record;
  return {
    directory,
    modules: new Map(entries.map(({ package: index, file, chunk }) => [join(roots[index], file), join(directory, chunk)])),
    builtins,
  };
}

/** The stamp that a package has now, the very one that is given while its time is the same; undefined when its code is not that of the bundle. */
function stampOfSameCode(root: string, stamp: CompiledStamp | null, version: string): CompiledStamp | null | undefined {
  const file = join(root, COMPILED);
  const entry = statSync(file, { throwIfNoEntry: false });
  if (entry === undefined) {
    const isVersion = readRecord<{ readonly version?: string }>(join(root, 'package.json'))?.version === version;
    return stamp === null && isVersion ? null : undefined;
  }
  if (stamp?.sizeBytes !== entry.size) return undefined;
  if (stamp.mtimeMs === entry.mtimeMs) return stamp;
  return stamp.sha256 === fileDigest(file) ? { ...stamp, mtimeMs: entry.mtimeMs } : undefined;
}

/**
 * Spares the next start the digests, which take longer than all else here. Who may not write there takes them each time. Several that write at
 * once write the same, and who reads half of it takes the digests.
 */
function rememberTimes(directory: string, stamps: CheckoutRecord): void {
  const file = join(directory, CHECKOUT);
  const written = `${file}.new`;
  try {
    writeFileSync(written, JSON.stringify(stamps));
    chmodSync(written, statSync(file).mode); // whoever could read it still can, whatever the umask here
    renameSync(written, file);
  } catch {
    return;
  }
}

/** State of the compiler's record of the package at `root`; undefined when there is none. */
export function compiledStamp(root: string): CompiledStamp | undefined {
  const file = join(root, COMPILED);
  const entry = statSync(file, { throwIfNoEntry: false });
  return entry && { sizeBytes: entry.size, mtimeMs: entry.mtimeMs, sha256: fileDigest(file) };
}

/** `node:crypto` takes longer to load than all else here, and is rarely needed. */
function fileDigest(file: string): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', readFileSync(file), 'hex');
}

/** Reads JSON; undefined when it is missing or damaged, because whoever cannot use a bundle does without. */
function readRecord<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
