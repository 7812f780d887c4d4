import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lockedFlags, mountsWithin, parseMountTable, readMountTable } from '../src/agent/mount-table.js';

const TEXT = `21 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 28 0:25 / /tmp rw,nosuid,nodev shared:9 - tmpfs tmpfs rw
31 30 0:26 / /tmp/with\\040blank\\134\\303\\251 rw - tmpfs tmpfs rw
32 30 0:27 / /tmp rw,noexec - tmpfs tmpfs rw
`;

it('reads paths and options', () => {
  expect(parseMountTable(TEXT).map(({ path }) => path)).toEqual(['/sys', '/', '/tmp', '/tmp/with blank\\é', '/tmp']);
});

it('reads the table of this machine', () => {
  expect(readMountTable().map(({ path }) => path)).toContain('/');
});

it('reads any path back that the kernel escapes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const path = `/${name.replaceAll('\0', '')}`;
      const escaped = path.replace(/[\\ \t\n]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
      expect(parseMountTable(`1 2 0:1 / ${escaped} rw - t t rw\n`)[0]?.path).toBe(path);
    }),
  );
});

describe('mountsWithin', () => {
  it.each([
    ['/', ['/sys', '/', '/tmp', '/tmp/with blank\\é', '/tmp']],
    ['/tmp', ['/tmp', '/tmp/with blank\\é', '/tmp']],
    ['/tm', []],
  ])('%s', (path, expected) => {
    expect(mountsWithin(parseMountTable(TEXT), path).map((mount) => mount.path)).toEqual(expected);
  });
});

describe('lockedFlags', () => {
  it.each([
    ['/home/x', []],
    ['/sys/kernel', ['nosuid', 'nodev', 'noexec']],
    ['/tmp/x', ['noexec']],
    ['/tmpx', []],
  ])('%s', (path, flags) => {
    expect(lockedFlags(parseMountTable(TEXT), path)).toEqual(flags);
  });
});
