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
  return render(value, []);
}

/** @param place names and numbers of the members that lead to the value: as a text, it is needed for an error alone. */
function render(value: unknown, place: Place): string {
  if (place.length > MAX_DEPTH) throw notJson(place, `nesting is deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'string':
      return renderString(value, place);
    case 'number':
      if (!Number.isFinite(value)) throw notJson(place, `${value} is not a JSON number`);
      return String(value); // as JSON.stringify, and that of -0 is 0 too
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? renderArray(value, place) : renderObject(value, place);
    default:
      throw notJson(place, `${typeof value} is not a JSON value`);
  }
}

/** What needs no escape: ASCII without controls, quotes and backslashes. */
const PLAIN = /^[ !#-[\]-~]*$/;

function renderString(text: string, place: Place): string {
  if (PLAIN.test(text)) return `"${text}"`; // most texts: the general way takes four times as long
  if (!text.isWellFormed()) throw notJson(place, 'the text has half of a surrogate pair');
  return JSON.stringify(text);
}

function renderArray(items: readonly unknown[], place: Place): string {
  let text = '';
  // By number, so that holes are visited too.
  for (let index = 0; index < items.length; index++) {
    place.push(index);
    text += `${index === 0 ? '' : ','}${render(items[index], place)}`;
    place.pop();
  }
  return `[${text}]`;
}

function renderObject(value: object, place: Place): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notJson(place, 'only plain objects are JSON');
  let text = '';
  // The default order of sort() is by UTF-16 code units.
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    const key = renderString(name, place);
    place.push(name);
    text += `${text === '' ? '' : ','}${key}:${render(member, place)}`;
    place.pop();
  }
  return `{${text}}`;
}

type Place = (string | number)[];

function notJson(place: Place, reason: string): Error {
  const steps = place.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  const path = `$${steps}`.slice(0, 100);
  return integrityError('ICT_INTEGRITY_JSON', {
    message: `The value at ${path} has no canonical JSON: ${reason}`,
    hint: 'Use only null, booleans, finite numbers, well-formed text, arrays and plain objects.',
    facts: { path, reason },
  });
}
