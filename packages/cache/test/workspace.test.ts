import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listWorkspace, removeWorkspaceEntry, type WorkspaceEntry } from '../src/workspace.js';
import { gatherUnread, refuseUnread } from '../src/unread.js';

const NOBODY = 65_534;
let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'ict-work-'));
  for (const name of ['chrootenv', 'chrootbuild', 'imagebuild/small']) mkdirSync(join(work, 'one', name), { recursive: true });
});
afterEach(() => rmSync(work, { recursive: true }));

const ids = async (): Promise<string[]> => (await listWorkspace(work, refuseUnread)).map(({ id }) => id);

/** Does something as a user who may do what permissions say, as root may not be kept from anything. */
async function asAnother(what: () => Promise<void>): Promise<void> {
  chmodSync(work, 0o755);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await what();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

it('dates a base tree by its record, because its own times are those of the image', async () => {
  const tree = join(work, 'one', 'chrootenv');
  writeFileSync(`${tree}.json`, '{}');
  utimesSync(`${tree}.json`, 1_700_000_000, 1_700_000_000);
  utimesSync(tree, 315_532_801, 315_532_801);
  expect((await listWorkspace(work, refuseUnread)).find(({ kind }) => kind === 'chrootenv')?.changedAt).toBe(1_700_000_000);
  rmSync(`${tree}.json`);
  expect((await listWorkspace(work, refuseUnread)).find(({ kind }) => kind === 'chrootenv')?.changedAt).toBeGreaterThan(1_700_000_000);
});

it('leaves out what another user shows to nobody, and says so', async () => {
  const other = join(work, 'other');
  mkdirSync(join(other, 'chrootenv'), { recursive: true });
  chmodSync(other, 0); // not even its owner may look into it, unless that is root
  await asAnother(async () => {
    const { unread, unseen } = gatherUnread();
    expect((await listWorkspace(work, unseen)).map(({ id }) => id)).toEqual(['one/chrootenv', 'one/chrootbuild', 'one/imagebuild/small']);
    expect(unread).toEqual(['chrootenv', 'chrootbuild', 'imagebuild'].map((name) => ({ path: join(other, name), reason: 'EACCES' })));
  });
  chmodSync(other, 0o700);
  expect(await ids()).toContain('other/chrootenv');
});

it('removes what it may, and leaves what is in a directory of another user', async () => {
  const [tree, snapshot] = (await listWorkspace(work, refuseUnread)) as [WorkspaceEntry, WorkspaceEntry];
  chmodSync(join(work, 'one'), 0o555);
  await asAnother(async () => expect(await removeWorkspaceEntry(work, tree)).toBe('stays'));
  chmodSync(join(work, 'one'), 0o755);
  expect(await ids()).toContain('one/chrootenv');
  expect(await removeWorkspaceEntry(work, tree)).toBe('gone');
  expect(await removeWorkspaceEntry(work, tree)).toBe('gone');
  expect(await ids()).toEqual([snapshot.id, 'one/imagebuild/small']);
});
