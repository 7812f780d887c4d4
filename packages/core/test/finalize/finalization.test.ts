import type { BuildContext, Exporter } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { documents } from '../../src/finalize/finalization.js';
import type { Composition } from '../../src/compose/composition.js';
import type { Lock } from '../../src/locks/lock.js';
import type { Loaded } from '../../src/plugins/plugin-host.js';
import { digestOfAll, distribution, sampleProvider, sampleSpec } from '../support/sample-image.js';

const spec = sampleSpec();
const core = { name: 'core', version: '1' };
const composition = {
  spec,
  distribution,
  seed: digestOfAll('1'),
  core,
  provider: { part: sampleProvider({}), identity: core },
} as unknown as Composition;
const raw = { name: `${spec.image.name}-${spec.image.version}.raw`, type: 'raw', file: '/raw', digest: digestOfAll('2'), sizeBytes: 1 };

function written(extension: string): ReadonlyMap<string, Uint8Array> {
  const part: Exporter = { name: 'bill', extension, export: () => new Uint8Array([1]) };
  const exporters: readonly Loaded<Exporter>[] = [{ part, identity: { name: '@acme/bill', version: '2' } }];
  return documents(exporters, composition, { packages: [], repositories: [] } as unknown as Lock, [], [raw], {
    epochSeconds: 1,
  } as BuildContext);
}

it('a document is named after the image', () => {
  expect([...written('csv')]).toEqual([[raw.name.replace(/raw$/, 'csv'), new Uint8Array([1])]]);
});

it('a document that would take the place of the image is refused, and its plugin named', () => {
  expect(() => written('raw')).toThrow(
    expect.objectContaining({ code: 'ICT_PLUGIN_FAILED', facts: { plugin: '@acme/bill', version: '2', call: 'export' } }),
  );
});
