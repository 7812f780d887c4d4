/** What stands where a secret was. */
export const REDACTED = '<REDACTED>';

/** Keys whose values are secret, in text that may not even be YAML; `passwordMaxAge` and `passphraseFile` are not. */
const SECRET_KEY =
  /(?<![\w-])(["']?(?!passwordMaxAge|passphraseFile)[\w-]*(?:passw|passwd|passphrase|secret|token)[\w-]*["']?\s*:\s*)(?!true\b|false\b|[{[|>&*])([^,}\s][^,}]*)/giu;

/** One line of a source file with the values of secret keys covered, of the same length: columns stay where they are. */
export function coverSecrets(line: string): string {
  return line.replace(SECRET_KEY, (_whole, key: string, value: string) => key + '*'.repeat(value.length));
}

/** Text in which each of these secrets is replaced by a placeholder; the longest first, as one may be part of another. */
export function redactText(text: string, secrets: readonly string[]): string {
  return [...secrets]
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length)
    .reduce((out, secret) => out.replaceAll(secret, REDACTED), text);
}

/** Plain data with every text redacted. */
export function redactData<T>(data: T, secrets: readonly string[]): T {
  if (secrets.length === 0) return data;
  if (typeof data === 'string') return redactText(data, secrets) as T;
  if (Array.isArray(data)) return data.map((item) => redactData(item as unknown, secrets)) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, redactData(value as unknown, secrets)])) as T;
}
