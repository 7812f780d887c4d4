import { readFile } from 'node:fs/promises';
import { acceptedSigners, decisiveFault, hasCode, normalFingerprint, refusal } from '@ict/plugin-api';
import type { Context, FetchedFile, RepositorySpec, SignatureResult } from '@ict/plugin-api';
import { debError } from '../errors.js';
import { listKeys, readKeyrings } from '../trust/keyring.js';
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
 * @throws `ICT_DEB_RELEASE_MISSING`, `ICT_DEB_RELEASE_UNSIGNED`, `ICT_DEB_RELEASE_SIGNATURE`, `ICT_DEB_RELEASE_UNKNOWN_KEY`,
 * `ICT_DEB_RELEASE_EXPIRED_KEY`, `ICT_DEB_KEYRING_UNREADABLE`, and what the fetcher throws.
 */
export async function fetchRoot(repository: RepositorySpec, ctx: Context): Promise<VerifiedRoot> {
  const keyrings = readKeyrings(repository);
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

/** Neither InRelease nor Release, or a Release that nobody has signed. */
function missing(repository: RepositorySpec, directory: string, unsigned: boolean): Error {
  if (unsigned) return untrusted('ICT_DEB_RELEASE_UNSIGNED', repository, `${directory}Release`, 'there is no Release.gpg beside it');
  return debError('ICT_DEB_RELEASE_MISSING', {
    message: `repository "${repository.id}" has neither InRelease nor Release in ${repository.archive}/${directory}`,
    hint: 'Check the address and the suite ("url" and "codename" of a template, "archive" and "suite" of a definition): no such suite is there (that of a flat repository ends with a slash, such as "./"). Old releases move to another archive. A repository of your own needs a Release file, signed.',
    facts: { repository: repository.id, archive: repository.archive, suite: repository.suite, absent: true },
  });
}

const REMEDIES = {
  ICT_DEB_RELEASE_UNSIGNED:
    'Unsigned repositories are not used, and nothing is like [trusted=yes] of apt: sign Release with "gpg --clearsign --output InRelease Release", and name the key. If the repository is signed, something else answers in its place: open the address by hand.',
  ICT_DEB_RELEASE_UNKNOWN_KEY:
    "Add the key to the repository's keyrings if you trust it (of an archive that --repo names: --repo-key FILE).",
  ICT_DEB_RELEASE_EXPIRED_KEY: 'Whoever renews the key publishes it again: put the new copy in the place of the old one in the keyrings.',
  ICT_DEB_RELEASE_SIGNATURE: 'The file was changed on its way, or the mirror is broken. Use another mirror; do not trust this one.',
} as const;

function untrusted(
  code: keyof typeof REMEDIES,
  repository: RepositorySpec,
  path: string,
  reason: string,
  { hint = REMEDIES[code], facts = {} }: { readonly hint?: string; readonly facts?: Readonly<Record<string, unknown>> } = {},
): Error {
  return debError(code, {
    message: `${path} of repository "${repository.id}" is not trusted: ${reason}`,
    hint,
    facts: { repository: repository.id, path, keyrings: repository.keyrings, ...facts },
  });
}

const CODES = {
  unsigned: 'ICT_DEB_RELEASE_UNSIGNED',
  'unknown-key': 'ICT_DEB_RELEASE_UNKNOWN_KEY',
  'expired-key': 'ICT_DEB_RELEASE_EXPIRED_KEY',
  other: 'ICT_DEB_RELEASE_SIGNATURE',
} as const;

/** No signature, a foreign key, an expired one and a broken signature need different remedies, so they have different codes. */
function notTrusted(repository: RepositorySpec, path: string, result: SignatureResult, keyrings: readonly Uint8Array[]): Error {
  const { issuers, failures } = result;
  const primary = keyrings.flatMap(listKeys).filter((key) => key.primary);
  const accepted = repository.fingerprints?.map(normalFingerprint) ?? primary.map(({ fingerprint }) => fingerprint);
  const fault = decisiveFault([result]);
  const reason =
    fault === 'unknown-key' && !result.good ? `it is signed by ${issuers.join(', ')}; its keyrings hold no such key` : refusal(result);
  const hint = hintOf(CODES[fault], repository, result);
  return untrusted(CODES[fault], repository, path, reason, { hint, facts: { issuers, failures, accepted } });
}

function hintOf(code: keyof typeof REMEDIES, { keyrings }: RepositorySpec, { good, failures }: SignatureResult): string {
  if (good) return 'Add the fingerprint of the key to "fingerprints" of the repository if you trust it.';
  if (code === 'ICT_DEB_RELEASE_UNKNOWN_KEY') return `${REMEDIES[code]} They are: ${keyrings.join(', ')}.`;
  const early = code === 'ICT_DEB_RELEASE_SIGNATURE' && failures.some((failure) => failure.includes('in the future'));
  return early ? 'It was signed after what the clock of this machine says is now. Put the clock right.' : REMEDIES[code];
}
