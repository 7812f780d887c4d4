import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
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
 * The identity of a package by its directory: its version, and in a checkout also the digest of its built code, which lies in
 * `codeDirectory` below it, and of all that it depends on in the same checkout.
 */
export async function identify(pkg: CodePackage, codeDirectory = 'dist'): Promise<CodeIdentity> {
  const { name, version, root, dependencies = [] } = pkg;
  if (isInstalled(root)) return { name, version };
  const checkedOut = await checkedOutRoots(dependencies, root);
  return { name, version, code: codeDigest([join(root, codeDirectory), ...checkedOut.map(builtCode)]) };
}

/** The identity of the engine: this package, and in a checkout all packages of the workspace that it is made of. */
export async function identifyEngine(): Promise<CodeIdentity> {
  const root = await realpath(dirname(findPackageJSON('..', import.meta.url) as string));
  const { name, version, dependencies } = await readPackage(root);
  if (isInstalled(root)) return { name, version };
  const checkedOut = [root, ...(await checkedOutRoots(Object.keys(dependencies), root))];
  return { name, version, code: codeDigest(checkedOut.map(builtCode)) };
}

/** Directories of those packages, and of what they depend on themselves, that are not installed but part of a checkout, sorted. */
async function checkedOutRoots(names: readonly string[], by: string): Promise<readonly string[]> {
  const roots = new Set<string>();
  const add = async (wanted: readonly string[], from: string): Promise<void> => {
    for (const name of wanted) {
      const root = await packageRoot(name, from);
      if (root === undefined || isInstalled(root) || roots.has(root)) continue;
      roots.add(root);
      await add(Object.keys((await readPackage(root)).dependencies), root);
    }
  };
  await add(names, by);
  return [...roots].sort();
}

/** @returns undefined for a package that is not there, no code of which can be loaded. */
async function packageRoot(name: string, from: string): Promise<string | undefined> {
  try {
    const file = findPackageJSON(name, pathToFileURL(join(from, 'package.json')));
    return file === undefined ? undefined : await realpath(dirname(file));
  } catch (error) {
    if (errnoOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function readPackage(root: string) {
  const { dependencies = {}, ...rest } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
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
 * SHA-256 over all code in some directories, by name and content; packages that are installed below them have their own versions.
 *
 * Reads synchronously: these are hundreds of small files that the page cache has, and nothing else can go on meanwhile.
 */
function codeDigest(directories: readonly string[]): string {
  const hash = createHash('sha256');
  for (const directory of directories) {
    for (const name of [...codeBelow(directory)].sort()) {
      const content = readFileSync(join(directory, name));
      hash.update(`${name}\0${content.length}\0`);
      hash.update(content);
    }
  }
  return hash.digest('hex');
}

/** Paths of modules below a directory, relative to it. Types are taken from the directory: asking for each file would take as long as reading. */
function* codeBelow(directory: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const name = join(prefix, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* codeBelow(directory, name);
    else if (CODE.test(name)) yield name;
  }
}
