import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountList } from '../src/agent/mounting.js';

describe('mountList', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'mount-list-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The fields as the programs of the host read them from such a list. */
  function readBack(list: string): unknown {
    const file = join(directory, 'fstab');
    writeFileSync(file, list);
    const text = execFileSync('findmnt', ['--fstab', '--tab-file', file, '--json', '--output', 'SOURCE,TARGET,FSTYPE,OPTIONS', '--list']);
    return (JSON.parse(text.toString()) as { readonly filesystems: unknown }).filesystems;
  }

  it('says what findmnt reads, in order', () => {
    const list = mountList([
      { source: '/cache\u3000dir/a\tb\\c#d\u00a0é.deb', target: '/x/a b', type: 'none', options: 'bind,ro' },
      { source: 'tmpfs', target: '/x/run', type: 'tmpfs', options: 'mode=0755' },
    ]);
    expect(readBack(list)).toEqual([
      { source: '/cache\u3000dir/a\tb\\c#d\u00a0é.deb', target: '/x/a b', fstype: 'none', options: 'bind,ro' },
      { source: 'tmpfs', target: '/x/run', fstype: 'tmpfs', options: 'mode=0755' },
    ]);
  });

  it('has one line of six fields for each mount, whatever the paths', () => {
    const path = fc.string({ unit: 'grapheme', minLength: 1 }).map((name) => `/${name}`);
    fc.assert(
      fc.property(fc.array(fc.record({ source: path, target: path }), { minLength: 1, maxLength: 5 }), (pairs) => {
        const lines = mountList(pairs.map((pair) => ({ ...pair, type: 'none', options: 'bind' }))).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines.map((line) => line.split(/\s/).length)).toEqual(pairs.map(() => 6));
      }),
    );
  });
});
