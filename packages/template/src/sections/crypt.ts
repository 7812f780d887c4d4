import { createHash, hash as hashAtOnce } from 'node:crypto';

/** Digests of the SHA-crypt family, by the prefix of their hashes. */
export type CryptAlgorithm = 'sha256' | 'sha512';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SALT_MAX = 16;
const ROUNDS_DEFAULT = 5000;
const ROUNDS_MIN = 1000;
const ROUNDS_MAX = 999_999_999;

/** Order in which the bytes of the digest are written; each row of three gives four letters, the last row fewer. */
const ORDER: Readonly<Record<CryptAlgorithm, readonly number[]>> = {
  sha256: [0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29, -1, 31, 30],
  sha512: [
    0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51, 31, 52, 10, 53, 11, 32,
    12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, -1, -1, 63,
  ],
};

/**
 * Hashes a password as crypt(3) does with `$5$` (sha256) and `$6$` (sha512).
 *
 * @param salt at most 16 characters count; a prefix `rounds=N$` sets the number of rounds, clamped to 1000..999999999
 * @returns `$6$salt$hash`, with `rounds=N$` when the salt names rounds
 * @see Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512"
 */
export function shaCrypt(algorithm: CryptAlgorithm, password: string, salt: string): string {
  const given = /^rounds=([0-9]+)\$/.exec(salt);
  const rounds = given === null ? ROUNDS_DEFAULT : Math.min(ROUNDS_MAX, Math.max(ROUNDS_MIN, Number(given[1])));
  const bare = salt.slice(given?.[0].length ?? 0).split('$')[0] as string;
  const saltBytes = Buffer.from(bare).subarray(0, SALT_MAX);
  const hash = digest(algorithm, Buffer.from(password), saltBytes, rounds);
  const prefix = algorithm === 'sha512' ? '$6$' : '$5$';
  return `${prefix}${given === null ? '' : `rounds=${rounds}$`}${saltBytes.toString()}$${encode(hash, ORDER[algorithm])}`;
}

function digest(algorithm: CryptAlgorithm, password: Buffer, salt: Buffer, rounds: number): Buffer {
  const sha = (...parts: readonly Buffer[]): Buffer => hashAtOnce(algorithm, Buffer.concat(parts), 'buffer');
  const alternate = sha(password, salt, password);
  const start = [password, salt, repeat(alternate, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) start.push((bits & 1) === 1 ? alternate : password);
  let state = sha(...start);
  const p = repeat(sha(...Array.from({ length: password.length }, () => password)), password.length);
  const s = repeat(sha(...Array.from({ length: 16 + (state[0] as number) }, () => salt)), salt.length);
  // What is hashed in a round has one of 42 forms, with room for the state at its end or its beginning.
  const room = Buffer.alloc(state.length);
  const forms = Array.from({ length: 2 * 3 * 7 }, (_, round) => {
    const odd = round % 2 === 1;
    return Buffer.concat([odd ? p : room, ...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p]), odd ? room : p]);
  });
  for (let round = 0; round < rounds; round++) {
    const form = forms[round % forms.length] as Buffer;
    state.copy(form, round % 2 === 1 ? form.length - state.length : 0);
    state = hashAtOnce(algorithm, form, 'buffer');
  }
  return state;
}

/** `length` bytes of `block` over and over. */
function repeat(block: Buffer, length: number): Buffer {
  return Buffer.alloc(length, block);
}

/** crypt's base 64: six bits a letter, lowest first; an index of -1 stands for a zero byte that gives no letters of its own. */
function encode(bytes: Buffer, order: readonly number[]): string {
  let out = '';
  for (let at = 0; at < order.length; at += 3) {
    const [a, b, c] = order.slice(at, at + 3) as [number, number, number];
    const byte = (index: number): number => (index === -1 ? 0 : (bytes[index] as number));
    let value = (byte(a) << 16) | (byte(b) << 8) | byte(c);
    const letters = 4 - [a, b, c].filter((index) => index === -1).length;
    for (let letter = 0; letter < letters; letter++) {
      out += ALPHABET[value & 63];
      value >>= 6;
    }
  }
  return out;
}

/**
 * Salt that depends on its seeds only, so that hashing the same password for the same user gives the same image.
 *
 * @returns 16 letters of crypt's alphabet
 */
export function derivedSalt(...seeds: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['ict password salt', ...seeds]))
    .digest();
  return Array.from(hash.subarray(0, SALT_MAX), (byte) => ALPHABET[byte & 63]).join('');
}

/**
 * True for text in the form of a modular crypt(3) hash: `$id$...`, in the letters that such hashes use. It may name any
 * algorithm that Linux distributions know: yescrypt, SHA-512, SHA-256, bcrypt, MD5 and so on.
 *
 * @see crypt(5)
 */
export function isCryptHash(text: string): boolean {
  return /^\$(?:y|gy|7|2[abxy]|6|5|sha1|md5|1|3)[$,][!-9;-~]+$/.test(text) && text.split('$').length >= 4;
}
