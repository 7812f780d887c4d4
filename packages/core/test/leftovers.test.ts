import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Sandbox } from '@ict/sandbox';
import { removeLeftover } from '../src/leftovers.js';
import { LazySandbox } from '../src/trees.js';

const removeTree = vi.hoisted(() => vi.fn<(path: string) => Promise<void>>());
vi.mock('@ict/cache', () => ({ removeTree }));

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ict-leftover-'));
});
afterEach(() => {
  rmSync(path, { recursive: true, force: true });
  vi.restoreAllMocks();
});

const error = (code: string) => Object.assign(new Error(code), { code });

/** Removes a leftover whose plain removal fails. @returns what the sandbox was asked to remove. */
async function remove(code: string): Promise<readonly string[]> {
  removeTree.mockRejectedValueOnce(error(code));
  const asked: string[] = [];
  const sandbox = { removeTree: async (tree: string) => void asked.push(tree) } as unknown as Sandbox;
  await removeLeftover(path, new LazySandbox(async () => sandbox));
  return asked;
}

it('has the sandbox remove what holds files of subordinate ids', async () => {
  expect(await remove('EACCES')).toEqual([path]);
});

it('leaves to other users what is theirs', async () => {
  vi.spyOn(process, 'geteuid').mockReturnValue(lstatSync(path).uid + 1);
  expect(await remove('EPERM')).toEqual([]);
});

it('says what else goes wrong, whosever it is', async () => {
  await expect(remove('EIO')).rejects.toMatchObject({ code: 'EIO' });
  vi.spyOn(process, 'geteuid').mockReturnValue(lstatSync(path).uid + 1);
  await expect(remove('EROFS')).rejects.toMatchObject({ code: 'EROFS' });
});
