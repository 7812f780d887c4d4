import { bareAddress, withoutCredentials } from '@ict/plugin-api';

/** What stands where a secret was. */
export const REDACTED = '<REDACTED>';

/** Characters that a secret has at least: a shorter text is part of too many words to be looked for. */
export const SHORTEST_SECRET = 4;

/** Secrets of this many characters are covered in a printed template wherever they stand, shorter ones where it was put in. */
const TELLING = 8;

/** Words that a secret key has in it, misspelt too; `passwordMaxAge` and `passphraseFile` have another meaning. */
const SECRET_WORD = '(?!passwordMaxAge|passphraseFile)[\\w-]*(?:pas+\\w*w|passphrase|secret|token)[\\w-]*';

const SECRET_KEY = new RegExp(`^${SECRET_WORD}$`, 'iu');

/** A secret key with its value, in text that may not even be YAML: a quoted value to its end, any other to the end of the line. */
const SECRET_PAIR = new RegExp(
  `(?<![\\w-])(["']?${SECRET_WORD}["']?\\s*:\\s*)(?!true\\b|false\\b|\\{\\s*(?:secret|description)\\b)("(?:\\\\.|[^"\\\\])*"?|'(?:''|[^'])*'?|\\S.*)`,
  'giu',
);

/** Whether the value of a key is secret by the key's name. The switch of a variable's declaration, `secret: true`, is none. */
export function isSecretKey(name: string): boolean {
  return name !== 'secret' && SECRET_KEY.test(name);
}

/** The address of a repository in a line of a template, where its protocol was forgotten. */
const WITHOUT_PROTOCOL = /(\burl["']?\s*:\s*["']?)(?![a-z][a-z0-9+.-]*:\/\/|\.|\/(?!\/[^/]*@))([^\s"']+)@/giu;

/** An address with a placeholder for user and password, if it has some. */
export function redactAddress(address: string): string {
  const bare = bareAddress(address);
  return bare === address ? address : bare.replace(/^(?:[a-z][a-z0-9+.-]*:\/\/)?/iu, `$&${REDACTED}@`);
}

/** Text with a placeholder for the users and passwords of the addresses in it. */
export function redactCredentials(text: string): string {
  return withoutCredentials(text, () => REDACTED);
}

/**
 * One line of a source file with the values of secret keys and the credentials of addresses covered, of the same length: columns stay
 * where they are.
 */
export function coverSecrets(line: string): string {
  const stars = ({ length }: string): string => '*'.repeat(length);
  const cover = (_whole: string, before: string, secret: string): string => before + stars(secret);
  return withoutCredentials(line.replace(SECRET_PAIR, cover), stars).replace(
    WITHOUT_PROTOCOL,
    (...match: [string, string, string]) => `${cover(...match)}@`,
  );
}

/** Text in which each of these secrets is replaced by a placeholder; the longest first, as one may be part of another. */
export function redactText(text: string, secrets: readonly string[]): string {
  return [...secrets]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
    .reduce((out, secret) => out.replaceAll(secret, REDACTED), text);
}

/** Secrets that are unlike any ordinary word. */
export function tellingSecrets(secrets: readonly string[]): readonly string[] {
  return secrets.filter((secret) => secret.length >= TELLING);
}

/** Plain data with every text redacted. */
export function redactData<T>(data: T, secrets: readonly string[]): T {
  if (secrets.length === 0) return data;
  if (typeof data === 'string') return redactText(data, secrets) as T;
  if (Array.isArray(data)) return data.map((item) => redactData(item as unknown, secrets)) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, redactData(value as unknown, secrets)])) as T;
}
