import { describe, expect, it } from 'vitest';
import type { BillInput, Exporter } from '@ict/plugin-api';
import { describeExporter } from '../src/index.js';
import { runSuite } from './support/suite-run.js';
import { toyExporter, toyExporterFixture } from './support/toy-image.js';

describeExporter('toy', () => toyExporterFixture(), { describe, it, expect });

const sound = toyExporter();
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
let calls = 0;

describe('the suite', () => {
  it('passes an exporter without faults', async () => {
    const { ran, failed } = await runSuite((api) => describeExporter('toy', () => toyExporterFixture(), api));
    expect([ran, failed]).toEqual([5, []]);
  });

  it.each<[string, Partial<Exporter>, string]>([
    ['has an extension that leaves the directory', { extension: '../list' }, 'has a name, and an extension that can follow a file name'],
    ['counts its calls', { export: () => encode(String(calls++)) }, 'writes the same bytes each time, and changes nothing'],
    [
      'sorts its input in place',
      { export: (input) => sound.export({ ...input, installed: (input.installed as BillInput['installed'][number][]).sort() }) },
      'writes the same bytes each time, and changes nothing',
    ],
    [
      'writes what it is given in the order in which it is given',
      { export: ({ installed, seed }) => encode([...installed.map(({ purl, version }) => purl + version), seed].join('\n')) },
      'does not depend on the order of what it lists',
    ],
    [
      'writes local times',
      { export: (input) => encode(new Date(input.epochSeconds * 1000).toString() + new TextDecoder().decode(sound.export(input))) },
      'does not depend on the time zone',
    ],
    ['says the same of every image', { export: () => encode('an image') }, 'shows another image as another document'],
  ])('catches an exporter that %s', async (_, change, title) => {
    const { failed } = await runSuite((api) => describeExporter('faulty', () => toyExporterFixture({ ...sound, ...change }), api));
    expect(failed).toContain(title);
  });
});
