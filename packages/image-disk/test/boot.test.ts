import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BuildContext, GrubNames, ImageInput } from '@ict/plugin-api';
import { efiProgram, hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import { diskSignature, partitionIdentity, volumeUuid } from '@ict/image-parts';
import { kernelOptions } from '../src/boot-menu.js';
import { locate } from '../src/mount-points.js';
import { grubModules, earlyConfig, grubImage, renderGrubConfig } from '../src/boot-grub.js';
import { systemdBootFiles } from '../src/boot-systemd.js';
import { divideTree } from '../src/partition-content.js';
import { MIB, SEED, bootable, distribution, esp, imageInput, imageSpec, root, type SpecChanges } from './support/specs.js';

let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const rootUuid = partitionIdentity(SEED, 'rootfs').partitionUuid;
const rootFs = partitionIdentity(SEED, 'rootfs').filesystemUuid;
const grub: SpecChanges = { bootloader: { provider: 'grub' } };
const separateBoot = { ...root, id: 'bootfs', startBytes: 60 * MIB, mountPoint: '/boot' };
const rootAndBoot = [esp, { ...root, endBytes: 60 * MIB }, separateBoot];

function given(changes: SpecChanges = {}, files: Record<string, TreeContent> = bootable): ImageInput {
  return imageInput(build.tree(files), changes);
}

describe('kernelOptions', () => {
  it('mounts a root read-only that is never written', () => {
    const partitions = [esp, { ...root, filesystem: 'erofs' as const }];
    expect(kernelOptions({ spec: imageSpec({ cmdline: 'quiet', disk: { partitions } }), seed: SEED })).toMatch(/ ro quiet$/u);
  });

  it('names a root in an MBR by the signature of the disk, and its number', () => {
    expect(kernelOptions({ spec: imageSpec({ disk: { partitionTable: 'mbr' } }), seed: SEED })).toMatch(
      new RegExp(`^root=PARTUUID=${diskSignature(SEED)}-02 rw `, 'u'),
    );
  });

  it.each([
    ['console=ttyS0  quiet', `root=PARTUUID=${rootUuid} rw console=ttyS0 quiet`],
    ['', `root=PARTUUID=${rootUuid} rw`],
    ['ro', `root=PARTUUID=${rootUuid} ro`],
    ['root=LABEL=x rw', 'root=LABEL=x rw'],
  ])('of %j are %s', (cmdline, expected) => {
    expect(kernelOptions({ spec: imageSpec({ cmdline }), seed: SEED })).toBe(expected);
  });
});

describe('locate', () => {
  it('finds the deepest partition and the path on it', () => {
    const spec = imageSpec({ disk: { partitions: rootAndBoot } });
    const at = (path: string) => [locate(spec, path).partition?.id, locate(spec, path).path];
    expect(at('/boot/vmlinuz')).toEqual(['bootfs', '/vmlinuz']);
    expect(at('/boot/efi/EFI')).toEqual(['boot', '/EFI']);
    expect(at('/bootleg')).toEqual(['rootfs', '/bootleg']);
  });
});

describe('systemdBootFiles', () => {
  it('has the loader twice, and an entry with kernel and initrd for each kernel', async () => {
    const input = given();
    const { texts, copies } = await systemdBootFiles(input, build.session(input.tree));
    expect(texts['/loader/loader.conf']).toBe('timeout 3\ndefault debian-6.12.10-amd64.conf\neditor no\n');
    expect(texts['/loader/entries/debian-6.12.10-amd64.conf']).toBe(
      [
        'title Debian 13, Linux 6.12.10-amd64',
        'version 6.12.10-amd64',
        'sort-key debian',
        'linux /debian/6.12.10-amd64/vmlinuz-6.12.10-amd64',
        'initrd /debian/6.12.10-amd64/initrd.img-6.12.10-amd64',
        `options root=PARTUUID=${rootUuid} rw console=ttyS0`,
        '',
      ].join('\n'),
    );
    expect(Object.keys(texts).sort()).toEqual([
      '/loader/entries.srel',
      '/loader/entries/debian-6.12.10-amd64.conf',
      '/loader/entries/debian-6.12.9-amd64.conf',
      '/loader/loader.conf',
    ]);
    expect(copies['/EFI/BOOT/BOOTX64.EFI']).toEqual({ path: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi', sizeBytes: 9 });
    expect(Object.keys(copies)).toHaveLength(6);
  });

  it('leaves kernels where they are when the EFI system partition is mounted there', async () => {
    const input = given({ disk: { partitions: [{ ...esp, mountPoint: '/boot' }, root] } });
    const { texts, copies } = await systemdBootFiles(input, build.session(input.tree));
    expect(texts['/loader/entries/debian-6.12.9-amd64.conf']).toContain('\nlinux /vmlinuz-6.12.9-amd64\ninitrd /initrd.img-6.12.9-amd64\n');
    expect(Object.keys(copies).sort()).toEqual(['/EFI/BOOT/BOOTX64.EFI', '/EFI/systemd/systemd-bootx64.efi']);
  });

  it('fills in the name of the architecture', async () => {
    const definition = {
      ...distribution,
      boot: { ...distribution.boot, loaders: { 'systemd-boot': { efi: '/efi/systemd-boot${efiArch}.efi', package: 'p' } } },
    };
    const input = {
      ...given({ target: { arch: 'aarch64' } }, { ...bootable, 'efi/systemd-bootaa64.efi': 'MZ' }),
      distribution: definition,
    };
    const { copies } = await systemdBootFiles(input, build.session(input.tree));
    expect(copies['/EFI/BOOT/BOOTAA64.EFI']?.path).toBe('/efi/systemd-bootaa64.efi');
  });

  it.each(['usr/lib/systemd/boot/efi/systemd-bootx64.efi', 'boot/initrd.img-6.12.9-amd64'])(
    'names %s when it is missing',
    async (missing) => {
      const input = given({}, Object.fromEntries(Object.entries(bootable).filter(([path]) => path !== missing)));
      await expect(systemdBootFiles(input, build.session(input.tree))).rejects.toMatchObject({
        code: 'ICT_IMAGE_BOOT_FILES',
        facts: { path: `/${missing}` },
      });
    },
  );
});

describe('unified kernel images', () => {
  const release = { 'etc/os-release': 'ID=debian\n' };
  const stub = { 'usr/lib/systemd/boot/efi/linuxx64.efi.stub': efiProgram() };
  const withStub = { ...bootable, ...release, ...stub };
  const uki: SpecChanges = { unifiedImage: true };

  it('are one for each kernel, where systemd-boot looks for them, and no entry is beside them', async () => {
    const input = given(uki, withStub);
    const { texts, copies, programs } = await systemdBootFiles(input, build.session(input.tree));
    expect(texts).toEqual({ '/loader/loader.conf': 'timeout 3\ndefault debian-6.12.10-amd64.efi\neditor no\n' });
    expect(Object.keys(copies).sort()).toEqual(['/EFI/BOOT/BOOTX64.EFI', '/EFI/systemd/systemd-bootx64.efi']);
    expect(Object.keys(programs).sort()).toEqual(['/EFI/Linux/debian-6.12.10-amd64.efi', '/EFI/Linux/debian-6.12.9-amd64.efi']);
    const { bytes, contents } = programs['/EFI/Linux/debian-6.12.9-amd64.efi']!;
    expect(contents.map(({ path }) => path)).toEqual(['/boot/initrd.img-6.12.9-amd64', '/boot/vmlinuz-6.12.9-amd64']);
    expect(bytes.map((part) => Buffer.from(part.bytes).toString())).toContain(`root=PARTUUID=${rootUuid} rw console=ttyS0`);
  });

  it('take the place of what packages left there, whatever the case', async () => {
    const input = given(uki, { ...withStub, 'boot/efi/EFI/LINUX/Debian-6.12.9-AMD64.efi': 'old' });
    const { fats } = await divideTree(input, build.ctx);
    expect(Object.keys(fats.get('boot')!.copies)).not.toContain('/EFI/LINUX/Debian-6.12.9-AMD64.efi');
  });

  it.each(['usr/lib/systemd/boot/efi/linuxx64.efi.stub', 'boot/initrd.img-6.12.9-amd64', 'boot/vmlinuz-6.12.10-amd64'])(
    'need %s, which is named when it is missing',
    async (missing) => {
      const input = given(uki, { ...withStub, [missing]: { link: 'nothing' } });
      await expect(systemdBootFiles(input, build.session(input.tree))).rejects.toMatchObject({
        code: 'ICT_IMAGE_BOOT_FILES',
        facts: { path: `/${missing}` },
      });
    },
  );
});

describe('GRUB', () => {
  it('has an entry for each kernel, the newest first, found by UUID', async () => {
    const input = given(grub);
    expect(await renderGrubConfig(input, build.session(input.tree))).toBe(
      `set default=0
set timeout=3

menuentry 'Debian 13, Linux 6.12.10-amd64' --id 6.12.10-amd64 {
  search --no-floppy --fs-uuid --set=root ${rootFs}
  linux /boot/vmlinuz-6.12.10-amd64 root=PARTUUID=${rootUuid} rw console=ttyS0
  initrd /boot/initrd.img-6.12.10-amd64
}

menuentry 'Debian 13, Linux 6.12.9-amd64' --id 6.12.9-amd64 {
  search --no-floppy --fs-uuid --set=root ${rootFs}
  linux /boot/vmlinuz-6.12.9-amd64 root=PARTUUID=${rootUuid} rw console=ttyS0
  initrd /boot/initrd.img-6.12.9-amd64
}
`,
    );
    expect(earlyConfig(input.spec, SEED)).toBe(`search.fs_uuid ${rootFs} root\nset prefix=($root)/boot/grub\n`);
  });

  it('quotes what its script language would read', async () => {
    const input = given({ ...grub, cmdline: 'a=$b;c init=/x' });
    expect(await renderGrubConfig(input, build.session(input.tree))).toContain(` rw 'a=$b;c' init=/x\n`);
  });

  it('looks on a separate /boot', async () => {
    const input = given({ ...grub, disk: { partitions: rootAndBoot } });
    const bootFs = partitionIdentity(SEED, 'bootfs').filesystemUuid;
    expect(await renderGrubConfig(input, build.session(input.tree))).toContain(`--set=root ${bootFs}\n  linux /vmlinuz-6.12.10-amd64 `);
    expect(earlyConfig(input.spec, SEED)).toBe(`search.fs_uuid ${bootFs} root\nset prefix=($root)/grub\n`);
  });

  it('looks on a FAT by its serial number, and for an initrd elsewhere', async () => {
    const definition = { ...distribution, boot: { ...distribution.boot, initrd: '/usr/lib/initrd-${kernelVersion}' } };
    const input = { ...given({ ...grub, disk: { partitions: [{ ...esp, mountPoint: '/boot' }, root] } }), distribution: definition };
    const fat = volumeUuid(partitionIdentity(SEED, 'boot').volumeId);
    const config = await renderGrubConfig(input, build.session(input.tree));
    expect(config).toContain(`--set=root ${fat}\n  linux /vmlinuz-6.12.10-amd64 `);
    expect(config).toContain(`--set=root ${rootFs}\n  initrd /usr/lib/initrd-6.12.10-amd64\n`);
  });
});

describe('divideTree', () => {
  it('gives each partition what lies below its mount point and not below a deeper one', async () => {
    const partitions = [
      esp,
      { ...root, endBytes: 50 * MIB },
      { ...root, id: 'var', startBytes: 50 * MIB, endBytes: 60 * MIB, mountPoint: '/var' },
      { ...root, id: 'log', startBytes: 60 * MIB, mountPoint: '/var/log' },
    ];
    const input = given({ disk: { partitions } }, { ...bootable, 'var/lib/state': 'state', 'var/log/journal/file': 'log' });
    const { trees } = await divideTree(input, build.ctx);
    const names = async (id: string, path: string) =>
      (await build.session(trees.get(id) as ImageInput['tree']).list(path)).map((entry) => entry.path);
    expect(await names('rootfs', '/')).toEqual(['/boot', '/etc', '/usr', '/var']);
    expect(await names('rootfs', '/var')).toEqual([]);
    expect(await names('var', '/var')).toEqual(['/var/lib', '/var/log']);
    expect(await names('var', '/var/log')).toEqual([]);
    expect(trees.get('log')).toBe(input.tree);
  });

  it('leaves the tree as it is when there is nothing to divide', async () => {
    const input = given();
    expect((await divideTree(input, build.ctx)).trees.get('rootfs')).toBe(input.tree);
  });

  it('puts what packages left at the mount point of a FAT onto it; the loader asked for wins, whatever the case', async () => {
    const input = given(
      {},
      { ...bootable, 'boot/efi/EFI/boot/bootx64.efi': 'old loader', 'boot/efi/startup.nsh': 'x', 'boot/efi/empty': null },
    );
    const { fats } = await divideTree(input, build.ctx);
    const content = fats.get('boot');
    expect(content?.directories).toEqual(['/EFI', '/EFI/boot', '/empty']);
    expect(content?.copies['/startup.nsh']).toEqual({ path: '/boot/efi/startup.nsh', sizeBytes: 1 });
    expect(Object.keys(content?.copies ?? {}).filter((path) => path.toLowerCase() === '/efi/boot/bootx64.efi')).toEqual([
      '/EFI/BOOT/BOOTX64.EFI',
    ]);
  });

  it.each(['ext4', 'ext3', 'vfat'] as const)('refuses a link that a command put where a %s is mounted', async (filesystem) => {
    const data = { ...root, id: 'data', filesystem, startBytes: 60 * MIB, mountPoint: '/srv/data' };
    const input = given(
      { disk: { partitions: [esp, { ...root, endBytes: 60 * MIB }, data] } },
      { ...bootable, 'srv/data': { link: '../etc' } },
    );
    await expect(divideTree(input, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_MOUNT_POINT',
      facts: { partition: 'data', path: '/srv/data', linkTarget: '../etc' },
    });
  });

  it.each<[string, Record<string, TreeContent>]>([
    ['a symbolic link', { 'boot/efi/link': { link: 'x' } }],
    ['two names that differ in case', { 'boot/efi/a': '', 'boot/efi/A': '' }],
  ])('refuses %s on a FAT', async (_, files) => {
    await expect(divideTree(given({}, { ...bootable, ...files }), build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_FAT_FILE',
      facts: { partition: 'boot' },
    });
  });

  it.each([
    [undefined, 'grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi '],
    [{ mkimage: 'grub2-mkimage', modules: '/usr/share/grub2' }, 'grub2-mkimage -O x86_64-efi -d /usr/share/grub2/x86_64-efi '],
  ] satisfies readonly [GrubNames | undefined, string][])(
    'has an image by the program and modules of the distribution: %j',
    async (names, start) => {
      const { packages } = distribution.tools;
      const input = {
        ...given(grub),
        distribution: { ...distribution, tools: { packages, ...(names === undefined ? {} : { grub: names }) } },
      };
      const directory = build.ctx.temporary;
      const ran: string[] = [];
      const run: BuildContext['tools']['run'] = async ({ argv }) => {
        ran.push(argv.join(' '));
        await writeFile(`${directory}/EFI/BOOT/BOOTX64.EFI`, 'MZ');
        return { exitCode: 0, stdout: '', stderr: '' };
      };
      await grubImage(input, directory, directory, { ...build.ctx, tools: { ...build.ctx.tools, run } });
      expect(ran).toEqual([expect.stringMatching(new RegExp(`^${start}`))]);
    },
  );
});

describe('grubModules', () => {
  it.each(['btrfs', 'xfs'] as const)('has that of a %s only where there is one', (filesystem) => {
    const plain = grubModules(imageSpec());
    expect(plain).toContain('ext2');
    expect(plain).not.toContain(filesystem);
    expect(grubModules(imageSpec({ disk: { partitions: [esp, { ...root, filesystem }] } }))).toEqual([...plain, filesystem]);
  });
});
