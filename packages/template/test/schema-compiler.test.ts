import { expect, it } from 'vitest';
import { compileSchema } from '../src/index.js';

it.each<[string, object, RegExp]>([
  [
    'type',
    { type: 'object', properties: { a: { type: 'nonsense' } } },
    /\/properties\/a\/type is "nonsense", which does not fit .*"integer"/,
  ],
  ['value of a keyword', { type: 'object', required: 'a' }, /\/required is "a", which does not fit .*"array"/],
  ['keyword', { type: 'object', requires: ['a'] }, /unknown keyword: "requires"/],
])('a schema with a wrong %s is refused, and its place told', (_what, schema, told) => {
  expect(() => compileSchema(schema)).toThrow(told);
});
