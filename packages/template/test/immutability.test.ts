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
    ['with a linux partition that nothing mounts', hashes('id: spare, type: linux, mountPoint: none'), []],
  ])('%s', async (_what, disk, expected) => {
    const { spec, problems, refused } = await immutable('enabled: true', disk);
    expect(said(refused)).toEqual(expected);
    for (const { position } of refused) expect(position).toMatchObject({ line: `${HEAD}${disk}`.split('\n').length + 1, column: 28 });
    expect(problems).toEqual([]);
    // Right, but not to be built.
    expect(spec).toBeDefined();
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
