import { chmod, link, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { copySparse, ensureDirectory, errnoOf, isDiskFull, isRefusal } from '@ict/integrity';
import type { ArtifactInfo, Context, Digest, Json } from '@ict/plugin-api';
import { coreError } from '../errors.js';

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
  await mapFailure(directory, async () => {
    ensureDirectory(dirname(directory));
    await recover(directory);
    await gather(directory, artifacts, documents, ctx);
  });
  const delivered: ArtifactInfo[] = [];
  for (const { name, type, digest, sizeBytes } of artifacts) {
    const path = join(directory, name);
    const { blocks } = await stat(path);
    await ctx.memo.set('delivered', path, { digest, signature: await signature(path) });
    delivered.push({ path, type, sizeBytes, allocatedBytes: blocks * 512, digest });
  }
  return { directory, artifacts: delivered, documents: [...documents.keys()].map((name) => join(directory, name)) };
}

async function gather(
  directory: string,
  artifacts: readonly Deliverable[],
  documents: ReadonlyMap<string, Uint8Array>,
  ctx: Context,
): Promise<void> {
  const fresh = await mkdtemp(stagePrefix(directory));
  try {
    await chmod(fresh, 0o755);
    for (const artifact of artifacts) {
      const target = join(fresh, artifact.name);
      ctx.emit({ type: 'image.progress', artifact: artifact.name, action: 'deliver' });
      if (!(await keepUnchanged(join(directory, artifact.name), target, artifact, ctx))) {
        await copySparse(artifact.file, target, ctx.signal);
      }
    }
    for (const [name, bytes] of documents) await writeFile(join(fresh, name), bytes, { flag: 'wx' });
    const old = `${fresh}${REPLACED}`;
    const replaced = await renameIfPresent(directory, old);
    await rename(fresh, directory).catch(async (error: unknown) => {
      if (replaced) await rename(old, directory);
      throw error;
    });
    if (replaced) await removeIfAllowed(old);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** What follows the prefix in names that were made here, so that no other image's leftovers are taken for this one's. */
const MADE_BY_MKDTEMP = /^[A-Za-z0-9]{6}(\.old)?$/;

/** Ends the name of the directory that is being replaced. */
const REPLACED = '.old';

/**
 * Removes what an earlier build left when it was killed here, and puts back what it was about to replace, if the new files did
 * not take its place any more: then both are there. An old directory alone was replaced long ago by a build that might not remove it.
 * The caller holds the lock of this directory.
 */
async function recover(directory: string): Promise<void> {
  const parent = dirname(directory);
  const prefix = basename(stagePrefix(directory));
  const left = (await readdir(parent)).filter((name) => name.startsWith(prefix) && MADE_BY_MKDTEMP.test(name.slice(prefix.length)));
  const replaced = left.find((name) => name.endsWith(REPLACED) && left.includes(name.slice(0, -REPLACED.length)));
  if (replaced !== undefined && (await signature(directory)) === undefined) await rename(join(parent, replaced), directory);
  for (const name of left) await removeIfAllowed(join(parent, name));
}

/** What another user delivered here, root for one, may be replaced but not removed: it waits, hidden, for a build of that user. */
async function removeIfAllowed(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** What the system says of a directory that the user may not write, or that is none. */
const CLOSED: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'];

/** Runs work that writes into the user's directory; a full or closed disk there is the host's trouble, said plainly. */
async function mapFailure<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isDiskFull(cause)) {
      throw coreError('ICT_OUTPUT_DISK_FULL', {
        message: `the disk of ${directory} is full: the image could not be put there`,
        hint: 'Free some space there. What was built is in the cache: the next build only copies it.',
        facts: { directory },
        cause,
      });
    }
    if (CLOSED.includes(errnoOf(cause) ?? '')) {
      throw coreError('ICT_OUTPUT_UNWRITABLE', {
        message: `${directory} cannot be written: ${(cause as Error).message}`,
        hint: 'Name a directory that you may write, with --work-dir or --output.',
        facts: { directory },
        cause,
      });
    }
    throw cause;
  }
}

/** Where files are gathered: hidden, so that it is no other image's directory. */
function stagePrefix(directory: string): string {
  return join(dirname(directory), `.${basename(directory)}.new-`);
}

/** Copies what a build delivered to a second place, such as `--output`. */
export async function copyDelivery(delivery: Delivery, to: string, signal: AbortSignal): Promise<Delivery> {
  const move = (path: string) => join(to, path.slice(delivery.directory.length + 1));
  await mapFailure(to, async () => {
    ensureDirectory(to);
    for (const path of [...delivery.artifacts.map((artifact) => artifact.path), ...delivery.documents]) {
      const target = move(path);
      const fresh = `${target}.new`;
      try {
        await copySparse(path, fresh, signal);
        await rename(fresh, target);
      } catch (error) {
        await rm(fresh, { force: true });
        throw error;
      }
    }
  });
  return {
    directory: to,
    artifacts: delivery.artifacts.map((artifact) => ({ ...artifact, path: move(artifact.path) })),
    documents: delivery.documents.map(move),
  };
}

async function keepUnchanged(old: string, target: string, artifact: Deliverable, ctx: Context): Promise<boolean> {
  const known = (await ctx.memo.get('delivered', old)) as { digest: Digest; signature: Json } | undefined;
  if (known?.digest !== artifact.digest) return false;
  const now = await signature(old);
  if (now === undefined || now !== known.signature) return false;
  try {
    await link(old, target);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false; // the kernel lets nobody link the files of others
  }
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
