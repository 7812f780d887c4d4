import { chmod, chown, link, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeUserFile } from '../src/config-file.js';
import { giveToInvoker, invoker } from '../src/invoker.js';
import { claimDirectory } from '../src/private-directory.js';

let root: string;
const uid = process.geteuid?.() ?? -1;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-host-'));
});

afterEach(() => rm(root, { recursive: true }));

describe('invoker', () => {
  it.each([
    [{ SUDO_UID: '1000', SUDO_GID: '100' }, 0, { uid: 1000, gid: 100 }],
    [{ SUDO_UID: '1000', SUDO_GID: '100' }, 1000, undefined],
    [{ SUDO_UID: '0', SUDO_GID: '0' }, 0, undefined],
    [{ SUDO_UID: '1000' }, 0, undefined],
    [{ SUDO_UID: '-1', SUDO_GID: '1' }, 0, undefined],
    [{}, 0, undefined],
  ])('of %j run by %i is %j', (env, own, expected) => {
    expect(invoker({ env, uid: own })).toEqual(expected);
  });
});

describe('giveToInvoker', () => {
  const surroundings = { env: { SUDO_UID: '12345', SUDO_GID: '12345' }, uid };
  // Only root can give files away; anybody else keeps them.
  const receiver = uid === 0 ? 12345 : uid;

  it('gives a file to the user who ran sudo', async () => {
    const file = join(root, 'a.raw');
    await writeFile(file, '');
    await giveToInvoker([file], surroundings);
    expect((await stat(file)).uid).toBe(receiver);
  });

  it('keeps a file that has a second name', async () => {
    const file = join(root, 'a.raw');
    await writeFile(file, '');
    await link(file, join(root, 'b.raw'));
    await giveToInvoker([file], surroundings);
    expect((await stat(file)).uid).toBe(uid);
  });
});

describe.runIf(uid === 0)('writeUserFile', () => {
  it('leaves the user who ran sudo the directories that it makes in one of that user', async () => {
    await chown(root, 12345, 12345);
    const surroundings = { env: { SUDO_UID: '12345', SUDO_GID: '12345' }, uid };
    await writeUserFile(join(root, '.config', 'ict', 'config.yml'), 'workers: 3\n', surroundings);
    const made = ['.config', '.config/ict', '.config/ict/config.yml'];
    expect(await Promise.all(made.map(async (name) => (await stat(join(root, name))).uid))).toEqual([12345, 12345, 12345]);
  });
});

describe('claimDirectory', () => {
  it('makes a directory, and takes it again', async () => {
    const path = join(root, 'a', 'work');
    await claimDirectory(path, uid);
    await writeFile(join(path, 'kept'), '');
    await claimDirectory(path, uid);
    expect(await readdir(path)).toEqual(['kept']);
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['a link', (path) => symlink(root, path)],
    ['a file', (path) => writeFile(path, '')],
    ['a directory that everyone can write', (path) => mkdir(path).then(() => chmod(path, 0o777))],
  ])('refuses %s', async (_name, make) => {
    const path = join(root, 'work');
    await make(path);
    await expect(claimDirectory(path, uid)).rejects.toMatchObject({ code: 'ICT_CLI_DIRECTORY_UNSAFE' });
  });

  it('refuses the directory of another user', async () => {
    const path = join(root, 'work');
    await mkdir(path);
    await expect(claimDirectory(path, uid + 1)).rejects.toMatchObject({ code: 'ICT_CLI_DIRECTORY_UNSAFE' });
  });
});
