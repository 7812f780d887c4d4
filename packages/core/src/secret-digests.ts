import { canonicalJson, digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';

/**
 * Data in which a digest stands for each secret, salted with what it is for: the same secret is not recognised elsewhere, while
 * another secret still gives another key.
 */
export function digestSecrets(data: Json, secrets: readonly string[], salt: string): Json {
  const wanted = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return data;
  const hidden = (text: string): string =>
    wanted.reduce((out, secret) => (out.includes(secret) ? out.replaceAll(secret, secretDigest(secret, salt)) : out), text);
  const visit = (value: Json): Json => {
    if (typeof value === 'string') return hidden(value);
    if (Array.isArray(value)) return value.map((item) => visit(item as Json));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [hidden(key), visit(inner as Json)]));
  };
  return visit(data);
}

/** What stands for one secret in a key. */
export function secretDigest(secret: string, salt: string): string {
  return digestOf(canonicalJson(['secret in a key', salt, secret]));
}
