import { rmdirSync, writeFileSync } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLayout } from '../src/layout.js';
import { currentOwner } from '../src/process-owner.js';
import { createUsageJournal, type UsageJournal } from '../src/usage-journal.js';
import { endProcesses, makeCacheRig, type CacheRig } from './cache-rig.js';

/* A collection draws the logs of ended processes together, and takes away the directories of days that it left empty, while others begin logs there. */

/** What another process does before something is removed, and before a log is opened that may be new. */
const meanwhile = vi.hoisted(() => ({ removing: (_path: string): void => {}, creating: (_log: string): void => {} }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const rm: typeof real.rm = (path, options) => {
    meanwhile.removing(String(path));
    return real.rm(path, options);
  };
  const rmdir: typeof real.rmdir = (path) => {
    meanwhile.removing(String(path));
    return real.rmdir(path);
  };
  const open: typeof real.open = (path, flags, mode) => {
    if (((flags as number) & real.constants.O_CREAT) !== 0) meanwhile.creating(String(path));
    return real.open(path, flags, mode);
  };
  return { ...real, rm, rmdir, open };
});

let rig: CacheRig;
let journal: UsageJournal;
beforeEach(async () => {
  rig = makeCacheRig();
  journal = createUsageJournal(await openLayout(rig.cacheDir, currentOwner()), () => rig.time);
});
afterEach(() => {
  Object.assign(meanwhile, { removing: () => {}, creating: () => {} });
  rig.close();
});

const today = (): string => join(rig.cacheDir, '.ict/used/1970-01-01');

/** Many processes that each used a package, and ended. */
async function useByMany(): Promise<void> {
  for (let count = 0; count < 20; count++) {
    await journal.note('package', `used-${count}`);
    endProcesses(rig);
  }
}

describe('the journal', () => {
  it('loses its empty days, and nothing of what it says', async () => {
    await useByMany();
    await journal.compact(() => true);
    expect(rig.list('.ict/used')).toEqual(['summary.log']);
    expect((await journal.read()).get('package')?.get('used-7')).toBe(1000);
  });

  it('keeps a log that another process begins while its day is taken away', async () => {
    await useByMany();
    const log = join(today(), `${currentOwner()}.log`);
    meanwhile.removing = (path) => {
      if (path === today()) writeFileSync(log, '1000 package jq\n');
    };
    await journal.compact(() => true);
    expect(await journal.pinned()).toEqual(new Set(['package jq']));
  });

  it('says what is used though its day is taken away while a log begins there', async () => {
    let left = 3;
    meanwhile.creating = () => {
      if (left-- > 0) rmdirSync(today());
    };
    await journal.note('package', 'dash');
    expect(await journal.pinned()).toContain('package dash');
  });
});
