import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFully, type PlacedBytes } from '@ict/image-parts';
import type { BlobRef, BuildContext, TreeRef } from '@ict/plugin-api';
import type { ArchiveLayout } from './archive-layout.js';

/** Heads between two contents are gathered up to this many bytes before they are written. */
const GATHERED_BYTES = 1024 * 1024;

/** Writes an archive of files of a tree: what is between them here, their contents where they may be read. */
export async function writeArchive(layout: ArchiveLayout, tree: TreeRef, ctx: BuildContext): Promise<BlobRef> {
  const directory = await mkdtemp(join(ctx.temporary, 'archive-'));
  try {
    const file = join(directory, 'archive');
    await writeHeads(layout, file, ctx.signal);
    await ctx.trees.place(tree, layout.contents, file);
    ctx.signal.throwIfAborted();
    return await ctx.blobs.putFile(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeHeads({ heads, sizeBytes }: ArchiveLayout, file: string, signal: AbortSignal): Promise<void> {
  await using output = await open(file, 'wx');
  await output.truncate(sizeBytes);
  for (const { offsetBytes, bytes } of joined(heads)) {
    signal.throwIfAborted();
    await writeFully(output, bytes, offsetBytes);
  }
}

/** Neighbours as one, so that a directory of links takes one write. */
function* joined(heads: readonly PlacedBytes[]): Generator<PlacedBytes> {
  let offsetBytes = 0;
  let parts: Uint8Array[] = [];
  let length = 0;
  for (const head of heads) {
    if (head.offsetBytes !== offsetBytes + length || length > GATHERED_BYTES) {
      if (length > 0) yield { offsetBytes, bytes: Buffer.concat(parts) };
      offsetBytes = head.offsetBytes;
      parts = [];
      length = 0;
    }
    parts.push(head.bytes);
    length += head.bytes.length;
  }
  if (length > 0) yield { offsetBytes, bytes: Buffer.concat(parts) };
}
