import { hasCode, type LayerRef } from '@ict/plugin-api';
import type { LayerManifest, Sandbox } from '@ict/sandbox';
import { meansFullDisk } from './full-disk.js';
import { signedNow } from './kept-signature.js';
import type { LayerShelf, StoredLayer } from './layer-shelf.js';

/**
 * Unpacks what sealing wrote of a layer, and puts it on a shelf. It counts only when what comes out is exactly the layer.
 *
 * @returns the layer as the shelf has it; undefined when the archive cannot be unpacked, or is that of something else.
 * @throws when the disk is full: that says nothing about the archive. What was unpacked until then is removed.
 */
export async function restoreLayer(
  layer: Pick<LayerRef, 'digest'>,
  archive: string,
  shelf: Pick<LayerShelf, 'stage' | 'publish' | 'find' | 'abandon'>,
  sandbox: Sandbox,
): Promise<StoredLayer | undefined> {
  const staged = await shelf.stage();
  try {
    const manifest = await unpacked(archive, staged.directory, sandbox);
    if (manifest?.digest === layer.digest) {
      await shelf.publish(staged, manifest, async (directory) => signedNow(await sandbox.statLayer(directory)));
      return await shelf.find(layer);
    }
  } catch (error) {
    await shelf.abandon(staged).catch(() => undefined); // the cause says more; what stays is cleared by the next build
    throw error;
  }
  await shelf.abandon(staged);
  return undefined;
}

/** What an archive held; undefined when it cannot be unpacked. */
async function unpacked(archive: string, directory: string, sandbox: Sandbox): Promise<LayerManifest | undefined> {
  try {
    return await sandbox.unpackLayer(archive, directory);
  } catch (error) {
    if (!hasCode(error, 'ICT_SANDBOX_LAYER') || meansFullDisk(error)) throw error;
    return undefined;
  }
}
