import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookAtFiles, measure, measureDirectory } from '../src/directory-files.js';
import { refuseUnread } from '../src/unread.js';
import { createRelease, occupiedBytes, releasedBytes, type TakesRoom } from '../src/disk-room.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ict-room-'));
  for (const name of ['one', 'two']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'one/a'), Buffer.alloc(50_000, 1));
  linkSync(join(root, 'one/a'), join(root, 'one/again'));
  linkSync(join(root, 'one/a'), join(root, 'two/elsewhere'));
  writeFileSync(join(root, 'two/b'), Buffer.alloc(9_000, 1));
});
afterEach(() => rmSync(root, { recursive: true }));

const du = (path: string): number => Number(spawnSync('du', ['-s', '--block-size=1', path]).stdout.toString().split('\t')[0]);
const measured = (path: string): TakesRoom => measure(join(root, path)) as TakesRoom;

it('a directory takes what du says, however many names its files have', () => {
  for (const path of [root, join(root, 'one'), join(root, 'two')]) expect(measureDirectory(path, refuseUnread)).toBe(du(path));
});

it('names that are not UTF-8 are looked at, too', () => {
  for (const name of ['caf\xe9', '\xff\xfe', 'gr\xc3\xbc\xc3\x9fe']) {
    const directory = Buffer.from(join(root, 'one', name), 'latin1');
    mkdirSync(directory);
    writeFileSync(Buffer.concat([directory, Buffer.from('/\xe9', 'latin1')]), Buffer.alloc(30_000, 1));
  }
  expect(measureDirectory(root, refuseUnread)).toBe(du(root));
  expect(measureDirectory(join(root, 'one', 'grüße'), refuseUnread)).toBe(du(join(root, 'one', 'grüße')));
});

it('files that have names elsewhere are told with how many of these were met', () => {
  expect(measured('one').shared).toMatchObject([{ names: 3, met: 2 }]);
  expect(measured('two/elsewhere').shared).toMatchObject([{ names: 3, met: 1 }]);
  expect(measured('.').shared).toBeUndefined();
  expect([...(lookAtFiles(join(root, 'two'), refuseUnread).shared?.keys() ?? [])]).toEqual(['elsewhere']);
});

it('what is shared is taken once, and given back with the last name', () => {
  const [one, two] = [measured('one'), measured('two')];
  const file = du(join(root, 'one/a'));
  expect(occupiedBytes([one, two])).toBe(one.allocatedBytes + two.allocatedBytes - file);
  expect(releasedBytes([one])).toBe(one.allocatedBytes - file);
  const release = createRelease();
  expect([two, one].map(release)).toEqual([two.allocatedBytes - file, one.allocatedBytes]);
});
