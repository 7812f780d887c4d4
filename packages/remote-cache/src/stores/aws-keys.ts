import { isWord, REDIRECTS } from './answers.js';
import { noLogin, type Environment } from './aws-profile.js';
import type { AwsCredentials } from './s3-signature.js';
import type { Transport } from './store.js';

/** Keys, and where they come from, as it is told. */
export interface AwsKeys {
  readonly credentials: AwsCredentials;
  readonly source: string;
}

/** Why a source has no keys, as it is told. */
export interface NoAwsKeys {
  readonly missing: string;
}

/** What sources of keys are asked by. */
export interface AwsAsker {
  readonly client: Transport['client'];
  /** Without any proxy: for what is on this machine, or is the machine's own. */
  readonly nearby: Transport['client'];
  readonly env: Environment;
  /** Now, seconds since 1970. */
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

/** What an answer may be of which nothing is to be followed: a redirect would take secrets elsewhere. */
export const REFUSALS: readonly number[] = [
  ...REDIRECTS,
  ...Array.from({ length: 100 }, (_, index) => 400 + index).filter((status) => ![408, 425, 429].includes(status)),
];

/** Hosts that are this machine, and those that AWS gives it for metadata and keys: nobody else hears what is said to them without TLS. */
const NEARBY = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.169\.254|169\.254\.170\.(?:2|23)|\[fd00:ec2::(?:23|254)\])$/;

/** Whether an address is one of http that keys may be had from. */
export function isNearby(url: URL): boolean {
  return url.protocol === 'http:' && NEARBY.test(url.hostname);
}

/** Servers that are not AWS's take secrets of any characters. */
function isKey(text: unknown): text is string {
  return typeof text === 'string' && /^\P{Cc}+$/u.test(text);
}

/**
 * Keys of an answer, which neither error nor log ever quotes.
 *
 * @param source as it is told.
 * @throws `ICT_REMOTE_CACHE_LOGIN` for an answer without keys, and for keys that are too old.
 */
export function readKeys(
  answer: { readonly keyId: unknown; readonly secret: unknown; readonly sessionToken: unknown; readonly expires: unknown },
  source: string,
  nowSeconds: number,
): AwsCredentials {
  const { keyId, secret, expires } = answer;
  const sessionToken = answer.sessionToken ?? '';
  const expiresAtSeconds = expires === undefined || expires === null || expires === '' ? undefined : secondsOf(expires);
  if (!isKey(keyId) || !isKey(secret) || (sessionToken !== '' && !isWord(sessionToken)) || Number.isNaN(expiresAtSeconds)) {
    throw noLogin(`${source} has something else than keys`, 'Have it say what the documentation of AWS says.', { source });
  }
  if (expiresAtSeconds !== undefined && expiresAtSeconds <= nowSeconds) throw tooOld(source, expiresAtSeconds, nowSeconds);
  return {
    keyId,
    secret,
    ...(sessionToken === '' ? {} : { sessionToken }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAtSeconds }),
  };
}

function secondsOf(expires: unknown): number {
  return typeof expires === 'string' ? Math.floor(Date.parse(expires) / 1000) : NaN;
}

function tooOld(source: string, expiresAtSeconds: number, nowSeconds: number): Error {
  const [until, now] = [expiresAtSeconds, nowSeconds].map((seconds) => new Date(seconds * 1000).toISOString().replace('.000', ''));
  return noLogin(
    `the keys of ${source} were good until ${until}, and now it is ${now}`,
    'Get new ones, or set the clock of this machine.',
    {
      source,
      until,
      now,
    },
  );
}
