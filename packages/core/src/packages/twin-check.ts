import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TwinOfPackage } from '@ict/cache';
import { hashFile, integrityFromDigest } from '@ict/integrity';
import type { Provider } from '@ict/plugin-api';
import { namingFullDisk, type WantedRoom } from '../trees/full-disk.js';

/**
 * Makes the uncompressed twin of a package anew and compares it with the one that the cache has.
 *
 * @param providerOf loads the provider of an ecosystem.
 * @param directory an empty one for the new twin; it is empty again afterwards.
 * @returns what is wrong; undefined when nothing is, and for a twin of another version, which no build uses.
 * @param room where that directory may lie.
 * @throws `ICT_HOST_DISK_FULL`; what else the provider's writer throws.
 */
export async function checkTwin(
  { by, version, integrity, package: file }: TwinOfPackage,
  providerOf: (ecosystem: string) => Promise<Provider>,
  { directory, room, signal }: { readonly directory: string; readonly room: WantedRoom; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { twins } = await providerOf(by);
  if (twins?.version !== version) return undefined;
  const out = join(directory, 'twin');
  try {
    await namingFullDisk(room, () => twins.write(file, out, { signal }));
    return integrityFromDigest((await hashFile(out)).digest) === integrity ? undefined : 'it is not what its package unpacks as';
  } finally {
    await rm(out, { force: true });
  }
}
