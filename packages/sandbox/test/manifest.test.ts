import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedPaths, comparePaths, layerRef, makeManifest, type LayerEntry } from '../src/manifest.js';

const file = (path: string, mode = 0o644): LayerEntry => ({ path, type: 'file', mode, uid: 0, gid: 0, mtimeSeconds: 1, sizeBytes: 3 });
const anyEntries = fc
  .uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 12 })
  .map((names) => names.map((name) => file(`/${name}`)));

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
