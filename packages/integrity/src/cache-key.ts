import { createHash } from 'node:crypto';
import type { Json } from '@ict/plugin-api';
import { canonicalJson } from './canonical-json.js';
import { integrityError } from './errors.js';

/** Name of a cached result: 64 lower-case hex digits, a function of the result's kind and every input that shapes it. */
export type CacheKey = string & { readonly __brand: 'CacheKey' };

/**
 * Key of the result of kind `kind` (`package`, `layer`, `deb.install`) made from `inputs`.
 *
 * It is `hex(sha256("ict-key/v1\0" + kind + "\0" + canonicalJson(inputs)))`: typed, so that two kinds never share a key, and
 * free of the joining mistakes that concatenated parts invite (`a,bc` against `ab,c`).
 *
 * @throws `ICT_INTEGRITY_JSON` when the inputs are not JSON; `ICT_INTEGRITY_KEY_KIND` when `kind` is empty or has a NUL.
 */
export function cacheKey(kind: string, inputs: Json): CacheKey {
  if (kind === '' || kind.includes('\0') || !kind.isWellFormed()) {
    throw integrityError('ICT_INTEGRITY_KEY_KIND', {
      message: `${JSON.stringify(kind)} cannot name a kind of cached result`,
      hint: 'Use a short name such as "deb.install".',
      facts: { kind },
    });
  }
  return createHash('sha256')
    .update(`ict-key/v1\0${kind}\0${canonicalJson(inputs)}`)
    .digest('hex') as CacheKey;
}
