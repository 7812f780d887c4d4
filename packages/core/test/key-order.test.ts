import fc from 'fast-check';
import { canonicalJson } from '@ict/integrity';
import type { ImageSpec, Provider } from '@ict/plugin-api';
import { loadTemplate, requireSpec } from '@ict/template';
import { expect, it } from 'vitest';
import { imageInputs } from '../src/finalize/image-cache.js';
import { packageRequest } from '../src/locks/request.js';
import { digestOfAll, distribution, sampleFormat, sampleProvider } from './support/sample-image.js';

const TEMPLATE = {
  image: { name: 'demo', version: '1.0' },
  target: { os: 'sample', dist: 'sample1', arch: 'x86_64', imageType: 'raw' },
  disk: {
    size: '1GiB',
    partitions: [
      { id: 'esp', type: 'esp', start: '1MiB', end: '257MiB', fsType: 'fat32', mountPoint: '/boot/efi' },
      { id: 'root', start: '257MiB', end: '0', fsType: 'ext4', mountPoint: '/', flags: ['boot'] },
    ],
  },
  systemConfig: {
    packages: ['bash', 'tar'],
    kernel: { version: '6', cmdline: 'quiet', packages: ['linux'] },
    users: [{ name: 'admin', groups: ['adm'], sudo: true, shell: '/bin/sh' }],
    network: { backend: 'netplan', interfaces: [{ name: 'eth0', dhcp4: true }] },
    configurations: [{ cmd: 'true' }],
  },
  plugins: { '@acme/toy': { level: 1, words: ['a', 'b'] }, other: { a: { b: 1, c: 2 } } },
  packageRepositories: [{ codename: 'a', url: 'http://a.example', pkey: 'http://a.example/key', priority: 1 }],
};

/** The same data with the keys of each mapping in an order that `numbers` choose; lists keep theirs. */
function shuffled(value: unknown, numbers: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, numbers));
  if (typeof value !== 'object' || value === null) return value;
  const keyed = Object.entries(value).map(([key, inner]) => [numbers(), key, shuffled(inner, numbers)] as const);
  return Object.fromEntries(keyed.sort(([a], [b]) => a - b).map(([, key, inner]) => [key, inner]));
}

async function keys(template: unknown): Promise<readonly string[]> {
  const text = JSON.stringify(template);
  const spec: ImageSpec = requireSpec(await loadTemplate('/t/image.yml', { text, distribution: () => distribution }));
  const identity = { name: 'x', version: '1' };
  const inputs = imageInputs(
    {
      spec,
      distribution,
      provider: { part: sampleProvider({ installer: { version: 1 } as Provider['installer'] }), identity },
      format: { part: sampleFormat(), identity },
      configuration: { users: spec.system.users, files: [], commands: [] },
      layers: [],
      lock: digestOfAll('d'),
      seed: digestOfAll('e'),
      treeEpoch: 1,
      core: identity,
    },
    [],
    1,
  );
  return [canonicalJson(inputs ?? null), packageRequest(spec, distribution, sampleFormat()).digest];
}

it('the order of keys in a template changes no key of a cache and no lock', async () => {
  const expected = await keys(TEMPLATE);
  expect(expected[0]).toContain('"level":1');
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat()), async (stream) => {
      const other = shuffled(TEMPLATE, () => stream.next().value);
      expect(await keys(other)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});
