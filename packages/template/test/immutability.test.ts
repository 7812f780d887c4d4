import { describe, expect, it } from 'vitest';
import { DISK, HEAD, load, said } from './workspace.js';

const immutable = (inside: string, disk = DISK) => load(`${HEAD}${disk}systemConfig:\n  immutability: { ${inside} }\n`);
const hashes = (partition: string) => DISK.replace('end: "0"', 'end: 1GiB').concat(`    - { ${partition} }\n`);
const NO_PARTITION = 'ICT_TEMPLATE_IMMUTABILITY: immutability needs a partition for the hashes of the root, and the disk has none';

describe('immutability', () => {
  it.each([
    ['without a partition for the hashes', DISK, [NO_PARTITION]],
    ['with a partition that is mounted', hashes('id: data, fsType: ext4, mountPoint: /data'), [NO_PARTITION]],
    ['with a partition of another type', hashes('id: data, type: linux-swap, fsType: swap'), [NO_PARTITION]],
    ['with roothashmap', hashes('id: roothashmap'), []],
    ['with hash, of whatever type', hashes('id: hash, type: linux-var'), []],
    ['with a type that says so', hashes('id: verity, type: linux-root-amd64-verity'), []],
    ['with such a GUID', hashes('id: verity, typeUUID: DF3300CE-D69F-4C92-978C-9BFB0F38D820'), []],
    ['with a swap area that has no type', hashes('id: memory, fsType: swap'), [NO_PARTITION]],
    ['with a linux partition that nothing mounts', hashes('id: spare, type: linux, mountPoint: none'), []],
  ])('%s', async (_what, disk, expected) => {
    const { spec, problems, refused } = await immutable('enabled: true', disk);
    expect(said(refused)).toEqual(expected);
    for (const { position } of refused) expect(position).toMatchObject({ line: `${HEAD}${disk}`.split('\n').length + 1, column: 28 });
    expect(problems).toEqual([]);
    expect(spec).toBeDefined();
  });

  it.each([
    [
      'by id and by type',
      '{ id: hash }, { id: verity, type: linux-root-amd64-verity }',
      'partitions "hash" and "verity" could both be for the hashes of the root',
    ],
    ['of type linux', '{ id: one }, { id: two }', 'partitions "one" and "two" could both be for the hashes of the root'],
  ])('is refused with several partitions for the hashes, %s', async (_what, partitions, message) => {
    const [first, second] = partitions.split(/(?<=\}), /u).map((text, index) => text.replace('}', `, end: ${1025 + index}MiB }`));
    const disk = DISK.replace('end: "0"', 'end: 1GiB').concat(`    - ${first}\n    - ${second}\n`);
    const { problems, refused } = await immutable('enabled: true', disk);
    expect([said(problems), said(refused)]).toEqual([[], [`ICT_TEMPLATE_IMMUTABILITY: ${message}`]]);
    expect(refused[0]?.position?.line).toBe(`${HEAD}${disk}`.split('\n').length - 1);
  });

  it('takes the partition that says so by its id before others that nothing mounts', async () => {
    const disk = DISK.replace('end: "0"', 'end: 1GiB').concat('    - { id: spare, end: 1025MiB }\n    - { id: roothashmap }\n');
    const { spec, refused } = await immutable('enabled: true', disk);
    expect(refused).toEqual([]);
    expect(spec?.system.immutability?.hashPartition).toBe('roothashmap');
  });

  it('switched off, asks for nothing', async () => {
    expect(await immutable('enabled: false')).toMatchObject({ problems: [], refused: [], warnings: [] });
  });
});

it.each([
  ['fde.passphraseFile', 'systemConfig: { fde: { enabled: true, passphraseFile: none.txt } }'],
  ['initramfs.template', 'systemConfig: { initramfs: { template: none.yml } }'],
  ['baseline.source.path', 'baseline: { mode: overlay, source: { path: none.raw } }'],
  ['baseline.source.sbomPath', 'baseline: { mode: overlay, source: { sbomPath: none.json } }'],
  ['a repository in a path', 'packageRepositories: [{ codename: a, path: /none/at/all, pkey: "[trusted=yes]" }]'],
  [
    'packages of a repository',
    'packageRepositories: [{ codename: a, packages: [none.deb, "http://a.example/a.deb"], pkey: "[trusted=yes]" }]',
  ],
])('a missing file is reported: %s', async (_what, line) => {
  const { problems, refused } = await load(`${HEAD}${DISK}${line}\n`);
  expect(problems).toEqual([]);
  expect(refused.map(({ code, position }) => [code, position?.line])).toEqual([['ICT_TEMPLATE_FILE_MISSING', 14]]);
});
