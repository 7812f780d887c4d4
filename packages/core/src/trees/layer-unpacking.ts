import { hasCode, type LayerRef } from '@ict/plugin-api';
import type { LayerManifest, Sandbox } from '@ict/sandbox';
import { meansFullDisk } from './full-disk.js';
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
  let manifest: LayerManifest | undefined;
  try {
    manifest = await sandbox.unpackLayer(archive, staged.directory);
  } catch (error) {
    if (!hasCode(error, 'ICT_SANDBOX_LAYER') || meansFullDisk(error)) {
      await shelf.abandon(staged);
      throw error;
    }
  }
  if (manifest?.digest !== layer.digest) {
    await shelf.abandon(staged);
    return undefined;
  }
  await shelf.publish(staged, manifest, (directory) => sandbox.statLayer(directory));
  return shelf.find(layer);
}
