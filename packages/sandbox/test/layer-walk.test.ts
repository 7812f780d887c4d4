import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareDirectory, namesIn, settle, signDirectory } from '../src/agent/layer-walk.js';
import type { LayerEntry } from '../src/manifest.js';

const base = mkdtempSync(join(tmpdir(), 'ict-layer-walk-'));
/** The directory itself has a name beyond ASCII too. */
const directory = join(base, 'Schïcht');
const NOT_UTF8 = Buffer.from([0x78, 0xff, 0xfe]);
const odd = Buffer.concat([Buffer.from(`${directory}/é/`), NOT_UTF8]);

beforeAll(() => {
  mkdirSync(join(directory, 'é', 'plain'), { recursive: true });
  for (const name of ['a', 'é', '\u{1f600}', '\uffee']) writeFileSync(join(directory, 'é', `f${name}`), name);
  writeFileSync(odd, 'odd');
  symlinkSync('é/x', join(directory, 'link-é'));
});
afterAll(() => rmSync(base, { recursive: true }));

/** The signature as its description says it, by buffers and one digest of all that lies in the directory. */
function reference(): string {
  const parts: Buffer[] = [];
  const stateOf = (path: Buffer): string => {
    const { ino, size, mtimeNs, ctimeNs, mode } = lstatSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs} ${mode}\n`;
  };
  const visit = (path: Buffer, relative: Buffer): void => {
    const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const name of names) {
      const [child, below] = [path, relative].map((above) => Buffer.concat([above, Buffer.from('/'), name])) as [Buffer, Buffer];
      if (lstatSync(child).isDirectory()) visit(child, below);
      parts.push(below, Buffer.from(`\0${stateOf(child)}`));
    }
  };
  visit(Buffer.from(directory), Buffer.alloc(0));
  const digest = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return digest(`${digest(Buffer.concat(parts))}\n${stateOf(Buffer.from(directory))}`);
}

it('rounds times before 1970 down', () => {
  const file = join(base, 'early');
  writeFileSync(file, '');
  utimesSync(file, new Date(-1500), new Date(-1500));
  settle(file, { epochSeconds: 1000 });
  expect(lstatSync(file).mtimeMs).toBe(-2000);
});

it('leaves entries their own times as long as asked, and gives later ones that of what was made', () => {
  const [brought, made] = [join(base, 'brought'), join(base, 'made')];
  for (const file of [brought, made]) writeFileSync(file, '');
  utimesSync(brought, 1_700_000_000, 1_700_000_000);
  for (const file of [brought, made]) settle(file, { epochSeconds: 315_532_801, latestSeconds: 1_700_000_000 });
  expect([brought, made].map((file) => lstatSync(file).mtimeMs)).toEqual([1_700_000_000_000, 315_532_801_000]);
});

describe('names that are not ASCII, or not UTF-8', () => {
  it('are signed by their bytes, in the order of these', () => {
    expect(signDirectory(directory)).toEqual({ digest: reference(), entries: 9 });
    const names = namesIn(Buffer.from(join(directory, 'é')).toString('latin1')).map((name) => Buffer.from(name, 'latin1'));
    expect(names).toEqual([...names].sort(Buffer.compare));
    expect(names.some((name) => name.equals(NOT_UTF8))).toBe(true);
  });

  it('get their times, and are told of by their bytes', () => {
    const before = signDirectory(directory).digest;
    const seen: [string, boolean][] = [];
    const contents = settle(directory, { epochSeconds: 5 }, (relative, _stats, touched) =>
      seen.push([Buffer.from(relative, 'latin1').toString('hex'), touched]),
    );
    expect(lstatSync(odd).mtimeMs).toBe(5000);
    expect(seen).toContainEqual([Buffer.concat([Buffer.from('/é/'), NOT_UTF8]).toString('hex'), true]);
    expect(seen).toHaveLength(9);
    expect(signDirectory(directory).digest).not.toBe(before);
    expect(contents.entries).toBe(8);
    expect(signDirectory(directory, contents)).toEqual(signDirectory(directory));
  });

  it('are compared as text', () => {
    const attributes = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtimeSeconds: 5 };
    const file = (path: string, sizeBytes: number): LayerEntry => {
      return { path, type: 'file', mode: lstatSync(join(directory, 'é', 'fa')).mode & 0o7777, sizeBytes, ...attributes };
    };
    const link: LayerEntry = { path: '/link-é', type: 'symlink', mode: 0o777, linkTarget: 'é/x', ...attributes };
    const changed = compareDirectory(directory, [file('/é/fa', 1), file('/é/fé', 2), file('/é/gone', 1), link]);
    expect(changed).toContain('/é/gone');
    expect(changed.filter((path) => ['/é/fa', '/é/fé', '/link-é'].includes(path))).toEqual([]);
  });
});
