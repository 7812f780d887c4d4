import { hasCode } from '@ict/plugin-api';
import type { LayerManifest, Sandbox } from '@ict/sandbox';
import { meansFullDisk } from './full-disk.js';
import type { LayerShelf, StagedLayer } from './layer-shelf.js';

/**
 * Unpacks what sealing wrote of a layer into a staged one, which is empty.
 *
 * @param shelf where it was staged.
 * @returns the manifest of what came out, to be compared with that of the layer; undefined when it cannot be unpacked, which is a miss
 *   like other content.
 * @throws when the disk is full: that says nothing about the archive. What was unpacked until then is removed.
 */
export async function unpackLayer(
  sandbox: Sandbox,
  archive: string,
  staged: StagedLayer,
  shelf: Pick<LayerShelf, 'abandon'>,
): Promise<LayerManifest | undefined> {
  try {
    return await sandbox.unpackLayer(archive, staged.directory);
  } catch (error) {
    if (hasCode(error, 'ICT_SANDBOX_LAYER') && !meansFullDisk(error)) return undefined;
    await shelf.abandon(staged);
    throw error;
  }
}
