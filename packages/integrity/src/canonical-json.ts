import type { Json } from '@ict/plugin-api';
import { integrityError } from './errors.js';

/** Far beyond any real document; keeps a hostile or cyclic value from exhausting the stack. */
const MAX_DEPTH = 512;

/**
 * The one text of a JSON value: no white space, members sorted by UTF-16 code units, numbers as ECMAScript prints them.
 * Equal values give equal text on every machine, so the text can be hashed.
 *
 * Members whose value is `undefined` are left out, as `JSON.stringify` does; everywhere else `undefined` is an error.
 *
 * @throws `ICT_INTEGRITY_JSON` for what JSON cannot carry without loss: non-finite numbers, lone surrogates, `undefined` in an
 *   array or as the value, functions, bigints, class instances (dates, maps), nesting beyond 512 (so also cycles).
 * @see RFC 8785, JSON Canonicalization Scheme
 */
export function canonicalJson(value: Json): string {
  return render(value, '$', 0);
}

function render(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH) throw notJson(path.slice(0, 100), `nesting is deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'string':
      return renderString(value, path);
    case 'number':
      if (!Number.isFinite(value)) throw notJson(path, `${value} is not a JSON number`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? renderArray(value, path, depth) : renderObject(value, path, depth);
    default:
      throw notJson(path, `${typeof value} is not a JSON value`);
  }
}

function renderString(text: string, path: string): string {
  if (!text.isWellFormed()) throw notJson(path, 'the text has half of a surrogate pair');
  return JSON.stringify(text);
}

function renderArray(items: readonly unknown[], path: string, depth: number): string {
  // Array.from visits holes too, which `map` would skip.
  return `[${Array.from(items, (item, index) => render(item, `${path}[${index}]`, depth + 1)).join(',')}]`;
}

function renderObject(value: object, path: string, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notJson(path, 'only plain objects are JSON');
  const members: string[] = [];
  // The default order of sort() is by UTF-16 code units.
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    members.push(`${renderString(name, path)}:${render(member, `${path}.${name}`, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

function notJson(path: string, reason: string): Error {
  return integrityError('ICT_INTEGRITY_JSON', {
    message: `The value at ${path} has no canonical JSON: ${reason}`,
    hint: 'Use only null, booleans, finite numbers, well-formed text, arrays and plain objects.',
    facts: { path, reason },
  });
}
