import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cut, efiProgram, execute, hostBuild, type HostBuild } from '@ict/fixtures';
import { memoryTree } from '@ict/plugin-testkit';
import { partitionIdentity } from '@ict/image-parts';
import type { FormatArtifact, ImageInput, ImageSpec, PartitionSpec, RequiredPackage } from '@ict/plugin-api';
import { kernelOptions } from '../src/boot-menu.js';
import { createDiskFormat } from '../src/format.js';
import { initrdModules } from '../src/initrd-modules.js';
import { MIB, SEED, bootable, distribution, esp, imageInput, imageSpec, root, type SpecChanges } from './support/specs.js';

const format = createDiskFormat();
const able = { ...distribution, boot: { ...distribution.boot, verityPackages: ['cryptsetup-bin'] } };
const smallRoot: PartitionSpec = { ...root, endBytes: 65 * MIB };
const hashes: PartitionSpec = {
  ...{ id: 'roothashmap', name: '', type: 'linux', filesystem: 'ext4', label: 'unused', mountPoint: 'none', flags: [] },
  ...{ startBytes: 65 * MIB, endBytes: 66 * MIB },
};
const data: PartitionSpec = { ...root, id: 'data', label: 'data', startBytes: 66 * MIB, mountPoint: '/opt', mountOptions: 'noatime' };
const uuid = (id: string): string => partitionIdentity(SEED, id).partitionUuid;

/** An immutable image, as templates ask for it. */
function immutable({ disk, ...changes }: SpecChanges = {}, hashPartition = 'roothashmap'): ImageSpec {
  const spec = imageSpec({ ...changes, disk: { partitions: [esp, smallRoot, hashes, data], ...disk } });
  return { ...spec, system: { ...spec.system, immutability: { hashPartition } } };
}
const withPartitions = (...partitions: readonly PartitionSpec[]): ImageSpec => immutable({ disk: { partitions } });

describe('an immutable image', () => {
  const position = { file: '/image.yml', line: 7, column: 3 };

  it('is accepted, with the packages and modules that its initrd needs', () => {
    const spec = { ...immutable(), positions: new Map([['systemConfig.immutability', position]]) };
    expect(format.check(spec, able)).toEqual([]);
    const verity: RequiredPackage = { name: 'cryptsetup-bin', reason: 'immutability', position };
    expect(format.requires(spec, able)).toEqual(['systemd-boot-efi', verity]);
    expect(format.requires(imageSpec(), able)).toEqual(['systemd-boot-efi']);
    expect(initrdModules(spec)).toEqual(['dm_verity']);
  });

  it('needs no program for the filesystem that its template gives to the hashes', () => {
    expect(format.tools(withPartitions(esp, smallRoot, { ...hashes, filesystem: 'ext3' }))).toEqual([]);
    expect(format.check(withPartitions(esp, smallRoot, { ...hashes, filesystem: 'btrfs' }), able)).toEqual([]);
  });

  const layout = 'ICT_DISK_LAYOUT';
  const unsupported = 'ICT_DISK_UNSUPPORTED';
  it.each<[string, ImageSpec, readonly (readonly [code: string, path: string, message: RegExp])[]]>([
    [
      'the hashes have too little room',
      withPartitions(
        esp,
        { ...root, endBytes: 66 * MIB + 80 * MIB },
        { ...hashes, startBytes: 146 * MIB, endBytes: 147 * MIB - 256 * 1024 },
      ),
      [[layout, 'disk.partitions[2].end', /"roothashmap" is too small for the hashes of "rootfs", which take 1 MiB/]],
    ],
    [
      'their partition is mounted',
      withPartitions(esp, smallRoot, { ...hashes, mountPoint: '/srv' }),
      [[unsupported, 'disk.partitions[2].mountPoint', /cannot be mounted at \/srv/]],
    ],
    [
      'the root is to be written to',
      withPartitions(esp, { ...smallRoot, mountOptions: 'noatime,rw' }, hashes),
      [[unsupported, 'disk.partitions[1].mountOptions', /"rootfs" is immutable, and cannot be mounted rw/]],
    ],
    [
      'its command line has another root and another start',
      immutable({ cmdline: 'quiet root=/dev/vda2 rw init=/bin/sh roothash=00 rd.break' }),
      [[unsupported, 'systemConfig.kernel.cmdline', /says root=\/dev\/vda2 rw init=\/bin\/sh roothash=00$/]],
    ],
    [
      'GRUB starts it',
      immutable({ bootloader: { provider: 'grub' } }),
      [['ICT_UNSUPPORTED_YET', 'systemConfig.bootloader.provider', /that GRUB starts is not supported yet/]],
    ],
    [
      'it has an MBR',
      immutable({ disk: { ...immutable().disk, partitionTable: 'mbr' } }),
      [['ICT_UNSUPPORTED_YET', 'disk.partitionTableType', /of a disk with an MBR is not supported yet/]],
    ],
  ])('is refused when %s', (_what, spec, expected) => {
    const sized = { ...spec, disk: { ...spec.disk, sizeBytes: 160 * MIB } };
    const places = expected.map(([, path]) => [path, { ...position, column: path.length }] as const);
    const problems = format.check({ ...sized, positions: new Map(places) }, able);
    expect(problems.map(({ code, position: at }) => [code, at?.column])).toEqual(expected.map(([code, path]) => [code, path.length]));
    for (const [index, [, , message]] of expected.entries()) expect(problems[index]?.message).toMatch(message);
  });

  it('is refused when its last partition is to grow', () => {
    const spec = immutable({
      disk: {
        growLastPartition: true,
        partitions: [esp, { ...hashes, startBytes: 41 * MIB, endBytes: 42 * MIB }, { ...root, startBytes: 42 * MIB }],
      },
    });
    const definition = { ...able, boot: { ...able.boot, growthPackages: [] } };
    expect(format.check(spec, definition).map(({ message }) => message)).toEqual([
      'the last partition cannot grow to fill the disk: the image is immutable',
    ]);
  });

  it('is not to be had of a definition that names no packages for it', () => {
    expect(format.check(immutable(), distribution)).toMatchObject([{ code: 'ICT_UNSUPPORTED_YET' }]);
  });

  it('counts the root hash when it looks at the length of the command line', () => {
    const added = Buffer.byteLength(kernelOptions({ spec: immutable({ cmdline: '' }), seed: SEED }));
    // A space, "roothash=" and 64 digits come with each.
    const longest = 'x'.repeat(2047 - added - 1 - 74);
    expect(format.check(immutable({ cmdline: longest }), able)).toEqual([]);
    expect(format.check(immutable({ cmdline: `${longest}x` }), able)).toMatchObject([{ code: unsupported }]);
  });
});

describe('the tree of an immutable image', () => {
  const FILES = { '/usr/lib/systemd/systemd': '', '/usr/bin/mount': '' };
  const OF_TOOLS = { '/usr/share/initramfs-tools/hook-functions': '', '/usr/sbin/veritysetup': '' };
  const OF_DRACUT = { '/usr/lib/dracut/dracut-functions.sh': '', '/usr/lib/systemd/systemd-veritysetup': '', '/usr/sbin/dmsetup': '' };
  const PROGRAM = '/usr/libexec/ict-writable-places';

  async function prepared(
    spec: ImageSpec,
    files: Readonly<Record<string, string>>,
  ): Promise<(path: string) => Promise<string | undefined>> {
    const tree = memoryTree({ files });
    await format.prepare({ spec, distribution: able, seed: SEED }, tree);
    return async (path) => {
      const bytes = await tree.read(path);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    };
  }

  it('mounts what is verified, and /tmp in memory', async () => {
    const read = await prepared(immutable(), { ...FILES, ...OF_TOOLS });
    expect((await read('/etc/fstab'))?.split('\n').slice(1)).toEqual([
      '/dev/mapper/root\t/\text4\tro\t0\t0',
      `PARTUUID=${uuid('data')}\t/opt\text4\tnoatime\t0\t2`,
      `PARTUUID=${uuid('boot')}\t/boot/efi\tvfat\tumask=0077\t0\t2`,
      'tmpfs\t/tmp\ttmpfs\tmode=1777,nosuid,nodev\t0\t0',
      '',
    ]);
    const own = await prepared(withPartitions(esp, smallRoot, hashes, { ...data, mountPoint: '/tmp' }), { ...FILES, ...OF_TOOLS });
    expect(await own('/etc/fstab')).not.toContain('tmpfs');
  });

  it('tells initramfs-tools how the root is opened, or else dracut', async () => {
    const HOOK = '/usr/share/initramfs-tools/hooks/ict-verified-root';
    const CONFIGURATION = '/etc/dracut.conf.d/60-image-composer-tool-immutability.conf';
    const tools = await prepared(immutable(), { ...FILES, ...OF_TOOLS, ...OF_DRACUT });
    expect(await tools(HOOK)).toContain('veritysetup');
    expect(await tools('/usr/share/initramfs-tools/scripts/local-block/ict-verified-root')).toContain('veritysetup open');
    expect(await tools(CONFIGURATION)).toBeUndefined();
    // Packages have hooks for a maker that is not there.
    const dracut = await prepared(immutable(), { ...FILES, ...OF_DRACUT, '/usr/share/initramfs-tools/hooks/dmsetup': '' });
    expect(await dracut(CONFIGURATION)).toBe('add_dracutmodules+=" systemd-veritysetup "\n');
    expect(await dracut(HOOK)).toBeUndefined();
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['systemd', { ...OF_TOOLS, '/usr/bin/mount': '' }],
    ['mount', { ...OF_TOOLS, '/usr/lib/systemd/systemd': '' }],
    ['veritysetup', { ...FILES, '/usr/share/initramfs-tools/hook-functions': '' }],
    ['systemd-veritysetup', { ...FILES, '/usr/lib/dracut/dracut-functions.sh': '', '/usr/sbin/dmsetup': '' }],
    ['dmsetup', { ...FILES, '/usr/lib/dracut/dracut-functions.sh': '', '/usr/lib/systemd/systemd-veritysetup': '' }],
  ])('is refused without %s', async (program, files) => {
    await expect(prepared(immutable(), files)).rejects.toMatchObject({ code: 'ICT_DISK_IMMUTABILITY', facts: { program } });
  });

  const at = (mountPoint: string, changes: Partial<PartitionSpec> = {}): PartitionSpec => ({
    ...data,
    id: mountPoint.slice(1),
    mountPoint,
    ...changes,
  });
  it.each<[string, readonly PartitionSpec[], readonly string[], string]>([
    ['a partition at /opt', [at('/data'), at('/opt')], ['overlay etc', 'keep var', 'keep home', 'keep root', 'keep srv'], uuid('opt')],
    ['partitions at /var and /home', [at('/opt'), at('/home'), at('/var')], ['overlay etc', 'keep root', 'keep srv'], uuid('var')],
    ['one anywhere else', [at('/data')], ['overlay etc', 'keep var', 'keep home', 'keep root', 'keep srv'], uuid('data')],
    [
      'none that is for it',
      [at('/boot'), at('/usr/local'), at('/tmp'), at('/opt', { mountOptions: 'ro' }), at('/srv', { filesystem: 'erofs' })],
      ['overlay etc', 'overlay var', 'overlay home', 'overlay root'],
      'tmpfs',
    ],
  ])('keeps what is written on %s', async (_what, partitions, calls, where) => {
    const program = await (await prepared(withPartitions(esp, smallRoot, hashes, ...partitions), { ...FILES, ...OF_TOOLS }))(PROGRAM);
    const found = [...(program?.matchAll(/^ {2}((?:overlay|keep) \w+)$/gmu) ?? [])].map(([, call]) => call);
    expect(found).toEqual(calls);
    expect(program).toMatch(new RegExp(`mount -t (?:ext4 .*)?${where}`, 'u'));
    expect(execFileSync('sh', ['-n', '-c', program as string], { encoding: 'utf8' })).toBe('');
  });
});

describe('the disk of an immutable image', () => {
  let build: HostBuild;
  let other: HostBuild;
  beforeEach(() => {
    build = hostBuild();
    other = hostBuild();
  });
  afterEach(() => {
    build.remove();
    other.remove();
  });

  const inputOn = (on: HostBuild): ImageInput => ({
    ...imageInput(on.tree({ ...bootable, opt: null })),
    spec: immutable(),
    distribution: able,
  });
  const make = async (on: HostBuild): Promise<FormatArtifact> => (await format.build(inputOn(on), on.steps, on.ctx))[0] as FormatArtifact;

  it('has the hashes of its root, and starts with the hash of these', async () => {
    const { blob } = await make(build);
    const disk = build.blobPath(blob);
    const part = (name: string, from: number, to: number): string =>
      cut(disk, from * MIB, (to - from) * MIB, join(build.ctx.temporary, name));
    const [fat, tree, verified] = [part('fat', 1, 41), part('tree', 65, 66), part('root', 41, 65)];
    const entry = (await execute('mtype', ['-i', fat, '::/loader/entries/debian-6.12.10-amd64.conf'])).stdout;
    const [, options = '', rootHash = ''] = /^options +(.*) roothash=([0-9a-f]{64})$/mu.exec(entry) ?? [];
    expect(options.split(' ').slice(0, 6)).toEqual([
      ...['root=/dev/mapper/root', 'ro', 'systemd.verity=1'],
      ...[`systemd.verity_root_data=PARTUUID=${uuid('rootfs')}`, `systemd.verity_root_hash=PARTUUID=${uuid('roothashmap')}`],
      'init=/usr/libexec/ict-writable-places',
    ]);
    const verify = async (): Promise<number> => (await execute('veritysetup', ['verify', verified, tree, rootHash])).exitCode;
    expect(await verify()).toBe(0);
    const bytes = readFileSync(verified);
    bytes[bytes.indexOf('minimal\n')]! ^= 1;
    writeFileSync(verified, bytes);
    expect(await verify()).not.toBe(0);
  });

  it('has its root hash beside it', async () => {
    const [raw, other, ...others] = await format.build(inputOn(build), build.steps, build.ctx);
    expect([other?.spec, other?.extension, others]).toEqual([undefined, 'roothash', []]);
    const text = readFileSync(build.blobPath((other as FormatArtifact).blob), 'latin1');
    expect(text).toMatch(/^[0-9a-f]{64}\n$/u);
    const fat = cut(build.blobPath((raw as FormatArtifact).blob), MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    expect((await execute('mtype', ['-i', fat, '::/loader/entries/debian-6.12.10-amd64.conf'])).stdout).toContain(` roothash=${text}`);
  });

  it('has the root hash in its unified kernel image, if it has one', async () => {
    const stub = { 'etc/os-release': 'ID=debian\n', 'usr/lib/systemd/boot/efi/linuxx64.efi.stub': efiProgram() };
    const spec = immutable({ unifiedImage: true });
    const tree = build.tree({ ...bootable, ...stub, opt: null });
    const [raw, rootHash] = (await format.build({ ...inputOn(build), spec, tree }, build.steps, build.ctx)).map(({ blob }) =>
      build.blobPath(blob),
    );
    const fat = cut(raw as string, MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    const image = join(build.ctx.temporary, 'linux.efi');
    await execute('mcopy', ['-i', fat, '::/EFI/Linux/debian-6.12.10-amd64.efi', image]);
    await execute('objcopy', ['-O', 'binary', '--dump-section', `.cmdline=${image}.cmdline`, image, '/dev/null']);
    const options = readFileSync(`${image}.cmdline`, 'latin1');
    expect(options).toContain('root=/dev/mapper/root ro ');
    expect(options).toContain(` roothash=${readFileSync(rootHash as string, 'latin1').trim()}`);
  });

  it('is the same in another directory, and another one for another root', async () => {
    const { blob } = await make(build);
    expect((await make(other)).blob.digest).toBe(blob.digest);
    const changed = { ...inputOn(other), tree: other.tree({ ...bootable, opt: null, 'etc/hostname': 'another\n' }) };
    expect((await format.build(changed, other.steps, other.ctx))[0]?.blob.digest).not.toBe(blob.digest);
  });
});
