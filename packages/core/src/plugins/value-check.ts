import { isAnyDigest } from '@ict/integrity';

/** Where a value is not what it should be. */
interface Fault {
  readonly path: string;
  readonly expected: string;
  readonly found: unknown;
}

/** Finds the first place where a value is not what it should be. */
export type Check = (value: unknown, path: string) => Fault | undefined;

/** What is wrong with a value, in words such as `root.dateSeconds is "now", not whole seconds since 1970`; undefined when nothing is. */
export function faultOf(value: unknown, check: Check): string | undefined {
  const fault = check(value, '');
  return fault && `${fault.path || 'it'} is ${quote(fault.found)}, not ${fault.expected}`;
}

export function is(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, path) => (holds(value) ? undefined : { path, expected, found: value });
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The end of the year 9999: what is greater counts in milliseconds. */
const LATEST_SECONDS = 253_402_300_799;

/** A text that no record can hold, with half of a surrogate pair in it, is none. */
const isText = (value: unknown): boolean => typeof value === 'string' && value.isWellFormed();

export const text = is('a text', isText);
export const word = is('a text that is not empty', (value) => isText(value) && value !== '');
export const work = is('a function', (value) => typeof value === 'function');
export const flag = is('true or false', (value) => typeof value === 'boolean');
export const whole = is('a whole number', (value) => Number.isSafeInteger(value));
export const count = is('a number of bytes', isCount);
export const bytes = is('a Uint8Array', (value) => value instanceof Uint8Array);
export const seconds = is('whole seconds since 1970', (value) => isCount(value) && (value as number) <= LATEST_SECONDS);
export const digest = is('a digest, sha256: and 64 lower-case hex digits', (value) => typeof value === 'string' && isAnyDigest(value));
/** What follows the name of an image, and a dot, in the name of a file beside others of it; a build delivers its lock so, too. */
export const fileEnd = is(
  'the end of a file name, such as "raw.gz", and not "lock.yml"',
  (value) => typeof value === 'string' && /^[A-Za-z0-9](?:[\w.+-]*[\w+-])?$/.test(value) && value !== 'lock.yml',
);
export const oneOf = (...values: readonly string[]): Check =>
  is(values.map((one) => `"${one}"`).join(' or '), (value) => values.includes(value as string));

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

export const stream = is('a stream, as an async generator gives', isStream);

/** A list, also an empty one. */
export function list(member: Check, wanted = 'a list'): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return { path, expected: wanted, found: value };
    for (const [index, one] of value.entries()) {
      const fault = member(one, `${path}[${index}]`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

export const words = list(text, 'a list of texts');

/** An object that has at least these members. */
export function shape(members: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { path, expected: 'an object', found: value };
    for (const [name, check] of Object.entries(members)) {
      const fault = check((value as Readonly<Record<string, unknown>>)[name], path === '' ? name : `${path}.${name}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** An object that can be printed as JSON: nothing in it leads back to it, and no number is a bigint. */
export const jsonData: Check = (value, path) =>
  shape({})(value, path) ?? (isPrintable(value) ? undefined : { path, expected: 'data that JSON can hold', found: value });

function isPrintable(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false; // whatever it throws, a getter of the value may have thrown it
  }
}

/** An object whose members all hold one thing. */
export function record(member: Check): Check {
  const object = shape({});
  return (value, path) =>
    object(value, path) ?? shape(Object.fromEntries(Object.keys(value as object).map((name) => [name, member])))(value, path);
}

export function optional(check: Check): Check {
  return (value, path) => (value === undefined ? undefined : check(value, path));
}

const QUOTED_CHARACTERS = 80;

function quote(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, QUOTED_CHARACTERS)) : String(value);
}
