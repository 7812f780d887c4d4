import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '@ict/plugin-api';
import { cacheKey, canonicalJson } from '../src/index.js';

const anyJson = fc.jsonValue({ stringUnit: 'grapheme' }) as fc.Arbitrary<Json>;

describe('canonical JSON', () => {
  it.each<[Json, string]>([
    [null, 'null'],
    [true, 'true'],
    [-0, '0'],
    [1e21, '1e+21'],
    [333333333.3333333, '333333333.3333333'],
    [4.5, '4.5'],
    [2e-3, '0.002'],
    ['€$\u000f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'],
    [{ b: 1, a: undefined, B: [] }, '{"B":[],"b":1}'],
    // RFC 8785, section 3.2.3: order by UTF-16 code units, so U+1F600 (D83D DE00) comes before U+FB33.
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    ],
    [JSON.parse('{"__proto__": 1, "constructor": 2}') as Json, '{"__proto__":1,"constructor":2}'],
    [Object.assign(Object.create(null) as Record<string, Json>, { x: 1 }), '{"x":1}'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  it.each<[string, unknown, string]>([
    ['NaN', { a: [NaN] }, '$.a[0]'],
    ['infinity', -Infinity, '$'],
    ['undefined', undefined, '$'],
    ['undefined in an array', [undefined], '$[0]'],
    ['a hole', new Array(2), '$[0]'],
    ['a function', { f: () => 1 }, '$.f'],
    ['a bigint', 1n, '$'],
    ['a symbol', Symbol('x'), '$'],
    ['a date', new Date(0), '$'],
    ['a map', new Map(), '$'],
    ['bytes', new Uint8Array(2), '$'],
    ['a lone surrogate', '\ud800', '$'],
    ['a lone surrogate in a name', { '\udc00': 1 }, '$'],
  ])('refuses %s', (_name, value, path) => {
    expect(() => canonicalJson(value as Json)).toThrow(
      expect.objectContaining({ code: 'ICT_INTEGRITY_JSON', facts: expect.objectContaining({ path }) as object }),
    );
  });

  it('writes texts and numbers as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })), (value) => {
        expect(canonicalJson({ member: value })).toBe(JSON.stringify({ member: value }));
      }),
    );
  });

  it('refuses a cycle', () => {
    expect(() => canonicalJson(cyclic as Json)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_JSON' }));
  });

  it('parses back to the same value and does not depend on the order of members', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });
});

describe('cache keys', () => {
  it('is the documented hash', () => {
    // printf 'ict-key/v1\0layer\0{"a":1}' | sha256sum
    expect(cacheKey('layer', { a: 1 })).toBe('167afeb8d45a0d88dc00984c94f9cba67f1c6699152006e241918a32bad5da61');
    expect(cacheKey('layer', null)).toMatch(/^[0-9a-f]{64}$/u);
  });

  it('separates kinds and inputs', () => {
    const keys = [
      cacheKey('a', ['b,c']),
      cacheKey('a', ['b', 'c']),
      cacheKey('a,b', ['c']),
      cacheKey('a', { b: 'c' }),
      cacheKey('b', ['b', 'c']),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(['', 'a\0b', '\ud800'])('refuses the kind %j', (kind) => {
    expect(() => cacheKey(kind, null)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_KEY_KIND' }));
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Json>)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  );
}
