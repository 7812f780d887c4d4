import { expect, it } from 'vitest';
import { parseIndex, resolveChecked } from './checked-resolution.js';

const stanza = (name: string, version: string): string =>
  `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nProvides: mta\nFilename: ${name}.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n\n`;

it('chooses among providers of which one has more versions than a call takes arguments', () => {
  const many = Array.from({ length: 150_000 }, (_, at) => stanza('many', String(at)));
  const index = parseIndex(`${stanza('few', '1')}${many.join('')}`);
  const resolution = resolveChecked({
    repositories: [{ id: 'main', suites: ['main'], priority: 500, index }],
    arch: 'amd64',
    seeds: [{ request: 'mta', reason: 'template' }],
    recommends: false,
  });
  expect(resolution).toMatchObject({ kind: 'resolved', closure: { packages: [{ name: 'many', version: '149999' }] } });
});
