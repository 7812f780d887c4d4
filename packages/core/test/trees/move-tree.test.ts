import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moveTree } from '../../src/trees/move-tree.js';

/** Root may write where nobody may: its tests are another user for as long. */
const NOBODY = 65_534;

let place: string;
let from: string;
let to: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-move-'));
  [from, to] = [join(place, 'one', 'tree'), join(place, 'two', 'tree')];
  await mkdir(join(from, 'etc'), { recursive: true });
  await mkdir(join(place, 'two'));
  if (process.getuid?.() !== 0) return;
  for (const path of ['', 'one', 'one/tree', 'one/tree/etc', 'two']) await chown(join(place, path), NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
});
afterEach(async () => {
  if (process.getuid?.() === 0) process.seteuid?.(0);
  await rm(place, { recursive: true });
});

describe('moveTree', () => {
  it.each([
    ['755', 0o755],
    ['555', 0o555],
  ])('moves a directory of mode %s to another one, and leaves it its mode', async (_, mode) => {
    await chmod(from, mode);
    await moveTree(from, to);
    expect([(await stat(to)).mode & 0o7777, await readdir(to), await readdir(join(place, 'one'))]).toEqual([mode, ['etc'], []]);
    await chmod(to, 0o755);
  });

  it('leaves all as it is where the new parent is not to be written', async () => {
    await chmod(from, 0o555);
    await chmod(join(place, 'two'), 0o555);
    await expect(moveTree(from, to)).rejects.toMatchObject({ code: 'EACCES' });
    expect((await stat(from)).mode & 0o7777).toBe(0o555);
    await chmod(from, 0o755);
  });
});
