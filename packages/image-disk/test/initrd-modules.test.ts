import { expect, it } from 'vitest';
import { initrdModules } from '../src/initrd-modules.js';
import { esp, imageSpec, root } from './support/specs.js';

it.each([
  ['an ext4', [root], []],
  ['a root', [{ ...root, filesystem: 'squashfs' }], ['squashfs']],
  ['a btrfs', [{ ...root, filesystem: 'btrfs' }], ['btrfs']],
  ['an xfs', [{ ...root, filesystem: 'xfs' }], ['xfs']],
  [
    'a root and its /usr',
    [
      { ...root, filesystem: 'squashfs' },
      { ...root, id: 'usr', mountPoint: '/usr/', filesystem: 'erofs' },
    ],
    ['erofs', 'squashfs'],
  ],
  ['what the system mounts by itself', [root, { ...root, id: 'data', mountPoint: '/opt', filesystem: 'erofs' }], []],
] as const)('tells the initrd of modules for %s', (_what, partitions, modules) => {
  expect(initrdModules(imageSpec({ disk: { partitions: [esp, ...partitions] } }))).toEqual(modules);
});
