import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { notePath, NOTES, ROOT, type IndexedPackage, type PackageNote, type SignedRoot } from './format.js';

const run = promisify(execFile);

/** A package to publish. */
export interface PackageSource {
  readonly name: string;
  readonly version: string;
  /** Default: `any`. */
  readonly arch?: string;
  readonly requires?: readonly string[];
  /** Directory that holds its files; receives its note. */
  readonly tree: string;
}

export interface RepositorySource {
  /** Receives the repository. */
  readonly directory: string;
  readonly packages: readonly PackageSource[];
  /** Seconds since 1970. */
  readonly date: number;
  readonly validUntil: number;
  /** Clear-signs a text. */
  readonly clearsign: (text: string) => Promise<string>;
}

/** Makes a signed repository. Needs GNU tar and gzip. */
export async function publish({ directory, packages, date, validUntil, clearsign }: RepositorySource): Promise<void> {
  await mkdir(directory, { recursive: true });
  const index = JSON.stringify(await Promise.all(packages.map((source) => pack(source, directory, date))), null, 1);
  const path = 'packages.json';
  await writeFile(join(directory, path), index);
  const root: SignedRoot = { date, validUntil, packages: { path, ...identity(Buffer.from(index)) } };
  await writeFile(join(directory, ROOT), await clearsign(`${JSON.stringify(root, null, 1)}\n`));
}

async function pack(source: PackageSource, directory: string, date: number): Promise<IndexedPackage> {
  const { name, version, arch = 'any', requires = [], tree } = source;
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join('/', entry.parentPath.slice(tree.length), entry.name));
  const note: PackageNote = { name, version, arch, licence: 'MIT', files: [...files, notePath(name)].sort() };
  await mkdir(join(tree, NOTES), { recursive: true });
  await writeFile(join(tree, notePath(name)), JSON.stringify(note));
  const path = `${name}-${version}.tar.gz`;
  const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${date}`];
  await run('tar', ['--create', '--gzip', '--file', join(directory, path), '--directory', tree, ...fixed, '.']);
  return { name, version, arch, path, ...identity(await readFile(join(directory, path))), requires };
}

function identity(bytes: Uint8Array): { readonly sha256: string; readonly sizeBytes: number } {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}
