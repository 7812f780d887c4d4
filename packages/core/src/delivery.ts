import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ArtifactInfo, Context, Digest, Json } from '@ict/plugin-api';

const run = promisify(execFile);

/** A finished file of the image, where the cache keeps it. */
export interface Deliverable {
  readonly name: string;
  readonly type: string;
  readonly file: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface Delivery {
  readonly directory: string;
  readonly artifacts: readonly ArtifactInfo[];
  readonly documents: readonly string[];
}

/**
 * Puts the files of a finished build into `directory`, all at once: they are gathered beside it and swapped in, so that a failed
 * or interrupted build leaves the last one as it was. A file that already lies there unchanged is kept instead of copied.
 */
export async function deliver(
  directory: string,
  artifacts: readonly Deliverable[],
  documents: ReadonlyMap<string, Uint8Array>,
  ctx: Context,
): Promise<Delivery> {
  await mkdir(dirname(directory), { recursive: true });
  await removeLeftovers(directory);
  const fresh = await mkdtemp(`${directory}.new-`);
  try {
    for (const artifact of artifacts) {
      const target = join(fresh, artifact.name);
      ctx.emit({ type: 'image.progress', artifact: artifact.name, action: 'deliver' });
      if (!(await keepUnchanged(join(directory, artifact.name), target, artifact, ctx))) {
        await copySparse(artifact.file, target, ctx.signal);
      }
    }
    for (const [name, bytes] of documents) await writeFile(join(fresh, name), bytes);
    const old = `${fresh}.old`;
    const replaced = await renameIfPresent(directory, old);
    await rename(fresh, directory);
    if (replaced) await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  const delivered: ArtifactInfo[] = [];
  for (const { name, type, digest, sizeBytes } of artifacts) {
    const path = join(directory, name);
    const { blocks } = await stat(path);
    await ctx.memo.set('delivered', path, { digest, signature: await signature(path) });
    delivered.push({ path, type, sizeBytes, allocatedBytes: blocks * 512, digest });
  }
  return { directory, artifacts: delivered, documents: [...documents.keys()].map((name) => join(directory, name)) };
}

/** Removes what an earlier build left when it was killed here. The caller holds the lock of this directory. */
async function removeLeftovers(directory: string): Promise<void> {
  const prefix = `${basename(directory)}.new-`;
  for (const name of await readdir(dirname(directory))) {
    if (name.startsWith(prefix)) await rm(join(dirname(directory), name), { recursive: true, force: true });
  }
}

/** Copies what a build delivered to a second place, such as `--output`. */
export async function copyDelivery(delivery: Delivery, to: string, signal: AbortSignal): Promise<Delivery> {
  await mkdir(to, { recursive: true });
  const move = (path: string) => join(to, path.slice(delivery.directory.length + 1));
  for (const path of [...delivery.artifacts.map((artifact) => artifact.path), ...delivery.documents]) {
    const target = move(path);
    await copySparse(path, `${target}.new`, signal);
    await rename(`${target}.new`, target);
  }
  return {
    directory: to,
    artifacts: delivery.artifacts.map((artifact) => ({ ...artifact, path: move(artifact.path) })),
    documents: delivery.documents.map(move),
  };
}

/** Copies with holes kept, and by sharing blocks where the file system can. The copy is writable: it is the user's own. */
async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  await run('cp', ['--sparse=auto', '--reflink=auto', '--no-preserve=mode', '--', from, to], { signal });
}

async function keepUnchanged(old: string, target: string, artifact: Deliverable, ctx: Context): Promise<boolean> {
  const known = (await ctx.memo.get('delivered', old)) as { digest: Digest; signature: Json } | undefined;
  if (known?.digest !== artifact.digest) return false;
  const now = await signature(old);
  if (now === undefined || now !== known.signature) return false;
  await link(old, target);
  return true;
}

/** Device, inode, size and times to the nanosecond, which no edit leaves unchanged; undefined when the file is absent. */
async function signature(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function renameIfPresent(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
