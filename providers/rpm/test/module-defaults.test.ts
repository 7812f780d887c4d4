import { expect, it } from 'vitest';
import { joinDefaults, type ModuleDefaults } from '../src/metadata/module-defaults.js';
import { createModulesReader } from '../src/metadata/modules.js';

/** @param written `modified stream`, either of which may be a dot for nothing. */
const defaults = (written: string, profiles: Readonly<Record<string, readonly string[]>> = {}): ModuleDefaults => {
  const [modified, stream] = written.split(' ') as [string, string];
  return { name: 'm', stream: stream === '.' ? undefined : stream, profiles, modified: modified === '.' ? '0' : modified };
};

// What dnf 4.14 takes of repositories in this order.
it.each([
  [['. 1', '. 2'], undefined],
  [['. 1', '. 1'], '1'],
  [['202501010000 1', '202001010000 2'], '1'],
  [['202001010000 1', '202501010000 2'], '2'],
  [['. 1', '202001010000 2'], '2'],
  [['202001010000 1', '. 2'], '1'],
  [['202001010000 1', '202501010000 .'], '1'],
  [['. .', '. 2'], '2'],
  [['. 1', '. .'], '1'],
  [['. 1', '. 2', '. 2'], '2'],
  [['202501010000 1', '202501010000 2', '202001010000 2'], '2'],
])('the default stream of %j is %s', (all, stream) => {
  const joined = joinDefaults(all.map((each) => defaults(each)));
  expect(joined.map((each) => each.stream)).toEqual([stream]);
});

it.each([
  [[defaults('. 1', { 1: ['a'] }), defaults('. 1', { 2: ['b'] })], { 1: ['a'], 2: ['b'] }],
  [[defaults('9 1', { 1: ['a'] }), defaults('1 1', { 1: ['b'], 2: ['b'] })], { 1: ['a'], 2: ['b'] }],
  [[defaults('. 1', { 1: ['a'], 2: ['a', 'b'] }), defaults('. 1', { 1: ['b'], 2: ['b', 'a'] })], { 2: ['a', 'b'] }],
])('the default profiles of %j are %j', (all, profiles) => {
  expect(joinDefaults(all)[0]!.profiles).toEqual(profiles);
});

it('of one repository the last document counts, whenever it was written', async () => {
  const reader = await createModulesReader('test');
  for (const data of ['{ module: m, modified: 202501010000, stream: "1", profiles: { "1": [a] } }', '{ module: m, profiles: {} }'])
    reader.write(Buffer.from(`---\ndocument: modulemd-defaults\nversion: 1\ndata: ${data}\n...\n`));
  expect(reader.end().defaults).toEqual([{ name: 'm', stream: undefined, profiles: {}, modified: '0' }]);
});
