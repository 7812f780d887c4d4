import { randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTarFile } from '@ict/archive';
import type { TarEntryType, TarInput } from '@ict/archive';
import type { Context, TreeSession } from '@ict/plugin-api';
import type { RpmFile } from './package-files.js';
import { readRpm } from './package.js';
import type { PayloadEntry } from './payload.js';

const TYPES: Readonly<Record<number, TarEntryType>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
  0o020000: 'character',
  0o060000: 'block',
  0o010000: 'fifo',
};

/**
 * Puts files of a package into a tree, all owned by root, without its scripts and without rpm's knowledge.
 *
 * @param choose tells which of its files; all of them without it.
 */
export async function extractPayload(
  file: string,
  tree: TreeSession,
  ctx: Pick<Context, 'signal' | 'temporary'>,
  choose: (files: readonly RpmFile[]) => (file: RpmFile) => boolean = () => () => true,
): Promise<void> {
  const pkg = await readRpm(file, { signal: ctx.signal });
  const tar = join(ctx.temporary, `payload-${randomUUID()}.tar`);
  try {
    await writeTarFile(tar, toTar(pkg.payload({ isTransient: true }), choose(pkg.files())), { signal: ctx.signal });
    await tree.extract(tar, 'tar');
  } finally {
    await unlink(tar);
  }
}

/** Owners are names, which mean nothing before the tree has its users; rpm sets them when it installs the package. */
async function* toTar(
  entries: AsyncIterable<PayloadEntry>,
  isChosen: (file: RpmFile) => boolean,
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
      ...(type === 'file' ? { sizeBytes: file.sizeBytes, content } : {}),
      ...(type === 'symlink' || type === 'hardlink' ? { linkTarget } : {}),
    };
  }
}

function relative(path: string): string {
  return path === '/' ? '.' : `.${path}`;
}
