import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PartitionSpec } from '@ict/plugin-api';
import { sbomError } from '../src/errors.js';
import { createManifestExporter } from '../src/manifest.js';
import plugin from '../src/plugin.js';
import { bill, digest, installed } from './support/bill.js';
import { violations } from './support/json-schema.js';

const exporter = createManifestExporter();
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const schema = read('../schema/manifest.schema.json') as Readonly<Record<string, unknown>>;
const manifestOf = (input = bill()): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(exporter.export(input))) as Record<string, unknown>;

describe('the manifest', () => {
  it('matches its schema', () => {
    expect(violations(schema, manifestOf())).toEqual([]);
    expect(violations(schema, manifestOf(bill({ installed: [], packages: [], repositories: [], artifacts: [] })))).toEqual([]);
    expect([exporter.name, exporter.extension]).toEqual(['manifest', 'manifest.json']);
  });

  it('says who vouched for what', () => {
    const signers = ['A'.repeat(40), 'F'.repeat(40)];
    expect(manifestOf()).toMatchObject({
      schemaVersion: 1,
      image: { name: 'minimal', version: '1.0' },
      creator: 'ict 0.1.0',
      epoch: '2023-11-14T22:13:20Z',
      lock: digest('5e'),
      repositories: [{ id: 'debian-trixie', root: { digest: digest('ef'), date: '2023-11-03T08:26:40Z', version: '13.1' }, signers }],
      packages: [
        { name: 'dash', repository: 'debian-trixie', digest: digest('ab'), signers, requestedBy: ['essential', 'libc6:amd64'] },
        { name: 'extra', repository: null, digest: null, signers: null, licence: null, requestedBy: [] },
        { name: 'libc6', digest: digest('cd'), licence: 'LGPL-2.1-or-later AND LicenseRef-DEC' },
      ],
      artifacts: [
        { name: 'minimal-1.0.qcow2', sizeBytes: 1024 },
        { name: 'minimal-1.0.raw', digest: digest('12') },
      ],
    });
  });

  it('says of firmware what is not usual', () => {
    const { spec, ...rest } = bill();
    const { disk, system } = spec;
    const archive = { ...spec, system: { ...system, bootloader: { ...system.bootloader, bootType: 'legacy' as const } } };
    const legacy = { ...archive, disk: { ...disk, partitions: [{ id: 'root' } as PartitionSpec] } };
    expect(manifestOf(bill({ ...rest, spec: legacy }))).toMatchObject({ target: { imageType: 'raw', firmware: 'bios' } });
    expect(violations(schema, manifestOf(bill({ ...rest, spec: legacy })))).toEqual([]);
    expect(manifestOf(bill({ ...rest, spec: archive }))['target']).not.toHaveProperty('firmware');
    expect(manifestOf()['target']).not.toHaveProperty('firmware');
  });

  it('has versions side by side, each with what the lock says of it', () => {
    const [dash] = bill().packages.filter(({ name }) => name === 'dash');
    const kernel = (version: string, id: string, mark: string) => ({ ...dash!, id, name: 'kernel', version, digest: digest(mark) });
    const input = bill({
      installed: ['1', '2', '3', '3.1'].map((version) => installed('kernel', { version, arch: dash!.arch })),
      packages: [kernel('2', `kernel:${dash!.arch}`, '22'), kernel('1', `kernel:${dash!.arch}=1`, '11')],
    });
    expect(manifestOf({ ...input, installed: [...input.installed].reverse() })).toEqual(manifestOf(input));
    const packages = manifestOf(input)['packages'] as readonly { readonly version: string; readonly digest: string | null }[];
    expect(packages.map(({ version, digest: own }) => [version, own])).toEqual([
      ['2', digest('22')],
      ['1', digest('11')],
      ['3', null],
      ['3.1', null],
    ]);
  });

  it('does not depend on the order of its input', () => {
    const given = bill();
    const reversed = bill({
      installed: [...given.installed].reverse(),
      packages: [...given.packages].reverse(),
      artifacts: [...given.artifacts].reverse(),
      repositories: given.repositories.map((repository) => ({ ...repository, signers: [...repository.signers].reverse() })),
    });
    expect(Buffer.compare(exporter.export(reversed), exporter.export(given))).toBe(0);
  });

  it.each<[string, (manifest: Record<string, unknown>) => object, string]>([
    ['a member too many', (manifest) => ({ ...manifest, more: 1 }), '$ has the unknown member more'],
    ['a member too few', ({ lock: _, ...manifest }) => manifest, '$ lacks lock'],
    ['a bad digest', (manifest) => ({ ...manifest, lock: 'sha256:1' }), '$.lock does not match'],
    ['another version', (manifest) => ({ ...manifest, schemaVersion: 2 }), '$.schemaVersion is not 1'],
    ['a package without a purl', (manifest) => ({ ...manifest, packages: [installed('x')] }), '$.packages[0] lacks repository'],
  ])('has a schema that refuses %s', (_, change, expected) => {
    expect(violations(schema, change(manifestOf())).filter((line) => line.startsWith(expected))).not.toEqual([]);
  });
});

it('is found through the plugin', () => {
  expect(plugin.exporters?.map(({ name }) => name)).toEqual(['spdx', 'manifest']);
  expect((read('../package.json') as { ict: object }).ict).toEqual({
    apiVersion: 1,
    plugin: './dist/plugin.js',
    exporters: ['spdx', 'manifest'],
  });
});

it('has a page for each error', () => {
  const pages = readdirSync(new URL('../../../docs/errors/', import.meta.url));
  expect(Object.keys(sbomError.codes).filter((code) => !pages.includes(`${code}.md`))).toEqual([]);
});
