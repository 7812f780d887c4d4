import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { encodeSwapHeader } from '../src/swap.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-swap-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const UUID = '01234567-89ab-8def-8123-456789abcdef';

it('is read by swaplabel', async () => {
  const file = join(directory, 'swap');
  writeFileSync(file, encodeSwapHeader(1024 * 1024, UUID, 'swap space'));
  truncateSync(file, 1024 * 1024);
  const { stdout, exitCode } = await execute('swaplabel', [file]);
  expect([exitCode, stdout.match(/LABEL:\s+(.*)/u)?.[1], stdout.match(/UUID:\s+(.*)/u)?.[1]]).toEqual([0, 'swap space', UUID]);
});

it('counts its own page out', () => {
  expect(Buffer.from(encodeSwapHeader(40_960 + 4095, UUID, undefined)).readUInt32LE(1028)).toBe(9);
});

it.each([
  [40_959, 'ok'],
  [1024 * 1024, 'x'.repeat(17)],
])('refuses %i bytes with the label %s', (sizeBytes, label) => {
  expect(() => encodeSwapHeader(sizeBytes, UUID, label)).toThrow(RangeError);
});
