import { readFile } from 'node:fs/promises';
import { nameAbsent } from '@ict/package-index';
import { formatCount, fromErrorRecord, isIctError, normalFingerprint, toErrorRecord } from '@ict/plugin-api';
import type { BlobRef, Context, Digest, Json, PinnedRepository, RepositorySpec } from '@ict/plugin-api';
import { isRemote } from '@ict/template';
import { coreError } from '../errors.js';
import { keysOf, lackingKeys } from './pinned-keys.js';
import type { Mirrors } from './repository-mirrors.js';

/** Largest keyring that is fetched. That of all of Debian's archives has 60 kB. */
const MAX_KEYRING_BYTES = 2 ** 20;

/** What fetching keys takes. */
type KeyContext = Pick<Context, 'fetch' | 'blobs' | 'memo'>;

/** A keyring on this machine, with the fingerprints of its primary keys. */
interface Keyring {
  readonly file: string;
  /** Undefined for a file that cannot be read: the provider says so. */
  readonly keys: readonly string[] | undefined;
}

/** Whether a key lies in the archive of its repository: then a mirror that stands in for the archive, and has no such file, is the wrong one. */
export function keysLieBelow({ archive, keyrings }: Pick<RepositorySpec, 'archive' | 'keyrings'>): boolean {
  return keyrings.some((keyring) => keyring.startsWith(`${archive}/`));
}

/**
 * A repository whose keys lie on this machine: those that its keyrings name by address are fetched, kept in the cache, and count only as far as
 * fingerprints pin them. Whoever controls the address decides what comes from there, and is trusted with nothing.
 *
 * @returns a repository without such keyrings as it is; offline, with the keys that were kept.
 * @throws `ICT_REPOSITORY_KEY_UNPINNED` with the fingerprints of what was fetched, `ICT_REPOSITORY_FINGERPRINT` when that lacks a pinned key, and
 * what the fetcher throws, with the repository among its facts.
 */
export async function withFetchedKeys(repository: RepositorySpec, ctx: KeyContext): Promise<RepositorySpec> {
  if (!repository.keyrings.some(isRemote)) return repository;
  const { fingerprints = [] } = repository;
  const found = await keyringsOf(repository, ctx, (address) => fetchKeyring(address, repository, ctx));
  if (fingerprints.length === 0) throw unpinned(repository, found);
  const missing = missingIn(found, fingerprints);
  if (missing.length > 0) throw lackingKeys(repository, missing, fingerprintsIn(found));
  return trusting(repository, found, fingerprints);
}

/**
 * The same for repositories as a lock pins them: where the template has no fingerprints, the keys count that vouched for the repository when
 * the lock was made. Keys that were kept are used without asking for newer ones.
 */
export async function withLockedKeys(
  repositories: readonly RepositorySpec[],
  locked: readonly Pick<PinnedRepository, 'id' | 'signers'>[],
  { chooseMirror }: Pick<Mirrors, 'chooseMirror'>,
  ctx: KeyContext & Pick<Context, 'signal'>,
): Promise<readonly RepositorySpec[]> {
  const ready: RepositorySpec[] = [];
  for (const repository of repositories) {
    const signers = locked.find(({ id }) => id === repository.id)?.signers ?? [];
    const kept = await withKeptKeys(signers, repository, ctx);
    const { fingerprints = signers } = repository;
    const fetch = () => withFetchedKeys({ ...repository, fingerprints }, ctx);
    ready.push(kept ?? (await (keysLieBelow(repository) ? chooseMirror(repository.archive, fetch, ctx.signal) : fetch())));
  }
  return ready;
}

/** @returns undefined when the keys that were kept are not all that are pinned. */
async function withKeptKeys(signers: readonly string[], repository: RepositorySpec, ctx: KeyContext): Promise<RepositorySpec | undefined> {
  if (!repository.keyrings.some(isRemote)) return repository;
  const { fingerprints = signers } = repository;
  const kept = await keyringsOf(repository, ctx, (address) => recallKeyring(address, ctx));
  const isWhole = fingerprints.length > 0 && missingIn(kept, fingerprints).length === 0;
  return isWhole ? trusting(repository, kept, fingerprints) : undefined;
}

function trusting(repository: RepositorySpec, found: readonly Keyring[], fingerprints: readonly string[]): RepositorySpec {
  return { ...repository, keyrings: found.map(({ file }) => file), fingerprints };
}

/** @param obtain gets those that are addresses; what it does not have is left out. */
async function keyringsOf(
  { keyrings }: RepositorySpec,
  { memo }: KeyContext,
  obtain: (address: string) => Promise<string | undefined>,
): Promise<readonly Keyring[]> {
  const found: Keyring[] = [];
  for (const keyring of keyrings) {
    const file = isRemote(keyring) ? await obtain(keyring) : keyring;
    if (file !== undefined) found.push({ file, keys: await keysOf(file, memo) });
  }
  return found;
}

function fingerprintsIn(found: readonly Keyring[]): readonly string[] {
  return [...new Set(found.flatMap(({ keys }) => keys ?? []))];
}

/** Pinned keys that no keyring has; none where a file cannot be read, which the provider tells. */
function missingIn(found: readonly Keyring[], fingerprints: readonly string[]): readonly string[] {
  if (found.some(({ keys }) => keys === undefined)) return [];
  const held = fingerprintsIn(found);
  return fingerprints.map(normalFingerprint).filter((fingerprint) => !held.includes(fingerprint));
}

/** @returns a file with the keyring: as it is there now, or offline as it was kept. */
async function fetchKeyring(address: string, { id }: RepositorySpec, ctx: KeyContext): Promise<string> {
  try {
    const { file } = await ctx.fetch.fetch({ url: address, maxBytes: MAX_KEYRING_BYTES, conditional: true });
    const kept = await ctx.blobs.putBytes(await readFile(file));
    await ctx.memo.set('keyring.address', address, { ...kept } satisfies Json);
    return file;
  } catch (error) {
    if (!isIctError(error)) throw error;
    const kept = error.kind === 'offline' ? await recallKeyring(address, ctx) : undefined;
    if (kept !== undefined) return kept;
    const record = toErrorRecord(nameAbsent(error, `the key of repository "${id}", ${address},`));
    throw fromErrorRecord({ ...record, facts: { ...record.facts, repository: id, keyrings: [address] } }, error);
  }
}

/** @returns a file with the keyring that was fetched last; undefined when there is none, or it is damaged. */
async function recallKeyring(address: string, { memo, blobs }: KeyContext): Promise<string | undefined> {
  const kept = (await memo.get('keyring.address', address)) as Partial<BlobRef> | undefined;
  return typeof kept?.digest === 'string' ? blobs.path(kept.digest as Digest) : undefined;
}

function unpinned({ id, keyrings }: RepositorySpec, found: readonly Keyring[]): Error {
  const addresses = keyrings.filter(isRemote);
  const held = fingerprintsIn(found);
  const message = `the key of repository "${id}" is fetched from ${addresses.join(' and ')}, and no fingerprint pins it`;
  const facts = { repository: id, keyrings: addresses, fingerprints: held };
  if (held.length === 0) {
    const hint = 'Open the address by hand: what lies there is no OpenPGP key.';
    return coreError('ICT_REPOSITORY_KEY_UNPINNED', { message: `${message}; there is no OpenPGP key in it`, hint, facts });
  }
  const line = `fingerprints: [${held.map((fingerprint) => JSON.stringify(fingerprint)).join(', ')}]`;
  return coreError('ICT_REPOSITORY_KEY_UNPINNED', {
    message: `${message}; ${formatCount(held.length, 'key')} ${held.length === 1 ? 'lies' : 'lie'} there`,
    hint: `Compare these fingerprints with what the vendor publishes, by another way than that address, and write below the line of the key those that are right: ${line}`,
    facts,
  });
}
