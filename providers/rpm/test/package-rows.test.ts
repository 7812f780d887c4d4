import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ColumnWriter } from '../src/metadata/column-writer.js';
import { PackageRows } from '../src/metadata/package-rows.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { FIELD, FIELD_COUNT } from '../src/metadata/primary-columns.js';
import type { PrimaryField } from '../src/metadata/primary-columns.js';

/** Rows of packages, and how often one of their texts was looked at. */
function rowsOf() {
  const all: Uint32Array[] = [];
  const seen = { looks: 0 };
  const rows = new PackageRows((row, column) => {
    seen.looks++;
    return all[row]![column]!;
  });
  const add = (offsets: Partial<Record<PrimaryField, number>>): number | undefined => {
    const fields = new Uint32Array(FIELD_COUNT);
    for (const [field, offset] of Object.entries(offsets)) fields[FIELD[field as PrimaryField]] = offset;
    const known = rows.known(fields);
    if (known === undefined) all.push(fields);
    return known;
  };
  return { add, seen };
}

it('tells packages apart by name, version, release, architecture and epoch, and by nothing else', () => {
  const offsets = fc.record({
    name: fc.nat(3),
    version: fc.nat(3),
    release: fc.nat(2),
    arch: fc.nat(1),
    epoch: fc.nat(1),
    summary: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(offsets, { maxLength: 800 }), (packages) => {
      const { add } = rowsOf();
      const model = new Map<string, number>();
      for (const { summary, ...own } of packages) {
        const key = Object.values(own).join();
        expect(add({ ...own, summary })).toBe(model.get(key));
        if (!model.has(key)) model.set(key, model.size);
      }
    }),
    { numRuns: 30 },
  );
});

it.each([
  ['versions of one name', (at: number) => ({ name: 1, version: at + 2, release: 3 })],
  ['releases of one version', (at: number) => ({ name: 1, version: 2, release: 8 * at + 3 })],
  ['names', (at: number) => ({ name: 64 * at + 1, version: 2, release: 3 })],
  ['names and versions', (at: number) => ({ name: 16 * (at >> 8) + 1, version: 16 * (at & 255) + 9, release: 3 })],
])('looks at few others for each of 100,000 %s', (_what, offsetsAt) => {
  const COUNT = 100_000;
  const { add, seen } = rowsOf();
  for (let at = 0; at < COUNT; at++) if (add(offsetsAt(at)) !== undefined) throw new Error('a package was taken for another');
  expect(add(offsetsAt(COUNT >> 1))).toBe(COUNT >> 1);
  // Five texts for each row that moves when the table grows, twice on average, and some of those that share a slot.
  expect(seen.looks).toBeLessThan(20 * COUNT);
});

it('a repository of very many versions of one name is read in time that grows with it', () => {
  const COUNT = 20_000;
  const looks = vi.spyOn(ColumnWriter.prototype, 'field');
  onTestFinished(() => looks.mockRestore());
  const reader = new PrimaryReader('primary.xml');
  reader.write(Buffer.from('<metadata xmlns="x" xmlns:rpm="rpm">'));
  for (let at = 0; at < COUNT; at++) {
    const digest = at.toString(16).padStart(64, '0');
    reader.write(
      Buffer.from(
        `<package type="rpm"><name>many</name><arch>noarch</arch><version epoch="0" ver="${at}" rel="1"/><checksum type="sha256" pkgid="YES">${digest}</checksum><size package="1" installed="1"/><location href="${at}.rpm"/><format/></package>`,
      ),
    );
  }
  reader.write(Buffer.from('</metadata>'));
  const { fields, diagnostics } = reader.finish();
  expect([fields.length / FIELD_COUNT, diagnostics]).toEqual([COUNT, []]);
  expect(looks.mock.calls.length).toBeLessThan(20 * COUNT);
});
