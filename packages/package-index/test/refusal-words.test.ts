import { expect, it } from 'vitest';
import { askedBy, askIfMeant, inSentence, tellMeant, tellRequest } from '../src/refusal-words.js';

it.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c'], 'a, b or c'],
  [['a', 'b', 'c', 'd', 'e', 'f'], 'a, b, c, d, e or f'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'a, b, c, d, e or 2 more'],
])('%j in a sentence: %s', (items, expected) => {
  expect(inSentence(items, 'or')).toBe(expected);
});

it('says who asks for what, and where', () => {
  const position = { file: 'image.yml', line: 7, column: 3 };
  expect(tellRequest({ request: 'nginx', reason: 'template', position })).toBe('the template asks for nginx (image.yml:7)');
  expect(tellRequest({ request: 'bash', reason: 'essential' })).toBe('the base system asks for bash');
  expect(tellRequest({ request: 'x', reason: 'a plugin' })).toBe('a plugin asks for x');
});

it('says what a name can be, and what a pattern matches', () => {
  expect(tellMeant({ request: 'mta', reason: 'template' }, ['a 1', 'b 1'])).toBe('the template asks for mta, which can be a 1 or b 1');
  expect(tellMeant({ request: 'lib-[ab]', reason: 'template' }, ['lib-a 1'])).toBe('the template asks for lib-[ab], and so for lib-a 1');
  expect(tellMeant({ request: 'a=1.*', reason: 'template' }, ['a 1.2'])).toBe('the template asks for a=1.*, which can be a 1.2');
});

it('names the definition for what no template can leave out, also where one names it', () => {
  const seed = { request: 'udev', reason: 'template', byDefault: true, position: { file: 'image.yml', line: 7, column: 3 } } as const;
  expect(tellRequest(seed)).toBe('the definition of the distribution asks for udev');
  expect(askedBy(seed)).toBe(', which the definition of the distribution asks for');
  expect(tellRequest({ request: 'linux', reason: 'kernel', byDefault: true })).toBe('the choice of kernel asks for linux');
});

it.each([
  ['template', '', ''],
  ['question', ' any more', ' any more'],
  ['why-not', ' any more', ' any more'],
  ['essential', '', ', which the base system asks for'],
  ['kernel', ' any more', ', which the choice of kernel asks for, any more'],
])('of %s before "%s"', (reason, rest, expected) => {
  expect(askedBy({ reason }, rest)).toBe(expected);
});

it('asks only for names that are near', () => {
  expect(askIfMeant([])).toBeUndefined();
  expect(askIfMeant(['a', 'b'])).toBe('Did you mean "a" or "b"?');
});
