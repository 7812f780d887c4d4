import type { Seed } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { chooseStreams } from '../src/metadata/module-streams.js';
import type { ModuleBuild, Modules } from '../src/metadata/modules.js';
import { streamRepairs } from '../src/resolve/stream-repairs.js';

const STREAMS = Array.from({ length: 12 }, (_none, at) => `${at + 10}`);
const builds = STREAMS.map(
  (stream): ModuleBuild => ({
    ...{ name: 'nodejs', stream, version: '1', context: '', arch: 'x86_64' },
    ...{ requires: [], profiles: {}, artifacts: [], demodularized: [] },
  }),
);
const modules: Modules = { builds, defaults: [] };
const seeds: readonly Seed[] = [
  { request: 'node', reason: 'template' },
  { request: 'other', reason: 'template' },
];

/** Repairs where only these streams help, and what was tried. */
function repairsWith(...working: readonly string[]) {
  const tried: (readonly string[])[] = [];
  const active = chooseStreams(
    modules,
    seeds.map(({ request }) => request),
    'x86_64',
  );
  const repair = streamRepairs({ ...modules, ...active }, seeds, 'x86_64', (asked) => {
    const requests = asked.map(({ request }) => request);
    tried.push(requests);
    return working.some((stream) => requests.includes(`nodejs:${stream}`));
  });
  return { tried, repair: (stream: string) => repair(`nodejs:${stream}`, seeds.slice(0, 1)) };
}

describe('a stream of a module', () => {
  it('is tried once with all requests and once with those that it is about, however many of its packages are kept out', () => {
    const { repair, tried } = repairsWith('11');
    for (let version = 0; version < 20; version++) expect(repair('10')).toBeUndefined();
    expect(tried).toEqual([
      ['node', 'other', 'nodejs:10'],
      ['node', 'nodejs:10'],
    ]);
    for (let version = 0; version < 20; version++) expect(repair('11')).toBe('add "nodejs:11" to the packages');
    expect(tried).toHaveLength(3);
  });

  it('is told no more when too many were tried, but for those that were found to work', () => {
    const { repair, tried } = repairsWith('10', '21');
    expect(STREAMS.flatMap((stream) => repair(stream) ?? [])).toEqual(['add "nodejs:10" to the packages']);
    expect(tried).toHaveLength(8);
    expect([repair('10'), repair('21')]).toEqual(['add "nodejs:10" to the packages', undefined]);
    expect(tried).toHaveLength(8);
  });
});
