import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BuildPlaces } from './real-build.js';

const run = promisify(execFile);

/**
 * What is in a tree: by absolute path its type, mode and owner, for a file also size, SHA-256 and capabilities, for a link its target.
 * Times are left out.
 *
 * @param layers directories of which each covers those before; a character device 0:0 hides what is below it.
 */
export async function listTree(...layers: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const listing = new Map<string, string>();
  for (const layer of layers) {
    const capabilities = await readCapabilities(layer);
    for await (const path of pathsIn(layer)) {
      const line = await describe(join(layer, path));
      if (line === undefined) {
        for (const covered of listing.keys()) if (covered === path || covered.startsWith(`${path}/`)) listing.delete(covered);
      } else listing.set(path, `${line}${capabilities.get(path) ?? ''}`);
    }
  }
  return listing;
}

/** Absolute paths in a directory, parents first; links are not followed. */
async function* pathsIn(directory: string, below = '/'): AsyncIterable<string> {
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    yield path;
    if (entry.isDirectory()) yield* pathsIn(directory, path);
  }
}

/** @returns undefined for what only hides something else. */
async function describe(file: string): Promise<string | undefined> {
  const stat = await lstat(file);
  const owned = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
  if (stat.isDirectory()) return `directory ${owned}`;
  if (stat.isSymbolicLink()) return `link ${stat.uid}:${stat.gid} to ${await readlink(file)}`;
  if (stat.isFile()) {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return `file ${owned} ${stat.size} ${digest}`;
  }
  if (stat.isCharacterDevice() && stat.rdev === 0) return undefined;
  return `device ${owned} ${stat.rdev}`;
}

/** Capabilities of the files of a directory, by absolute path in it. */
async function readCapabilities(directory: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await run('getcap', ['-r', directory]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(directory.length, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' '))]));
}

/**
 * Layers with what a single build has installed and nothing else: its base tree, and its packages.
 *
 * @param provider such as `debian-debian13-x86_64`.
 */
export async function installedLayers(places: BuildPlaces, provider: string): Promise<readonly string[]> {
  const records = join(places.cache, '.ict', 'index', 'steps', 'ict.packages');
  const names = (await readdir(records, { recursive: true })).filter((name) => name.endsWith('.json'));
  if (names.length !== 1) throw new Error(`${names.length} records of packages in ${records}`);
  const record = JSON.parse(await readFile(join(records, names[0]), 'utf8')) as { readonly output: { readonly digest: string } };
  const packages = join(places.cache, '.ict', 'layers', record.output.digest.replace('sha256:', ''), 'fs');
  return [join(places.work, provider, 'chrootenv'), packages];
}
