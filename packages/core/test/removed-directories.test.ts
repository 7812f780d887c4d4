import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { within } from '../src/removed-directories.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-removed-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const readIn = (name: string) => async () => readFileSync(join(directory, name), 'utf8');

it.each([
  ['a directory that is gone', 'gone', { own: [], shared: ['', 'gone'] }],
  ['an own directory that is gone', 'gone', { own: ['gone'], shared: [''] }],
  ['an own directory that is being removed', '', { own: [''], shared: [] }],
])('names %s', async (_what, which, { own, shared }) => {
  const named = (names: readonly string[]) => names.map((name) => join(directory, name));
  await expect(within({ own: named(own), shared: named(shared) }, readIn('gone/file'))).rejects.toMatchObject({
    code: 'ICT_DIRECTORY_REMOVED',
    facts: { directory: join(directory, which) },
    cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
  });
});

it('leaves every other failure as it is', async () => {
  const there = { own: [], shared: [directory] };
  await expect(within(there, readIn('absent'))).rejects.toMatchObject({ code: 'ENOENT' });
  const gone = { own: [join(directory, 'gone')], shared: [] };
  const other = new Error('other');
  await expect(within(gone, () => Promise.reject(other))).rejects.toBe(other);
  expect(await within(gone, async () => 'done')).toBe('done');
});
