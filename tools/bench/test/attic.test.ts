import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Attic } from '../src/attic.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-attic-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('keeps what it is given, with its inodes, until it is cleared', async () => {
  const attic = new Attic(join(directory, 'attic'));
  const run = join(directory, 'run');
  const inodes: number[] = [];
  for (const text of ['first', 'second']) {
    mkdirSync(run);
    writeFileSync(join(run, 'file'), text);
    inodes.push(statSync(join(run, 'file')).ino);
    await attic.take(run);
    expect(existsSync(run)).toBe(false);
  }
  const kept = readdirSync(join(directory, 'attic')).map((name) => join(directory, 'attic', name, 'file'));
  expect(kept.map((file) => readFileSync(file, 'utf8')).sort()).toEqual(['first', 'second']);
  expect(kept.map((file) => statSync(file).ino).sort()).toEqual(inodes.sort());
  await attic.clear();
  expect(readdirSync(directory)).toEqual([]);
});

it('has nothing to take of what is absent', async () => {
  await expect(new Attic(join(directory, 'attic')).take(join(directory, 'absent'))).resolves.toBeUndefined();
});
