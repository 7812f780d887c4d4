import { digestOf } from '@ict/integrity';
import type { BillInput, Digest, Exporter } from '@ict/plugin-api';
import { deepFreeze, reorderings } from './plain-data.js';
import type { TestApi } from './test-api.js';

/** A list of {@link BillInput} whose order carries no meaning. */
export type UnorderedList = 'installed' | 'packages' | 'repositories' | 'artifacts';

/** What an exporter's suite works on. Make it once a test. */
export interface ExporterFixture {
  readonly exporter: Exporter;
  /** A bill with two members or more in each list, so that order can be seen. */
  readonly input: BillInput;
  /** Lists whose order must not show in the document. Default: what comes from databases, `installed` and `packages`. */
  readonly unordered?: readonly UnorderedList[];
}

/** Declares the tests that every {@link Exporter} must pass: equal builds give equal bytes, whatever the order, place and time zone. */
export function describeExporter(name: string, makeFixture: () => ExporterFixture | Promise<ExporterFixture>, api: TestApi): void {
  const { describe, expect } = api;
  const it = (title: string, body: (fixture: ExporterFixture) => void): unknown => api.it(title, async () => body(await makeFixture()));

  describe(`exporter conformance: ${name}`, () => {
    it('has a name, and an extension that can follow a file name', ({ exporter }) => {
      expect([/^[a-z0-9][a-z0-9-]*$/.test(exporter.name), /^[a-z0-9][a-z0-9.-]*$/.test(exporter.extension)]).toEqual([true, true]);
    });

    it('writes the same bytes each time, and changes nothing', ({ exporter, input }) => {
      deepFreeze(input);
      const first = digestOf(exporter.export(input));
      expect([exporter.export(input).length > 0, digestOf(exporter.export(input))]).toEqual([true, first]);
    });

    it('does not depend on the order of what it lists', ({ exporter, input, unordered = ['installed', 'packages'] }) => {
      const expected = digestOf(exporter.export(input));
      const differing = unordered.filter((list) => orders(input, list).some((other) => digestOf(exporter.export(other)) !== expected));
      expect([unordered.filter((list) => input[list].length < 2), differing]).toEqual([[], []]);
    });

    it('does not depend on the time zone', ({ exporter, input }) => {
      const zones = ['UTC', 'Asia/Tokyo', 'America/St_Johns'];
      expect([...new Set(zones.map((zone) => inTimeZone(zone, () => digestOf(exporter.export(input)))))].length).toEqual(1);
    });

    it('shows another image as another document', ({ exporter, input }) => {
      const digest = `sha256:${'0f'.repeat(32)}` as Digest;
      const other: BillInput = {
        ...input,
        seed: digest,
        installed: input.installed.map((pkg) => ({ ...pkg, version: `${pkg.version}9` })),
        packages: input.packages.map((pkg) => ({ ...pkg, version: `${pkg.version}9` })),
        artifacts: input.artifacts.map((artifact) => ({ ...artifact, digest })),
      };
      expect(digestOf(exporter.export(other)) === digestOf(exporter.export(input))).toEqual(false);
    });
  });
}

function orders(input: BillInput, list: UnorderedList): readonly BillInput[] {
  return reorderings<unknown>(input[list]).map((members) => ({ ...input, [list]: members }));
}

/** Runs `work` as a process in another time zone would. */
function inTimeZone<T>(zone: string, work: () => T): T {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}
