import { createHash } from 'node:crypto';
import { readFile, readdir, realpath } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, sep } from 'node:path';

/** Identifies the code behind a step: part of every key that it makes. */
export interface CodeIdentity {
  readonly name: string;
  readonly version: string;
  /** Digest of the built code in a checkout, where a version says nothing; undefined for an installed package. */
  readonly code?: string;
}

/** The identity of a package by its directory: its version, and in a checkout also the digest of its built code. */
export async function identify(pkg: { readonly name: string; readonly version: string; readonly root: string }): Promise<CodeIdentity> {
  const { name, version, root } = pkg;
  return isInstalled(root) ? { name, version } : { name, version, code: await codeDigest([root]) };
}

/** The identity of the engine: this package, and in a checkout all packages of the workspace that it is made of. */
export async function identifyEngine(): Promise<CodeIdentity> {
  const root = await packageRoot('..', import.meta.url);
  const { name, version, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    dependencies: Readonly<Record<string, string>>;
  };
  if (isInstalled(root)) return { name, version };
  const roots = await Promise.all(Object.keys(dependencies).map((dependency) => packageRoot(dependency, import.meta.url)));
  return { name, version, code: await codeDigest([root, ...roots.filter((directory) => !isInstalled(directory)).sort()]) };
}

async function packageRoot(specifier: string, from: string): Promise<string> {
  const file = findPackageJSON(specifier, from);
  if (file === undefined) throw new Error(`${specifier} is not installed`);
  return realpath(dirname(file));
}

function isInstalled(root: string): boolean {
  return root.includes(`${sep}node_modules${sep}`);
}

/** SHA-256 over every built module of some packages, by name and content. */
async function codeDigest(roots: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const root of roots) {
    const directory = join(root, 'dist');
    const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.js')).sort();
    for (const name of names) {
      hash.update(`${name}\0`);
      hash.update(await readFile(join(directory, name)));
    }
  }
  return hash.digest('hex');
}
