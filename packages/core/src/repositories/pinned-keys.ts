import { digestOf, readRegularFile } from '@ict/integrity';
import { normalFingerprint, type DistributionDefinition, type Memo } from '@ict/plugin-api';
import { parseKeyring } from '@ict/verify';
import { coreError } from '../errors.js';

/**
 * Compares the fingerprints that a definition names with the keys in its keyring files. What a file holds is remembered by its content.
 * A file that cannot be read is left to the provider, which needs it; so is one without any OpenPGP key, as other ecosystems have.
 *
 * @throws `ICT_DISTRO_FINGERPRINT` when keyrings lack such a key: they are not the ones that the definition was written with.
 */
export async function requirePinnedKeys({ title, repositories }: DistributionDefinition, memo: Memo): Promise<void> {
  for (const { id, keyrings, fingerprints = [] } of repositories) {
    if (fingerprints.length === 0) continue;
    const held = await Promise.all(keyrings.map((keyring) => keysOf(keyring, memo)));
    if (held.some((keys) => keys === undefined || keys.length === 0)) continue;
    const missing = fingerprints.map(normalFingerprint).filter((fingerprint) => !held.flat().includes(fingerprint));
    if (missing.length === 0) continue;
    throw coreError('ICT_DISTRO_FINGERPRINT', {
      message: `the keyrings of repository "${id}" lack keys that the definition of ${title} names: ${missing.join(', ')}`,
      hint: `Compare ${keyrings.join(', ')} with what its vendor publishes; the file or "fingerprints" is wrong.`,
      facts: { repository: id, keyrings: [...keyrings], missing },
    });
  }
}

/** Fingerprints of the primary keys of a keyring file; undefined when it cannot be read. */
async function keysOf(file: string, memo: Memo): Promise<readonly string[] | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(file);
  } catch {
    return undefined;
  }
  const content = digestOf(bytes);
  const known = await memo.get('keyring', content);
  if (known !== undefined) return known as readonly string[];
  const fingerprints = (await parseKeyring(bytes)).keys.map(({ fingerprint }) => fingerprint);
  await memo.set('keyring', content, fingerprints);
  return fingerprints;
}
