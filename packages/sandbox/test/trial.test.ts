import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { programPath } from '../src/programs.js';
import { tryMappedIds } from '../src/trial.js';
import { eventually } from './processes.js';

const path = programPath(undefined);

/** Ids of a process's children; undefined when it is gone. */
function childrenOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

describe('tryMappedIds', () => {
  it('is well when the namespace is there and its ids were mapped', async () => {
    expect(await tryMappedIds(path, undefined, () => Promise.resolve())).toEqual({ ok: true, message: '' });
  });

  it('says why ids cannot be mapped, in a line, and leaves nothing', async () => {
    let waiting = 0;
    const refuse = (pid: number): Promise<void> => {
      waiting = pid;
      return Promise.reject(new Error('not yours\nand more'));
    };
    expect(await tryMappedIds(path, undefined, refuse)).toEqual({ ok: false, message: 'not yours' });
    await eventually(() => childrenOf(waiting) === undefined);
  });

  it('has one process that waits for its ids, and nothing is left when that is killed', async () => {
    let waiting = 0;
    let helpers: string | undefined;
    const trial = await tryMappedIds(path, undefined, async (pid) => {
      [waiting, helpers] = [pid, childrenOf(pid)];
      process.kill(pid, 'SIGKILL');
    });
    expect(trial).toEqual({ ok: false, message: 'SIGKILL' });
    expect(helpers).toBe('');
    expect(childrenOf(waiting)).toBeUndefined();
  });

  it('ends with its signal', async () => {
    const controller = new AbortController();
    let waiting = 0;
    const trial = tryMappedIds(path, controller.signal, async (pid) => {
      waiting = pid;
      controller.abort(new Error('stop'));
    });
    await expect(trial).rejects.toThrow('stop');
    await eventually(() => childrenOf(waiting) === undefined);
  });

  it('says why no program can be started', async () => {
    expect(await tryMappedIds('/no/such')).toMatchObject({ ok: false, message: expect.stringContaining('ENOENT') as string });
  });
});
