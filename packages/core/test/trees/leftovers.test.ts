import { lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventBody } from '@ict/plugin-api';
import type { Sandbox } from '@ict/sandbox';
import { emptyTrash, removeLeftover, tellLeftovers } from '../../src/trees/leftovers.js';
import { LazySandbox } from '../../src/trees/trees.js';

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
  await expect(remove('ESTALE')).rejects.toMatchObject({ code: 'ESTALE' });
});

describe('the trash', () => {
  /** Empties a trash of which a first and a second attempt leave these. @returns what is said of it. */
  async function told(first: readonly string[], second: readonly string[]) {
    const attempts = [first, second].map((failed) => ({ removed: 0, failed }));
    const events: EventBody[] = [];
    const cache = { reap: async () => attempts.shift() ?? { removed: 0, failed: [] } };
    const left = await emptyTrash(cache, new LazySandbox(async () => ({}) as Sandbox));
    tellLeftovers(left, (event) => events.push(event));
    expect(attempts).toHaveLength(first.length === 0 ? 1 : 0);
    return events;
  }

  it('that can be emptied, in the end by the sandbox, is not worth a word', async () => {
    expect(await told([], [])).toEqual([]);
    expect(await told([path], [])).toEqual([]);
  });

  it('of which something stays is told with the first of it', async () => {
    const inner = join(path, 'inner');
    mkdirSync(inner);
    const [event] = await told([path], [path, inner]);
    expect(event).toMatchObject({ type: 'warning', code: 'ICT_CACHE_NOT_REMOVED' });
    expect(event?.type === 'warning' ? event.message : '').toContain(`${path} and 1 more`);
  });

  it('is not told of what is gone meanwhile, or belongs to another user', async () => {
    expect(await told([path], [join(path, 'gone')])).toEqual([]);
    vi.spyOn(process, 'geteuid').mockReturnValue(lstatSync(path).uid + 1);
    expect(await told([path], [path])).toEqual([]);
  });
});
