import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { removeDirectory, removeOwnDirectories } from '../src/agent/removal.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'removal-'));
  writeFileSync(join(base, 'kept'), 'kept');
});
afterEach(() => {
  vi.unstubAllEnvs();
  expect(readFileSync(join(base, 'kept'), 'utf8')).toBe('kept');
  rmSync(base, { recursive: true });
});

/** A directory with as many files, in directories of ten. */
function directoryOf(files: number): string {
  const directory = mkdtempSync(join(base, 'own-'));
  for (let number = 0; number < files; number++) {
    const below = join(directory, 'work', String(Math.floor(number / 10)));
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, String(number)), '');
  }
  return directory;
}

describe('removeOwnDirectories', () => {
  it('removes few entries without a program, and follows no link', async () => {
    vi.stubEnv('PATH', join(base, 'nothing'));
    const [first, second] = [directoryOf(0), directoryOf(20)];
    symlinkSync(base, join(second, 'link'));
    await removeOwnDirectories([first, join(base, 'absent'), second]);
    expect([first, second].filter((path) => existsSync(path))).toEqual([]);
  });

  it.each([
    ['many entries', 200, 'name'],
    ['a name that is not UTF-8', 1, '\xff'],
  ])('leaves %s to a program', async (_what, files, name) => {
    const directory = directoryOf(files);
    writeFileSync(Buffer.from(`${directory}/${name}`, 'latin1'), '');
    vi.stubEnv('PATH', join(base, 'nothing'));
    await expect(removeOwnDirectories([directory])).rejects.toMatchObject({ code: 'ENOENT' });
    vi.unstubAllEnvs();
    await removeOwnDirectories([directory]);
    expect(existsSync(directory)).toBe(false);
  });

  it('takes no other name for one that is not UTF-8', async () => {
    const directory = directoryOf(0);
    symlinkSync(base, join(directory, '\ufffd'));
    // Some of these come before the link, whatever the order.
    for (let byte = 0x80; byte < 0xc0; byte++) mkdirSync(Buffer.from([...Buffer.from(`${directory}/`), byte]));
    await removeOwnDirectories([directory]);
    expect(existsSync(directory)).toBe(false);
  });

  it.each([removeDirectory, (path: string) => removeOwnDirectories([path])])('refuses a link', async (remove) => {
    const target = directoryOf(1);
    symlinkSync(target, join(base, 'link'));
    await expect(remove(join(base, 'link'))).rejects.toMatchObject({ code: 'ICT_SANDBOX_REMOVE' });
    expect(existsSync(join(target, 'work', '0', '0'))).toBe(true);
  });
});
