import { randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTarFile } from '@ict/archive';
import type { TarEntryType, TarInput } from '@ict/archive';
import type { Context, TreeSession } from '@ict/plugin-api';
import type { RpmFile } from './package-files.js';
import type { RpmPackage } from './package.js';
import type { PayloadEntry } from './payload.js';

const TYPES: Readonly<Record<number, TarEntryType>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
  0o020000: 'character',
  0o060000: 'block',
  0o010000: 'fifo',
};

/** What is done with the files of packages on their way. */
export interface PayloadUse {
  /** Which files of a package are wanted; default: all. */
  readonly choose?: (files: readonly RpmFile[]) => (file: RpmFile) => boolean;
  /** What the content of a wanted file passes through, unchanged. It is read to its end before the next file. */
  readonly through?: (file: RpmFile, content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/**
 * Puts files of packages into a tree, all owned by root, without scripts and without rpm's knowledge.
 *
 * @param packages in the order in which they are unpacked; each is asked for when the one before it was read. They lie in one archive on disk meanwhile.
 */
export async function extractPayloads(
  packages: Iterable<RpmPackage>,
  tree: TreeSession,
  ctx: Pick<Context, 'signal' | 'temporary'>,
  use: PayloadUse = {},
): Promise<void> {
  const tar = join(ctx.temporary, `payload-${randomUUID()}.tar`);
  try {
    await writeTarFile(tar, entriesOf(packages, use), { signal: ctx.signal });
    await tree.extract(tar, 'tar');
  } finally {
    await unlink(tar);
  }
}

async function* entriesOf(packages: Iterable<RpmPackage>, use: PayloadUse): AsyncGenerator<TarInput, void, undefined> {
  for (const pkg of packages) yield* toTar(pkg.payload({ isTransient: true }), use.choose?.(pkg.files()), use.through);
}

/** Owners are names, which mean nothing before the tree has its users; rpm sets them when it installs the package. */
async function* toTar(
  entries: AsyncIterable<PayloadEntry>,
  isChosen: (file: RpmFile) => boolean = () => true,
  through: NonNullable<PayloadUse['through']> = (_file, content) => content,
): AsyncGenerator<TarInput, void, undefined> {
  for await (const { file, linkOf, content } of entries) {
    if (!isChosen(file)) continue;
    const type = linkOf === undefined ? TYPES[file.mode & 0o170000] : 'hardlink';
    if (type === undefined || type === 'character' || type === 'block') continue;
    const linkTarget = linkOf === undefined ? file.linkTarget : relative(linkOf);
    yield {
      path: relative(file.path),
      type,
      mode: file.mode & 0o7777,
      uid: 0,
      gid: 0,
      mtimeSeconds: file.mtimeSeconds,
      ...(type === 'file' ? { sizeBytes: file.sizeBytes, content: through(file, content) } : {}),
      ...(type === 'symlink' || type === 'hardlink' ? { linkTarget } : {}),
    };
  }
}

function relative(path: string): string {
  return path === '/' ? '.' : `.${path}`;
}
