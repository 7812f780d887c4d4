import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { moveFile } from '../src/move-file.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ict-move-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('renames within a file system', async () => {
  const [from, to] = [join(root, 'from'), join(root, 'to')];
  writeFileSync(from, 'content');
  const { ino } = statSync(from);
  expect(await moveFile(from, to)).toBe(true);
  expect([existsSync(from), readFileSync(to, 'utf8'), statSync(to).ino]).toEqual([false, 'content', ino]);
});

it('copies to another file system and removes', () => {
  const mount = join(root, 'mount');
  mkdirSync(mount);
  const [from, to] = [join(root, 'from'), join(mount, 'to')];
  writeFileSync(from, 'content');
  const script = `
    import { existsSync, readFileSync } from 'node:fs';
    const { moveFile } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    const [from, to] = ${JSON.stringify([from, to])};
    const same = await moveFile(from, to);
    console.log(JSON.stringify([same, existsSync(from), readFileSync(to, 'utf8')]));`;
  const setup = 'mount -t tmpfs tmpfs "$1" && exec "$2" --input-type=module -e "$3"';
  const inside = ['--user', '--map-root-user', '--mount', 'sh', '-c', setup, 'sh', mount, process.execPath, script];
  const { stdout, stderr } = spawnSync('unshare', inside, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([false, false, 'content']);
});

it('says what the system says of anything else', async () => {
  await expect(moveFile(join(root, 'absent'), join(root, 'to'))).rejects.toMatchObject({ code: 'ENOENT' });
});
