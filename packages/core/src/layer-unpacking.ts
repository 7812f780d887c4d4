import { hasCode } from '@ict/plugin-api';
import type { LayerManifest, Sandbox } from '@ict/sandbox';
import { meansFullDisk } from './full-disk.js';

/**
 * Unpacks what sealing wrote of a layer into an empty directory.
 *
 * @returns the manifest of what came out, to be compared with that of the layer; undefined when it cannot be unpacked, which is a miss
 *   like other content.
 * @throws when the disk is full: that says nothing about the archive.
 */
export async function unpackLayer(sandbox: Sandbox, archive: string, directory: string): Promise<LayerManifest | undefined> {
  try {
    return await sandbox.restoreSnapshot(archive, directory);
  } catch (error) {
    if (hasCode(error, 'ICT_SANDBOX_LAYER') && !meansFullDisk(error)) return undefined;
    throw error;
  }
}
