import path from 'node:path';
import { expect, it } from 'vitest';
import { readBounded } from '../src/documents/bounded-file.js';
import { MAX_BYTES } from '../src/documents/yaml-document.js';
import { workspace } from './workspace.js';

/** About the sizes at which more room is made, and the largest. */
const SIZES = [0, 1, 32_767, 32_768, 32_769, 65_536, 100_000, MAX_BYTES - 1, MAX_BYTES];

it.each(SIZES)('reads all of a file of %i bytes', async (size) => {
  const text = Array.from({ length: size }, (_, n) => String(n % 10)).join('');
  const directory = await workspace({ 'a.yml': text });
  expect(Buffer.from(await readBounded(path.join(directory, 'a.yml'), undefined)).toString()).toBe(text);
});

it.each([MAX_BYTES + 1, MAX_BYTES + 2, 5_000_000])('reads one byte too many of a file of %i bytes', async (size) => {
  const directory = await workspace({ 'a.yml': 'x'.repeat(size) });
  expect(await readBounded(path.join(directory, 'a.yml'), undefined)).toHaveLength(MAX_BYTES + 1);
});

it('ends with a file that does not', async () => {
  expect(await readBounded('/dev/zero', undefined)).toHaveLength(MAX_BYTES + 1);
});

it('stops when told', async () => {
  await expect(readBounded('/dev/zero', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
