import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import type { BootDefinition } from '@ict/plugin-api';
import { findKernels, resolveTreeFile } from '../src/kernels.js';

const boot: BootDefinition = {
  kernel: '/boot/vmlinuz-*',
  initrd: '/boot/initrd.img-${kernelVersion}',
  makeInitrd: ['mkinitramfs', '-o', '${output}', '${kernelVersion}'],
  loaders: {},
};
const bootable = { 'boot/vmlinuz-6.12.9-amd64': 'older', 'boot/vmlinuz-6.12.10-amd64': 'newer', 'boot/efi': null };

let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());
const session = (files: Record<string, TreeContent>) => build.session(build.tree(files));

describe('findKernels', () => {
  it('finds all by the glob, newest first', async () => {
    expect(await findKernels(session({ ...bootable, 'boot/vmlinuz-': '', 'boot/config-6.12.9-amd64': '' }), boot)).toEqual([
      { version: '6.12.10-amd64', path: '/boot/vmlinuz-6.12.10-amd64', initrd: '/boot/initrd.img-6.12.10-amd64' },
      { version: '6.12.9-amd64', path: '/boot/vmlinuz-6.12.9-amd64', initrd: '/boot/initrd.img-6.12.9-amd64' },
    ]);
  });

  it('takes a star in the middle of a path', async () => {
    const tree = session({ 'usr/lib/modules/6.1/vmlinuz': '', 'usr/lib/modules/6.2/modules.dep': '' });
    const other = { ...boot, kernel: '/usr/lib/modules/*/vmlinuz', initrd: '/boot/initramfs-${kernelVersion}.img' };
    expect(await findKernels(tree, other)).toEqual([
      { version: '6.1', path: '/usr/lib/modules/6.1/vmlinuz', initrd: '/boot/initramfs-6.1.img' },
    ]);
  });

  it('refuses a tree without a kernel', async () => {
    await expect(findKernels(session({ 'boot/grub': null }), boot)).rejects.toMatchObject({ code: 'ICT_IMAGE_BOOT_FILES' });
  });
});

describe('resolveTreeFile', () => {
  it('follows links inside the tree, absolute ones too', async () => {
    const tree = session({
      vmlinuz: { link: 'boot/current' },
      'boot/current': { link: '/real/./x/../kernel' },
      'real/kernel': 'four',
      'real/x': null,
    });
    expect(await resolveTreeFile(tree, '/vmlinuz', 'kernel', '')).toEqual({ path: '/real/kernel', sizeBytes: 4 });
  });

  it.each<[string, Record<string, TreeContent>]>([
    ['nothing', {}],
    ['a directory', { file: null }],
    ['a link to nothing', { file: { link: 'gone' } }],
    ['a circle', { file: { link: 'other' }, other: { link: 'file' } }],
  ])('refuses %s', async (_, files) => {
    await expect(resolveTreeFile(session({ ...files, x: '' }), '/file', 'kernel', '')).rejects.toMatchObject({
      code: 'ICT_IMAGE_BOOT_FILES',
      facts: { path: '/file' },
    });
  });
});
