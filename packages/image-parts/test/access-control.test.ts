import { expect, it } from 'vitest';
import { decodeAccessControl, encodeAccessControl, namesSomebody } from '../src/access-control.js';

/** What `getfattr -e hex -n system.posix_acl_access` says of a file after `setfacl -m u:1000:rw`. */
const SHOWN = Buffer.from('0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000400ffffffff', 'hex');
const ENTRIES = [
  [1, 6, 0xffff_ffff],
  [2, 6, 1000],
  [4, 4, 0xffff_ffff],
  [16, 6, 0xffff_ffff],
  [32, 4, 0xffff_ffff],
].map(([tag, permissions, id]) => ({ tag, permissions, id }) as { tag: number; permissions: number; id: number });

it('are read as Linux shows them, and written so', () => {
  expect(decodeAccessControl(SHOWN)).toEqual(ENTRIES);
  expect(encodeAccessControl(ENTRIES)).toEqual(SHOWN);
});

it('have an id where they name somebody, and nowhere else', () => {
  expect(ENTRIES.map(({ tag }) => namesSomebody(tag))).toEqual([false, true, false, false, false]);
  expect(encodeAccessControl(ENTRIES.map((entry) => (entry.tag === 2 ? entry : { ...entry, id: 7 })))).toEqual(SHOWN);
});

it.each([
  ['too short', SHOWN.subarray(0, 3)],
  ['cut', SHOWN.subarray(0, 15)],
  ['of another version', Buffer.concat([Buffer.from([1]), SHOWN.subarray(1)])],
])('are none when they are %s', (_how, value) => {
  expect(decodeAccessControl(value)).toBeUndefined();
});
