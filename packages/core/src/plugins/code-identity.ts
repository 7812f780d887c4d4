import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf } from '@ict/integrity';

/** Identifies the code behind a step: part of every key that it makes. */
export interface CodeIdentity {
  readonly name: string;
  readonly version: string;
  /** Digest of the built code in a checkout, where a version says nothing; undefined for an installed package. */
  readonly code?: string;
}

/** A package whose code makes steps. */
export interface CodePackage {
  readonly name: string;
  readonly version: string;
  readonly root: string;
  /** Names of the packages that it is made of. */
  readonly dependencies?: readonly string[];
}

/**
 * Identifies code. In a checkout the engine and its plugins are made of the same packages: each of these is read once, for as long as this
 * lasts.
 */
export class CodeIdentities {
  /** Of built code, by its directory. */
  private readonly digests = new Map<string, string>();

  /**
   * The identity of a package by its directory: its version, and in a checkout also the digest of its built code, which lies in
   * `codeDirectory` below it, and of all that it depends on in the same checkout.
   */
  identify({ name, version, root, dependencies = [] }: CodePackage, codeDirectory = 'dist'): CodeIdentity {
    if (isInstalled(root)) return { name, version };
    return { name, version, code: this.digest([join(root, codeDirectory), ...checkedOutRoots(dependencies, root).map(builtCode)]) };
  }

  /** The identity of the engine: this package, and in a checkout all packages of the workspace that it is made of. */
  identifyEngine(): CodeIdentity {
    const root = realpathSync(dirname(findPackageJSON('..', import.meta.url) as string));
    const { name, version, dependencies } = readPackage(root);
    if (isInstalled(root)) return { name, version };
    return { name, version, code: this.digest([root, ...checkedOutRoots(Object.keys(dependencies), root)].map(builtCode)) };
  }

  /** SHA-256 over all code in some directories. */
  private digest(directories: readonly string[]): string {
    const hash = createHash('sha256');
    for (const directory of directories) {
      const digest = this.digests.get(directory) ?? codeDigest(directory);
      this.digests.set(directory, digest);
      hash.update(digest);
    }
    return hash.digest('hex');
  }
}

/** Directories of those packages, and of what they depend on themselves, that are not installed but part of a checkout, sorted. */
function checkedOutRoots(names: readonly string[], by: string): readonly string[] {
  const roots = new Set<string>();
  const add = (wanted: readonly string[], from: string): void => {
    for (const name of wanted) {
      const root = packageRoot(name, from);
      if (root === undefined || isInstalled(root) || roots.has(root)) continue;
      roots.add(root);
      add(Object.keys(readPackage(root).dependencies), root);
    }
  };
  add(names, by);
  return [...roots].sort();
}

/** @returns undefined for a package that is not there, no code of which can be loaded. */
function packageRoot(name: string, from: string): string | undefined {
  try {
    const file = findPackageJSON(name, pathToFileURL(join(from, 'package.json')));
    return file === undefined ? undefined : realpathSync(dirname(file));
  } catch (error) {
    if (errnoOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function readPackage(root: string) {
  const { dependencies = {}, ...rest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  return { ...rest, dependencies };
}

/** Where a package of a checkout keeps its built code: ours in `dist`, those of others anywhere. */
function builtCode(root: string): string {
  const dist = join(root, 'dist');
  return existsSync(dist) ? dist : root;
}

function isInstalled(root: string): boolean {
  return root.includes(`${sep}node_modules${sep}`);
}

/** Modules, also those that Node runs as TypeScript, and what modules load; no declarations. */
const CODE = /\.(?:[cm]?js|json|node|wasm|(?<!\.d\.)[cm]?ts)$/;

/**
 * SHA-256 over all code in a directory, by name and content; packages that are installed below it have their own versions.
 *
 * Reads synchronously: these are hundreds of small files that the page cache has, and nothing else can go on meanwhile.
 */
function codeDigest(directory: string): string {
  const hash = createHash('sha256');
  for (const name of [...codeBelow(directory)].sort()) {
    const content = readFileSync(`${directory}/${name}`);
    hash.update(`${name}\0${content.length}\0`);
    hash.update(content);
  }
  return hash.digest('hex');
}

/** Paths of modules below a directory, relative to it. Types are taken from the directory: asking for each file would take as long as reading. */
function* codeBelow(directory: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(`${directory}/${prefix}`, { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* codeBelow(directory, `${name}/`);
    else if (CODE.test(entry.name)) yield name;
  }
}
