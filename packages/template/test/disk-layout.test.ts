import type { PartitionSpec } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { checkLayout, type DiskBounds } from '../src/sections/disk-layout.js';
import { formatPath } from '../src/documents/path.js';
import { DISK, HEAD, load, said } from './workspace.js';

const MIB = 2 ** 20;
const at = (id: string, start: number, end?: number, mountPoint?: string): PartitionSpec => ({
  id,
  name: id,
  type: 'linux',
  filesystem: 'none',
  startBytes: start * MIB,
  ...(end === undefined ? {} : { endBytes: end * MIB }),
  ...(mountPoint === undefined ? {} : { mountPoint }),
  mountOptions: 'defaults',
  flags: [],
});

function check(partitions: readonly PartitionSpec[], sizeMib: number | undefined, table: DiskBounds['table'] = 'gpt'): string[] {
  const found: string[] = [];
  const bounds = { sizeBytes: sizeMib === undefined ? undefined : sizeMib * MIB, table };
  checkLayout(partitions, bounds, (_code, path, message) => found.push(`${formatPath(path)}: ${message}`));
  return found;
}

describe('checkLayout', () => {
  it.each<[string, string[], PartitionSpec[], number | undefined, DiskBounds['table']?]>([
    ['nothing', [], [], 10],
    ['what fits', [], [at('a', 1, 5), at('b', 5)], 10],
    ['the end of a disk without a second table', [], [at('a', 1, 10)], 10, 'mbr'],
    ['any size of a disk that an installer finds', [], [at('a', 1, 5000), at('b', 5000)], undefined],
    [
      'one that lies over several',
      [
        '[1].start: partition "b" begins at 2MiB, inside "a", which ends at 9MiB',
        '[2].start: partition "c" begins at 4MiB, inside "a", which ends at 9MiB',
      ],
      [at('a', 1, 9), at('b', 2, 3), at('c', 4, 5)],
      10,
    ],
    [
      'one after one that takes the rest, of a disk that is not known',
      ['[1].start: partition "b" begins at 2MiB, inside "a", which takes the rest of the disk'],
      [at('a', 1), at('b', 2, 3)],
      undefined,
    ],
    [
      'both ends of one partition',
      ['[0].end: partition "a" ends at 12MiB, beyond the disk of 10MiB', '[0].start: partition "a" begins inside the partition table'],
      [at('a', 0, 12)],
      10,
    ],
    [
      'no room for the second table',
      ['[0].end: partition "a" leaves no room for the second partition table at the end of the disk'],
      [at('a', 1, 10)],
      10,
    ],
    [
      'a start that is not known',
      ['[0].end: partition "a" ends at 12MiB, beyond the disk of 10MiB', '[1].id: two partitions have the id "a"'],
      [at('a', NaN, 12), at('a', 1, 2)],
      10,
    ],
    ['a start after the end', ['[0].start: partition "a" begins at 5MiB, not before its end at 4MiB'], [at('a', 5, 4)], 10],
    [
      'a number twice, given or by place',
      ['[1].index: two partitions have the number 2', '[3].index: two partitions have the number 1'],
      [{ ...at('a', 1, 2), index: 2 }, at('b', 2, 3), { ...at('c', 3, 4), index: 1 }, { ...at('d', 4, 5), index: 1 }],
      10,
    ],
    ['a mount point twice', ['[1].mountPoint: two partitions are mounted at /'], [at('a', 1, 2, '/'), at('b', 2, 3, '/')], 10],
  ])('tells %s', (_what, expected, partitions, size, table) => {
    expect(check(partitions, size, table)).toEqual(expected.map((one) => `disk.partitions${one}`));
  });
});

describe('one mistake of a disk', () => {
  it('hides no other', async () => {
    const { problems } = await load(`${HEAD}disk:
  partitions:
    - { id: a, type: nonsense, start: 1MiB, fsType: ext4 }
    - { id: a, type: linux, fsType: ext4, mountOptions: "x y" }
`);
    expect(said(problems).map((text) => text.replace(/^ICT_[A-Z_]+: /, ''))).toEqual([
      'the disk needs the key "size"',
      'no partition is mounted at /',
      'the image starts through EFI, but no partition has the type "esp"',
      'partition "a" has the unknown type "nonsense"',
      'partition "a" needs the key "start": the one before takes the rest of the disk',
      'two partitions have the id "a"',
      'mount options have no spaces: "x y"',
    ]);
  });

  it.each([
    ['end: 257MiB', 'end: 257', 'ICT_DOCUMENT_WRONG_TYPE: disk.partitions[0].end must be text, but is a number'],
    ['end: 257MiB', 'end: 2x', expect.stringMatching(/^ICT_DOCUMENT_BAD_VALUE: disk.partitions\[0\].end is "2x"/) as unknown],
    ['start: 257MiB', 'start: 257', 'ICT_DOCUMENT_WRONG_TYPE: disk.partitions[1].start must be text, but is a number'],
    ['start: 1MiB, end: 257MiB', 'start: 1MiB, end: 9', expect.stringContaining('disk.partitions[0].end must be text') as unknown],
  ])('concludes nothing where %s is written %s', async (right, wrong, expected) => {
    const { problems } = await load(`${HEAD}${DISK.replace(right, wrong)}`);
    expect(said(problems)).toEqual([expected]);
    const without = DISK.replace('start: 257MiB, ', '');
    expect(said((await load(`${HEAD}${without.replace('end: 257MiB', 'end: 257')}`)).problems)).toHaveLength(1);
  });

  it.each(['img', 'iso'])('is told for an image of type %s too', async (imageType) => {
    const partitions = 'partitions: [{ id: a, start: 1MiB, end: 9MiB, fsType: ext4 }, { id: a, start: 8MiB, fsType: ext4 }]';
    const { problems } = await load(`${HEAD.replace('raw', imageType)}disk: { ${partitions} }\n`);
    const messages = said(problems).join('\n');
    expect(messages).toContain('begins at 8MiB, inside "a"');
    expect(messages).toContain('two partitions have the id "a"');
    // What an initrd has no disk for, its format refuses: no partition more would help.
    expect(messages.includes('no partition is mounted at /')).toBe(imageType === 'iso');
    expect(messages.includes('no partition has the type "esp"')).toBe(imageType === 'iso');
    expect(messages).not.toContain('"size"');
    expect((await load(`${HEAD.replace('raw', imageType)}disk: { name: none }\n`)).problems).toEqual([]);
  });
});
