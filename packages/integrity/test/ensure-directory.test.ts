import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDirectory, ensureOwnDirectory } from '../src/index.js';

const USER = 12_345;
const GROUP = 12_346;

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ict-ensure-'));
  home = join(root, 'home');
  mkdirSync(home);
});
afterEach(() => rmSync(root, { recursive: true }));

const ownerOf = (path: string): readonly number[] => [statSync(path).uid, statSync(path).gid];

describe('ensureDirectory', () => {
  it('makes what is missing above, and nothing twice', () => {
    ensureDirectory(join(home, 'a', 'b'));
    writeFileSync(join(home, 'a', 'b', 'file'), '');
    ensureDirectory(join(home, 'a', 'b'));
    expect(statSync(join(home, 'a', 'b', 'file')).isFile()).toBe(true);
  });

  it('says what lies in the way', () => {
    writeFileSync(join(home, 'file'), '');
    expect(() => ensureDirectory(join(home, 'file'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    expect(() => ensureDirectory(join(home, 'file', 'a'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  });

  it('refuses a directory in which none can be made', () => {
    for (const path of ['/proc/ict', '/proc/ict/a/b'])
      expect(() => ensureDirectory(path)).toThrow(expect.objectContaining({ code: 'EPERM' }));
  });
});

describe('what root makes in a directory of another user', () => {
  beforeEach(() => chownSync(home, USER, GROUP));

  it('is that user\u2019s, at every depth, where users share it', () => {
    ensureDirectory(join(home, 'a', 'b'));
    expect(ownerOf(join(home, 'a'))).toEqual([USER, GROUP]);
    expect(ownerOf(join(home, 'a', 'b'))).toEqual([USER, GROUP]);
  });

  it('is that user\u2019s below a link', () => {
    symlinkSync(home, join(root, 'link'));
    ensureDirectory(join(root, 'link', 'a'));
    expect(ownerOf(join(home, 'a'))).toEqual([USER, GROUP]);
  });

  it('is left to root where it was before', () => {
    mkdirSync(join(home, 'a'));
    ensureDirectory(join(home, 'a'));
    ensureDirectory(join(home, 'a', 'b'));
    expect(ownerOf(join(home, 'a'))).toEqual([0, 0]);
    expect(ownerOf(join(home, 'a', 'b'))).toEqual([0, 0]);
  });

  it('is root\u2019s where it is for one user alone', () => {
    ensureOwnDirectory(join(home, 'a', 'b'), 0o700);
    expect(ownerOf(join(home, 'a'))).toEqual([0, 0]);
    expect(ownerOf(join(home, 'a', 'b'))).toEqual([0, 0]);
    expect(statSync(join(home, 'a', 'b')).mode & 0o777).toBe(0o700);
  });
});

describe('what is made in a directory that a group shares', () => {
  let umask: number;
  beforeEach(() => {
    umask = process.umask(0o077);
    chownSync(home, 0, GROUP);
    chmodSync(home, 0o2775);
  });
  afterEach(() => void process.umask(umask));

  const modeOf = (path: string): number => statSync(path).mode & 0o7777;

  it('is the group\u2019s to write, at every depth, whatever the umask', () => {
    ensureDirectory(join(home, 'a', 'b'));
    expect(ownerOf(join(home, 'a', 'b'))).toEqual([0, GROUP]);
    expect([modeOf(join(home, 'a')), modeOf(join(home, 'a', 'b'))]).toEqual([0o2770, 0o2770]);
  });

  it('is that for a cache of another user, too', () => {
    chownSync(home, USER, GROUP);
    ensureDirectory(join(home, 'a'));
    expect(ownerOf(join(home, 'a'))).toEqual([USER, GROUP]);
    expect(modeOf(join(home, 'a'))).toBe(0o2770);
  });

  it('is its maker\u2019s where it is for one user alone', () => {
    ensureOwnDirectory(join(home, 'a'));
    expect(modeOf(join(home, 'a'))).toBe(0o2700);
  });

  it.each([
    ['the group may not write', 0o2755, 0o2700],
    ['nobody may rename what another made', 0o3775, 0o2700],
    ['no setgid says so', 0o775, 0o700],
  ])('is as the umask says where %s', (_, above, made) => {
    chmodSync(home, above);
    ensureDirectory(join(home, 'a'));
    expect(modeOf(join(home, 'a'))).toBe(made);
  });
});
