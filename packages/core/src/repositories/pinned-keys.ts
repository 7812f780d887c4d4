import { digestOf, readRegularFile } from '@ict/integrity';
import { normalFingerprint, type DistributionDefinition, type Memo, type RepositorySpec } from '@ict/plugin-api';
import { parseKeyring } from '@ict/verify';
import { isRemote } from '@ict/template';
import { coreError } from '../errors.js';

/**
 * Compares the fingerprints that a definition and a template name with the keys in the keyring files of their repositories. What a file holds
 * is remembered by its content. A file that cannot be read is left to the provider, which needs it; so is one without any OpenPGP key, as other
 * ecosystems have. A repository with keys that have to be fetched is compared when they are.
 *
 * @param ofTemplate ids of the repositories that the template adds.
 * @throws `ICT_DISTRO_FINGERPRINT` when keyrings lack such a key: they are not the ones that the definition was written with;
 * `ICT_REPOSITORY_FINGERPRINT` for a repository of the template.
 */
export async function requirePinnedKeys(
  { title, repositories }: DistributionDefinition,
  memo: Memo,
  ofTemplate: Pick<ReadonlySet<string>, 'has'> = new Set(),
): Promise<void> {
  for (const { id, keyrings, fingerprints = [] } of repositories) {
    if (fingerprints.length === 0 || keyrings.some(isRemote)) continue;
    const held = await Promise.all(keyrings.map((keyring) => keysOf(keyring, memo)));
    if (held.some((keys) => keys === undefined || keys.length === 0)) continue;
    const missing = fingerprints.map(normalFingerprint).filter((fingerprint) => !held.flat().includes(fingerprint));
    if (missing.length === 0) continue;
    if (ofTemplate.has(id)) throw lackingKeys({ id, keyrings }, missing, held.flat() as string[]);
    throw coreError('ICT_DISTRO_FINGERPRINT', {
      message: `the keyrings of repository "${id}" lack keys that the definition of ${title} names: ${missing.join(', ')}`,
      hint: `Compare ${keyrings.join(', ')} with what its vendor publishes; the file or "fingerprints" is wrong.`,
      facts: { repository: id, keyrings: [...keyrings], missing },
    });
  }
}

/** The error for keyrings of a template's repository that lack keys which it, or its lock, pins. @param held fingerprints of the keys that they have. */
export function lackingKeys(
  { id, keyrings }: Pick<RepositorySpec, 'id' | 'keyrings'>,
  missing: readonly string[],
  held: readonly string[],
): Error {
  const has = held.length === 0 ? 'no OpenPGP key' : held.join(', ');
  return coreError('ICT_REPOSITORY_FINGERPRINT', {
    message: `the keys of repository "${id}" lack those whose fingerprints are pinned: ${missing.join(', ')}; ${keyrings.join(', ')} ${keyrings.length === 1 ? 'has' : 'have'} ${has}`,
    hint: 'Compare with what its vendor publishes, by another way than that of the key: the key or "fingerprints" (without any, what the lock says) is wrong, or somebody put another key there.',
    facts: { repository: id, keyrings: [...keyrings], missing: [...missing], held: [...held] },
  });
}

/** Fingerprints of the primary keys of a keyring file, upper-case hex; undefined when it cannot be read. */
export async function keysOf(file: string, memo: Memo): Promise<readonly string[] | undefined> {
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
