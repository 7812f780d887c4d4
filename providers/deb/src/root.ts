import { readFile } from 'node:fs/promises';
import { acceptedSigners, hasCode, refusal } from '@ict/plugin-api';
import type { Context, FetchedFile, RepositorySpec, SignatureResult } from '@ict/plugin-api';
import { debError } from './errors.js';
import { listKeys, readKeyrings } from './keyring.js';
import { releaseDirectory } from './release.js';

/** The signed root of a repository after verification. */
export interface VerifiedRoot {
  /** Path below the archive. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What the signature covers; nothing else may be read. */
  readonly text: string;
  readonly signers: readonly string[];
}

/** Debian's largest has 150 kB. */
const MAX_ROOT_BYTES = 10 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 1024 * 1024;

/**
 * Fetches `InRelease`, or `Release` and `Release.gpg` where the repository has no InRelease, and verifies it with the keys of the
 * repository's own keyrings. One good signature is enough.
 *
 * @throws `ICT_DEB_RELEASE_MISSING`, `ICT_DEB_RELEASE_SIGNATURE`, `ICT_DEB_RELEASE_UNKNOWN_KEY`, `ICT_DEB_KEYRING_UNREADABLE`, and what
 * the fetcher throws.
 */
export async function fetchRoot(repository: RepositorySpec, ctx: Context): Promise<VerifiedRoot> {
  const keyrings = await readKeyrings(repository);
  const directory = releaseDirectory(repository);
  const options = { atSeconds: ctx.clock() };
  const inRelease = await fetchOrNothing(repository, `${directory}InRelease`, MAX_ROOT_BYTES, ctx);
  if (inRelease !== undefined) {
    const bytes = await readFile(inRelease.file);
    const result = await ctx.verify.clearsigned(bytes, keyrings, options);
    const signers = acceptedSigners(result, repository);
    if (signers.length === 0 || result.plaintext === undefined) throw notTrusted(repository, `${directory}InRelease`, result, keyrings);
    return { path: `${directory}InRelease`, bytes, text: result.plaintext, signers };
  }
  const release = await fetchOrNothing(repository, `${directory}Release`, MAX_ROOT_BYTES, ctx);
  const signature = release && (await fetchOrNothing(repository, `${directory}Release.gpg`, MAX_SIGNATURE_BYTES, ctx));
  if (release === undefined || signature === undefined) throw missing(repository, directory, release !== undefined);
  const bytes = await readFile(release.file);
  const result = await ctx.verify.detached(bytes, await readFile(signature.file), keyrings, options);
  const signers = acceptedSigners(result, repository);
  if (signers.length === 0) throw notTrusted(repository, `${directory}Release`, result, keyrings);
  return { path: `${directory}Release`, bytes, text: new TextDecoder().decode(bytes), signers };
}

async function fetchOrNothing(repository: RepositorySpec, path: string, maxBytes: number, ctx: Context): Promise<FetchedFile | undefined> {
  try {
    return await ctx.fetch.fetch({ url: `${repository.archive}/${path}`, maxBytes, conditional: true });
  } catch (error) {
    if (hasCode(error, 'ICT_FETCH_NOT_FOUND')) return undefined;
    throw error;
  }
}

function missing(repository: RepositorySpec, directory: string, unsigned: boolean): Error {
  const what = unsigned ? 'a Release file without a signature' : 'neither InRelease nor Release';
  return debError('ICT_DEB_RELEASE_MISSING', {
    message: `repository "${repository.id}" has ${what} in ${repository.archive}/${directory}`,
    hint: unsigned
      ? 'Unsigned repositories are not used: publish Release.gpg or InRelease.'
      : 'Check "archive" and "suite": no such suite is there. Old releases move to another archive.',
    facts: { repository: repository.id, archive: repository.archive, suite: repository.suite },
  });
}

/** A foreign key and a broken signature need different remedies, so they have different codes. */
function notTrusted(repository: RepositorySpec, path: string, result: SignatureResult, keyrings: readonly Uint8Array[]): Error {
  const known = new Set(keyrings.flatMap((keyring) => listKeys(keyring).map(({ keyId }) => keyId)));
  const facts = { repository: repository.id, path, issuers: result.issuers, failures: result.failures };
  if (result.good) {
    return debError('ICT_DEB_RELEASE_UNKNOWN_KEY', {
      message: `${path} of repository "${repository.id}" does not count: ${refusal(result)}`,
      hint: 'Add the fingerprint of the key to "fingerprints" of the repository if you trust it.',
      facts,
    });
  }
  if (result.issuers.length > 0 && !result.issuers.some((issuer) => known.has(issuer.toUpperCase()))) {
    return debError('ICT_DEB_RELEASE_UNKNOWN_KEY', {
      message: `${path} of repository "${repository.id}" is signed by ${result.issuers.join(', ')}; its keyrings hold no such key`,
      hint: `Add the key to the repository's keyrings if you trust it. They are: ${repository.keyrings.join(', ')}.`,
      facts,
    });
  }
  const early = result.failures.some((failure) => failure.includes('in the future'));
  return debError('ICT_DEB_RELEASE_SIGNATURE', {
    message: `${path} of repository "${repository.id}" has no good signature: ${result.failures.join('; ') || 'none verified'}`,
    hint: early
      ? 'It was signed after what the clock of this machine says is now. Put the clock right.'
      : 'The file was changed on its way, or the mirror is broken. Use another mirror; do not trust this one.',
    facts,
  });
}
