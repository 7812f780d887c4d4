import type { UserSpec } from '@ict/plugin-api';
import { derivedSalt, isCryptHash, shaCrypt } from './crypt.js';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';
import type { Template } from '../schema/template.js';

type User = NonNullable<NonNullable<Template['systemConfig']>['users']>[number];

/** `<REQUIRED_GROUP>`: what sample templates have where a value belongs. */
const PLACEHOLDER = /^<[A-Za-z0-9_]+>$/;

/** True for what sample templates have where a value belongs. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text);
}

/** True for a name that user and group databases take: what `useradd` accepts, but for names of digits only. */
export function isAccountName(name: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,31}$/.test(name) && !/^[0-9]+$/.test(name);
}

/** Whether a plain password can be hashed this way. */
export function isShaCrypt(algorithm: string): algorithm is 'sha512' | 'sha256' {
  return algorithm === 'sha512' || algorithm === 'sha256';
}

/** What the reading of users needs beside them. */
export interface UserContext {
  /** Part of the salts of hashes. */
  readonly imageName: string;
  /** Whether the value at a path came from outside the template and is secret. */
  readonly holdsSecret: (path: Path) => boolean;
  /** How many plain passwords the template has: see {@link countPlainPasswords}. */
  readonly plainPasswords: number;
  readonly error: Report;
  readonly warning: Report;
}

/** Reads one user. A plain password becomes a SHA-crypt hash with a salt that depends only on image and user. */
export function readUser(user: User, at: Path, context: UserContext): UserSpec {
  const { error, warning } = context;
  if (!isAccountName(user.name)) {
    const hint = 'Letters, digits, "_", "." and "-", at most 32, not digits alone, not beginning with "." or "-".';
    error('ICT_TEMPLATE_NAME', [...at, 'name'], `${JSON.stringify(user.name)} cannot be the name of a user`, hint);
  }
  const groups: string[] = [];
  for (const [index, group] of (user.groups ?? []).entries()) {
    if (isPlaceholder(group)) warning('ICT_TEMPLATE_PLACEHOLDER', [...at, 'groups', index], `the placeholder ${group} is left out`);
    else if (isAccountName(group)) groups.push(group);
    else error('ICT_TEMPLATE_NAME', [...at, 'groups', index], `${JSON.stringify(group)} cannot be the name of a group`);
  }
  for (const key of ['home', 'shell'] as const) {
    const path = user[key];
    if (path && !/^\/[^:\p{Cc}]*$/u.test(path))
      error('ICT_TEMPLATE_NAME', [...at, key], `${JSON.stringify(path)} is not an absolute path without ":"`);
  }
  const sshKeys = user.sshAuthorizedKeys ?? [];
  for (const [index, key] of sshKeys.entries()) {
    if (/[\r\n]/.test(key.trimEnd()))
      error('ICT_TEMPLATE_NAME', [...at, 'sshAuthorizedKeys', index], 'one entry is one line: this key has several');
  }
  const passwordHash = readPassword(user, at, context);
  return {
    name: user.name,
    ...(passwordHash === undefined ? {} : { passwordHash }),
    groups,
    sudo: user.sudo ?? false,
    ...(user.home ? { home: user.home } : {}),
    ...(user.shell ? { shell: user.shell } : {}),
    ...(user.startupScript ? { startupScript: user.startupScript } : {}),
    ...(user.passwordMaxAge ? { passwordMaxAgeDays: user.passwordMaxAge } : {}),
    sshKeys: sshKeys.map((key) => key.trimEnd()),
  };
}

/** Plain passwords that a template may have: hashing more would take longer than anyone waits. */
const MAX_HASHED = 10;

/** Longest password that a login takes, in bytes. @see CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt, which counts the NUL */
const PASSWORD_BYTES = 511;

/** Why nobody could log in with a plain password; undefined when somebody can. */
function whyUseless(password: string): string | undefined {
  if (/^[!*]+$/.test(password)) return 'is neither a hash nor a usable password';
  if (/\p{Cc}/u.test(password)) return 'has a line break or another control character, which no login takes';
  return Buffer.byteLength(password) > PASSWORD_BYTES ? `has more than ${PASSWORD_BYTES} bytes, which no login takes` : undefined;
}

/** How many of these users have passwords that would be hashed. */
export function countPlainPasswords(users: readonly User[]): number {
  const isPlain = ({ password = '', hash_algo: algorithm }: User): boolean =>
    password !== '' &&
    !isPlaceholder(password) &&
    !password.startsWith('$') &&
    whyUseless(password) === undefined &&
    isShaCrypt(algorithm || 'sha512');
  return users.filter(isPlain).length;
}

function readPassword(user: User, at: Path, { imageName, holdsSecret, plainPasswords, error, warning }: UserContext): string | undefined {
  const password = user.password ?? '';
  const path: Path = [...at, 'password'];
  if (password === '') return undefined;
  if (isPlaceholder(password)) {
    warning('ICT_TEMPLATE_PLACEHOLDER', path, `the placeholder ${password} is not a password: "${user.name}" cannot log in with one`);
    return undefined;
  }
  if (isCryptHash(password)) return password;
  if (password.startsWith('$')) {
    error(
      'ICT_TEMPLATE_PASSWORD',
      path,
      `the password of "${user.name}" begins with "$", but is not a crypt(3) hash`,
      'Make one with: openssl passwd -6',
    );
    return undefined;
  }
  const useless = whyUseless(password);
  if (useless !== undefined) {
    error(
      'ICT_TEMPLATE_PASSWORD',
      path,
      `the password of "${user.name}" ${useless}`,
      'Choose another; to forbid login by password, leave it out.',
    );
    return undefined;
  }
  const algorithm = user.hash_algo || 'sha512';
  if (!isShaCrypt(algorithm)) return undefined; // reported as not supported yet
  if (!holdsSecret(path)) {
    const hint = 'Anyone who reads the template knows it. Replace it with the output of: openssl passwd -6';
    warning('ICT_TEMPLATE_PLAIN_PASSWORD', path, `the template has the password of "${user.name}" as plain text`, hint);
  }
  if (plainPasswords > MAX_HASHED) {
    const message = `the password of "${user.name}" is one of ${plainPasswords}, too many to be hashed while the template is read`;
    error(
      'ICT_TEMPLATE_PASSWORD',
      path,
      message,
      `At most ${MAX_HASHED} may be plain text. Replace it with the output of: openssl passwd -6`,
    );
    return undefined;
  }
  return shaCrypt(algorithm, password, derivedSalt(imageName, user.name));
}
