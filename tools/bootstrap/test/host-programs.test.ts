import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { missingPrograms } from '../host-programs.mjs';

const { packages } = JSON.parse(readFileSync(new URL('../host-programs.json', import.meta.url), 'utf8')) as {
  packages: { package: string; file: string; for: string }[];
};

it('every entry names a Debian package, a file and a purpose', () => {
  for (const entry of packages) {
    expect(entry.package).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
    expect([entry.file, entry.for].every((text) => text !== '')).toBe(true);
  }
  expect(new Set(packages.map((entry) => entry.package)).size).toBe(packages.length);
});

it('what is missing is named by its package', async () => {
  const known = packages.map((entry) => entry.package);
  const missing = await missingPrograms();
  expect(missing.filter((name) => !known.includes(name))).toEqual([]);
  expect(missing).not.toContain('util-linux');
});
