import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { changedPaths, comparePaths, entryLine, layerRef, makeManifest, type LayerEntry } from '../src/manifest.js';

const file = (path: string, mode = 0o644): LayerEntry => ({ path, type: 'file', mode, uid: 0, gid: 0, mtimeSeconds: 1, sizeBytes: 3 });
const anyEntries = fc
  .uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 12 })
  .map((names) => names.map((name) => file(`/${name}`)));

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
const anyEntry: fc.Arbitrary<LayerEntry> = fc.record(
  {
    path: name.map((text) => `/${text}`),
    type: fc.constantFrom('file', 'directory', 'symlink', 'character'),
    mode: fc.nat({ max: 0o7777 }),
    uid: fc.nat(),
    gid: fc.nat(),
    mtimeSeconds: fc.integer(),
    sizeBytes: fc.nat(),
    digest: fc.constantFrom('0', '1').map((text) => digestOf(text)),
    linkTarget: name,
    hardlinkOf: name,
    dev: fc.record({ minor: fc.nat(), major: fc.nat() }),
    xattrs: fc.dictionary(
      name.map((text) => `user.${text}`),
      name,
      { noNullPrototype: true },
    ),
    whiteout: fc.constant(true as const),
    opaque: fc.constant(true as const),
  },
  { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'mtimeSeconds'] },
);

describe('entryLine', () => {
  it('is the canonical JSON of the entry, in whatever order its members come', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const reversed = Object.fromEntries(Object.entries(entry).reverse()) as unknown as LayerEntry;
        expect(entryLine(entry)).toBe(canonicalJson(entry as unknown as Json));
        expect(entryLine(reversed)).toBe(entryLine(entry));
      }),
    );
  });
});

describe('makeManifest', () => {
  it('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        expect(makeManifest([...entries].reverse())).toEqual(makeManifest(entries));
      }),
    );
  });

  it('sorts by bytes, not by UTF-16 units', () => {
    const paths = makeManifest([file('/\u{1f600}'), file('/\uffee'), file('/a')]).entries.map(({ path }) => path);
    expect(paths).toEqual(['/a', '/\uffee', '/\u{1f600}']);
  });

  it('gives another digest when anything differs', () => {
    const digests = [
      file('/a'),
      file('/b'),
      file('/a', 0o755),
      { ...file('/a'), mtimeSeconds: 2 },
      { ...file('/a'), xattrs: { 'user.x': 'AA==' } },
      { ...file('/a'), opaque: true as const },
    ].map((entry) => makeManifest([entry]).digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('counts entries and bytes for the reference', () => {
    expect(layerRef(makeManifest([file('/a'), file('/b')]))).toMatchObject({ kind: 'layer', entries: 2, sizeBytes: 6 });
  });
});

describe('changedPaths', () => {
  it('lists exactly the changed, added and removed paths', () => {
    fc.assert(
      fc.property(anyEntries, anyEntries, (before, after) => {
        const changed = changedPaths(
          before,
          after.map((entry) => ({ ...entry, mode: 0o600 })),
        );
        expect(changed).toEqual([...new Set([...before, ...after].map(({ path }) => path))].sort(comparePaths));
        expect(changedPaths(before, [...before].reverse())).toEqual([]);
      }),
    );
  });

  it('tells entries apart as their lines do', () => {
    fc.assert(
      fc.property(anyEntry, anyEntry, (one, other) => {
        const renamed = { ...other, path: one.path };
        expect(changedPaths([one], [renamed])).toEqual(entryLine(one) === entryLine(renamed) ? [] : [one.path]);
        const copy = JSON.parse(entryLine(one)) as LayerEntry;
        expect(changedPaths([one], [{ ...copy, opaque: copy.opaque }])).toEqual([]);
        for (const member of Object.keys(one) as (keyof LayerEntry)[]) {
          if (member === 'path') continue;
          expect(changedPaths([one], [{ ...copy, [member]: undefined }])).toEqual([one.path]);
        }
      }),
    );
  });
});
