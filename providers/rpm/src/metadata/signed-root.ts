import { readFile } from 'node:fs/promises';
import { acceptedSigners, hasCode } from '@ict/plugin-api';
import type { Context, Digest, MirrorList, RepositorySpec, SignatureResult } from '@ict/plugin-api';
import { distrustOf } from '../trust/distrust.js';
import { rpmError } from '../errors.js';
import { readKeyrings } from '../trust/keyring.js';

/** Path of the root below the archive. */
export const REPOMD = 'repodata/repomd.xml';

const MAX_ROOT_BYTES = 8 * 2 ** 20;
const MAX_SIGNATURE_BYTES = 256 * 1024;

/** repomd.xml as fetched. */
export interface FetchedRoot {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Upper-case hex fingerprints of the keys whose signatures are good; empty when the repository says that it is not signed. */
  readonly signers: readonly string[];
}

/**
 * Fetches the root of a repository and checks its detached signature, unless the repository says `repoGpgCheck: false`.
 *
 * @param listed the states that its metalink vouches for: the present one, and earlier ones that mirrors may still serve.
 * @throws `ICT_RPM_REPOMD_MISSING`, `ICT_RPM_REPOMD_UNSIGNED`, `ICT_RPM_REPOMD_SIGNATURE`, `ICT_RPM_REPOMD_UNKNOWN_KEY`,
 *   `ICT_RPM_REPOMD_EXPIRED_KEY`, `ICT_RPM_REPOMD_UNLISTED`, `ICT_RPM_KEYRING_UNREADABLE`, and what the fetcher throws.
 */
export async function fetchRoot(repository: RepositorySpec, ctx: Context, listed?: MirrorList['roots']): Promise<FetchedRoot> {
  ctx.signal.throwIfAborted();
  const url = `${repository.archive}/${REPOMD}`;
  const root = await fetchOptional(url, MAX_ROOT_BYTES, ctx);
  if (root === undefined) {
    throw rpmError('ICT_RPM_REPOMD_MISSING', {
      message: `repository "${repository.id}" has no ${REPOMD} at ${repository.archive}`,
      hint: 'Check the address of the repository: it is the directory that holds "repodata".',
      facts: { repository: repository.id, archive: repository.archive, absent: true },
    });
  }
  const { bytes, digest, sizeBytes } = root;
  if (listed !== undefined && !listed.some((state) => state.digest === digest && (state.sizeBytes ?? sizeBytes) === sizeBytes)) {
    throw rpmError('ICT_RPM_REPOMD_UNLISTED', {
      message: `${REPOMD} of repository "${repository.id}" is none that its metalink lists`,
      hint: 'The mirror is behind, or serves something else: try again later, or name a mirror with --mirror.',
      facts: { repository: repository.id, digest, sizeBytes, listed },
    });
  }
  if (repository.repoGpgCheck === false) return { bytes, digest, sizeBytes, signers: [] };
  const signature = await fetchOptional(`${url}.asc`, MAX_SIGNATURE_BYTES, ctx);
  if (signature === undefined) {
    throw rpmError('ICT_RPM_REPOMD_UNSIGNED', {
      message: `the metadata of repository "${repository.id}" is not signed: it has no ${REPOMD}.asc`,
      hint: 'When the repository signs its packages only, say "repoGpgCheck: false" for it, or write repoGpgCheck=false behind its address in --repo; its packages are then still verified.',
      facts: { repository: repository.id },
    });
  }
  const keyrings = readKeyrings(repository);
  const result = await ctx.verify.detached(bytes, signature.bytes, keyrings, {
    atSeconds: ctx.clock(),
    ...(repository.legacyCrypto === true ? { legacyCrypto: true } : {}),
  });
  const signers = acceptedSigners(result, repository);
  if (signers.length === 0) {
    throw notTrusted(repository, result);
  }
  return { bytes, digest, sizeBytes, signers };
}

function notTrusted(repository: RepositorySpec, result: SignatureResult): Error {
  const { kind, reason, facts } = distrustOf([result], repository);
  const code = CODES[kind];
  return rpmError(code, {
    message: `the signature of ${REPOMD} of repository "${repository.id}" does not count: ${reason}`,
    hint: HINTS[code],
    facts: { repository: repository.id, ...facts },
  });
}

const CODES = {
  'unknown-key': 'ICT_RPM_REPOMD_UNKNOWN_KEY',
  'expired-key': 'ICT_RPM_REPOMD_EXPIRED_KEY',
  signature: 'ICT_RPM_REPOMD_SIGNATURE',
} as const;

const HINTS = {
  ICT_RPM_REPOMD_UNKNOWN_KEY:
    'The repository may have a new key: compare its fingerprint with what the repository publishes, and add it to the keyrings, and to "fingerprints" where the repository has any, if you trust it (of one that --repo names: --repo-key FILE).',
  ICT_RPM_REPOMD_EXPIRED_KEY: 'Whoever renews the key publishes it again: put the new copy in the place of the old one in the keyrings.',
  ICT_RPM_REPOMD_SIGNATURE: 'The mirror may be in the middle of an update, or the metadata was changed: try again, or use another mirror.',
} as const;

async function fetchOptional(url: string, maxBytes: number, ctx: Context): Promise<Omit<FetchedRoot, 'signers'> | undefined> {
  try {
    const { file, digest, sizeBytes } = await ctx.fetch.fetch({ url, maxBytes, conditional: true });
    return { bytes: await readFile(file), digest, sizeBytes };
  } catch (error) {
    if (hasCode(error, 'ICT_FETCH_NOT_FOUND')) return undefined;
    throw error;
  }
}
