import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryTree } from '@ict/plugin-testkit';
import { execute, hostBuild, type HostBuild } from '@ict/fixtures';
import type { FormatArtifact, ImageSpec, PartitionSpec, RequiredPackage } from '@ict/plugin-api';
import { checkDisk } from '../src/check-disk.js';
import { createDiskFormat } from '../src/format.js';
import { renderGrowthScript, type GrowingFamily, type KernelPlaces } from '../src/growth-script.js';
import { prepareKey, prepareTree } from '../src/prepare.js';
import { MIB, SEED, bootable, distribution, esp, imageInput, imageSpec, root } from './support/specs.js';

const growing = (partitions: readonly PartitionSpec[] = [esp, root]) => imageSpec({ disk: { growLastPartition: true, partitions } });
const able = { ...distribution, boot: { ...distribution.boot, growthPackages: ['fdisk', 'e2fsprogs'] } };
const PROGRAMS = { '/lib/systemd/systemd': '', '/usr/sbin/sfdisk': '', '/bin/partx': '', '/sbin/resize2fs': '' };

describe('a template whose last partition grows', () => {
  const position = { file: '/image.yml', line: 7, column: 3 };
  const said = (partitions?: readonly PartitionSpec[], definition = able) =>
    checkDisk({ ...growing(partitions), positions: new Map([['disk.extendLastPartitionToFillDisk', position]]) }, definition).map(
      ({ code, message, position: at }) => [code, message, at?.line],
    );
  const cannot = 'the last partition cannot grow to fill the disk:';

  it('is accepted, and gets the packages that its definition names', () => {
    expect(said()).toEqual([]);
    const spec = { ...growing(), positions: new Map([['disk', position]]) };
    const requires = (one: ImageSpec = spec, definition = able) => createDiskFormat().requires(one, definition);
    const growth = (name: string): RequiredPackage => ({ name, reason: 'growth', position });
    expect(requires()).toEqual(['systemd-boot-efi', growth('fdisk'), growth('e2fsprogs')]);
    expect(requires({ ...spec, ...imageSpec() })).toEqual(['systemd-boot-efi']);
    const brings = { ...able, boot: { ...able.boot, growthPackages: ['systemd-boot-efi'] } };
    expect(requires(spec, brings)).toEqual(['systemd-boot-efi']);
  });

  it('is not to be had of a definition that names none', () => {
    const message = 'the definition of Debian 13 names no packages by which a system enlarges its partition';
    expect(said([esp, root], distribution as typeof able)).toEqual([['ICT_UNSUPPORTED_YET', message, 7]]);
  });

  it.each<[string, PartitionSpec[], string]>([
    [
      'a swap area is last',
      [
        esp,
        { ...root, endBytes: 60 * MIB },
        { ...root, id: 'swap', type: 'swap', filesystem: 'linux-swap', startBytes: 60 * MIB, mountPoint: 'none' },
      ],
      'it is "swap", which is not mounted at /',
    ],
    [
      'nothing is on the last one, wherever it is listed',
      [
        esp,
        { ...root, id: 'spare', filesystem: 'none', label: '', startBytes: 60 * MIB, mountPoint: 'none' },
        { ...root, endBytes: 60 * MIB },
      ],
      'it is "spare", which is not mounted at /',
    ],
    [
      'it may not be written to',
      [esp, { ...root, mountOptions: 'rw,noatime,ro' }],
      'it is mounted read-only, and Linux enlarges what may be written to',
    ],
  ])('is refused when %s', (_what, partitions, why) => {
    expect(said(partitions)).toEqual([['ICT_DISK_UNSUPPORTED', `${cannot} ${why}`, 7]]);
  });

  it('is refused when nothing enlarges its filesystem', () => {
    expect(said([esp, { ...root, filesystem: 'vfat' }])).toContainEqual([
      'ICT_DISK_UNSUPPORTED',
      `${cannot} nothing enlarges the filesystem vfat when the system starts`,
      7,
    ]);
  });

  it.each(['ro,rw', 'errors=remount-ro', 'noatime', ''])('may be mounted with "%s"', (mountOptions) => {
    expect(said([esp, { ...root, mountOptions }])).toEqual([]);
  });
});

describe('the tree of an image that grows', () => {
  const prepared = async (files: Readonly<Record<string, string>>, spec = growing()) => {
    const tree = memoryTree({ files });
    await prepareTree({ spec, distribution: able, seed: SEED }, tree);
    return tree;
  };

  it('has a unit that runs the script before the system is up', async () => {
    const tree = await prepared(PROGRAMS);
    const wanted = await tree.stat('/etc/systemd/system/sysinit.target.wants/ict-grow-root.service');
    expect(wanted?.linkTarget).toBe('/etc/systemd/system/ict-grow-root.service');
    const unit = Buffer.from((await tree.read('/etc/systemd/system/ict-grow-root.service'))!).toString();
    const [, program = ''] = /^ExecStart=(.*)$/mu.exec(unit) ?? [];
    expect((await tree.stat(program))?.mode).toBe(0o755);
    expect(Buffer.from((await tree.read(program))!).toString()).toBe(renderGrowthScript('ext'));
  });

  it.each(['btrfs', 'xfs'] as const)('needs another program for a %s', async (filesystem) => {
    const spec = growing([esp, { ...root, filesystem }]);
    await expect(prepared(PROGRAMS, spec)).rejects.toMatchObject({ code: 'ICT_DISK_GROWTH', facts: { program: 'systemd-growfs' } });
    const others = Object.fromEntries(Object.entries(PROGRAMS).filter(([path]) => path !== '/sbin/resize2fs'));
    const tree = await prepared({ ...others, '/usr/lib/systemd/systemd-growfs': '' }, spec);
    expect(Buffer.from((await tree.read('/usr/libexec/ict-grow-root'))!).toString()).toBe(renderGrowthScript(filesystem));
  });

  it('has none of it when it does not grow', async () => {
    const paths = (await prepared(PROGRAMS, imageSpec())).listing();
    expect(paths.filter((line) => line.includes('grow'))).toEqual([]);
  });

  it.each([
    ['systemd', '/lib/systemd/systemd'],
    ['sfdisk', '/usr/sbin/sfdisk'],
    ['partx', '/bin/partx'],
    ['resize2fs', '/sbin/resize2fs'],
  ])('must have %s', async (program, path) => {
    const files = Object.fromEntries(Object.entries(PROGRAMS).filter(([name]) => name !== path));
    await expect(prepared(files)).rejects.toMatchObject({ code: 'ICT_DISK_GROWTH', facts: { program } });
  });

  it('is another one, and says so by its key', () => {
    const key = (spec = growing()) => JSON.stringify(prepareKey({ spec, distribution: able, seed: SEED }));
    expect(key()).not.toBe(key(imageSpec()));
  });
});

/** What the kernel shows of a disk that it started from, with the programs that the script calls. */
class Machine {
  readonly places: KernelPlaces;
  readonly disk: string;
  private readonly directory: string;
  private readonly kernel: string;

  private readonly table: 'gpt' | 'mbr';

  /** @param partitions start and size of each in sectors, the root last. */
  constructor(
    directory: string,
    image: string,
    partitions: readonly (readonly [start: number, size: number])[],
    table: 'gpt' | 'mbr' = 'gpt',
  ) {
    this.directory = directory;
    this.table = table;
    const at = (...path: string[]): string => join(directory, ...path);
    this.places = { mounts: at('mountinfo'), devices: at('block'), nodes: at('dev'), names: at('names') };
    this.disk = at('dev', 'sda');
    this.kernel = at('devices', 'sda');
    for (const path of [at('block'), at('dev'), at('programs'), join(this.kernel, 'queue')]) mkdirSync(path, { recursive: true });
    cpSync(image, this.disk);
    partitions.forEach(([start, size], index) => {
      const place = join(this.kernel, `sda${index + 1}`);
      mkdirSync(place);
      for (const [name, value] of Object.entries({ partition: index + 1, start, size })) writeFileSync(join(place, name), `${value}\n`);
    });
    const rootPlace = join(this.kernel, `sda${partitions.length}`);
    symlinkSync(rootPlace, at('block', '8:9'));
    mkdirSync(at('names'));
    symlinkSync(rootPlace, at('names', `sda${partitions.length}`));
    writeFileSync(join(rootPlace, 'dev'), '8:9\n');
    this.mount('8:9');
    this.program('sfdisk', `echo sfdisk >> '${at('called')}'\nexec /usr/sbin/sfdisk "$@"`);
    // As the kernel would: it has the new size when it is told of this partition, and not before.
    const size = `/usr/sbin/sfdisk --dump '${this.disk}' | sed -n 's/.*size= *\\([0-9]*\\).*/\\1/p' | tail -n 1`;
    this.program('partx', `echo partx "$@" >> '${at('called')}'\n${size} > '${rootPlace}/size'`);
    for (const name of ['resize2fs', 'systemd-growfs']) this.program(name, `echo ${name} "$@" >> '${at('called')}'`);
  }

  program(name: string, text: string): void {
    const path = join(this.directory, 'programs', name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }

  mount(numbers: string, source = 'ext4 /dev/root'): void {
    const mounts = [`1 0 0:2 / /proc rw - proc proc rw`, `2 0 ${numbers} / / rw - ${source} rw`, `3 2 8:1 / /boot/efi rw - vfat sda1 rw`];
    writeFileSync(this.places.mounts, `${mounts.join('\n')}\n`);
  }

  /** Gives the disk a size in bytes. */
  resize(sizeBytes: number): void {
    truncateSync(this.disk, sizeBytes);
    writeFileSync(join(this.kernel, 'size'), `${sizeBytes / 512}\n`);
  }

  /** Starts the script. @returns its exit status, and what it called. */
  async start(family: GrowingFamily = 'ext'): Promise<{ readonly exitCode: number; readonly called: readonly string[] }> {
    const called = join(this.directory, 'called');
    writeFileSync(called, '');
    const script = join(this.directory, 'script');
    writeFileSync(script, renderGrowthScript(family, { table: this.table, places: this.places }));
    const { exitCode } = await execute('/bin/sh', [script], { PATH: `${join(this.directory, 'programs')}:/usr/bin:/bin` });
    return { exitCode, called: readFileSync(called, 'utf8').split('\n').filter(Boolean) };
  }
}

interface Table {
  readonly partitiontable: {
    readonly lastlba: number;
    readonly partitions: readonly { readonly start: number; readonly size: number }[];
  };
}

describe('the script', () => {
  const SIZE = 24 * MIB;
  const LARGER = 40 * MIB;
  const SECTOR = 512;
  const ESP: readonly [number, number] = [MIB / SECTOR, (8 * MIB) / SECTOR];
  const ROOT: readonly [number, number] = [(9 * MIB) / SECTOR, (15 * MIB) / SECTOR - 33];
  const partitions: PartitionSpec[] = [
    { ...esp, filesystem: 'fat16', endBytes: 9 * MIB },
    { ...root, startBytes: 9 * MIB },
  ];
  let build: HostBuild;
  let machine: Machine;
  beforeEach(async () => {
    build = hostBuild();
    const [raw] = await createDiskFormat().build(
      imageInput(build.tree(bootable), { disk: { sizeBytes: SIZE, partitions } }),
      build.steps,
      build.ctx,
    );
    machine = new Machine(join(build.ctx.temporary, 'machine'), build.blobPath((raw as FormatArtifact).blob), [ESP, ROOT]);
    machine.resize(SIZE);
  });
  afterEach(() => build.remove());

  const table = async (): Promise<Table> => JSON.parse((await execute('sfdisk', ['--json', machine.disk])).stdout) as Table;
  const rootOnly = () => [`resize2fs ${join(machine.places.nodes, 'sda2')}`];

  /** Bytes of the disk from the first partition to where the last one ended. */
  function contents(): Buffer {
    const file = openSync(machine.disk, 'r');
    try {
      const bytes = Buffer.alloc((ROOT[0] + ROOT[1] - ESP[0]) * SECTOR);
      readSync(file, bytes, 0, bytes.length, MIB);
      return bytes;
    } finally {
      closeSync(file);
    }
  }

  it('moves the end of the root and of the table to that of the disk, and nothing else', async () => {
    const before = { table: await table(), contents: contents() };
    machine.resize(LARGER);
    expect(await machine.start()).toEqual({ exitCode: 0, called: ['sfdisk', `partx --update --nr 2 ${machine.disk}`, ...rootOnly()] });
    const after = await table();
    const end = LARGER / SECTOR - 34;
    const [first, last] = after.partitiontable.partitions;
    expect([after.partitiontable.lastlba, last!.start + last!.size - 1]).toEqual([
      end,
      expect.toSatisfy((lba: number) => lba <= end && lba > end - 2048),
    ]);
    expect({ ...after.partitiontable, lastlba: 0, partitions: [first, { ...last, size: 0 }] }).toEqual({
      ...before.table.partitiontable,
      lastlba: 0,
      partitions: [before.table.partitiontable.partitions[0], { ...before.table.partitiontable.partitions[1], size: 0 }],
    });
    expect(contents().equals(before.contents)).toBe(true);
    const verified = await execute('sfdisk', ['--verify', machine.disk]);
    expect([verified.exitCode, verified.stderr]).toEqual([0, '']);
    expect(verified.stdout).toContain('No errors detected');
  });

  it('moves the end of the root in an MBR, as far as that reaches, and keeps its signature and what is active', async () => {
    const ofMbr = partitions.map((one) => ({ ...one, flags: one.mountPoint === '/' ? ['boot'] : [] }));
    const [raw] = await createDiskFormat().build(
      imageInput(build.tree(bootable), { disk: { partitionTable: 'mbr', sizeBytes: SIZE, partitions: ofMbr } }),
      build.steps,
      build.ctx,
    );
    const shown = [ESP, [ROOT[0], (15 * MIB) / SECTOR]] as const;
    machine = new Machine(join(build.ctx.temporary, 'mbr'), build.blobPath((raw as FormatArtifact).blob), shown, 'mbr');
    const before = await table();
    expect(before.partitiontable.partitions[1]).toMatchObject({ bootable: true });
    const grown = { exitCode: 0, called: ['sfdisk', `partx --update --nr 2 ${machine.disk}`, ...rootOnly()] };
    const end = async (): Promise<number> => {
      const [first, last] = (await table()).partitiontable.partitions;
      expect([first, { ...last, size: 0 }]).toEqual([
        before.partitiontable.partitions[0],
        { ...before.partitiontable.partitions[1], size: 0 },
      ]);
      return last!.start + last!.size;
    };
    for (const [sizeBytes, sectors] of [
      [LARGER, LARGER / SECTOR],
      [3 * 2 ** 40, 2 ** 32],
    ] as const) {
      machine.resize(sizeBytes);
      expect(await machine.start()).toEqual(grown);
      expect(await end()).toSatisfy((lba: number) => lba <= sectors && lba > sectors - 4096);
      expect(await machine.start()).toEqual({ exitCode: 0, called: rootOnly() });
    }
    expect({ ...(await table()).partitiontable, partitions: [] }).toEqual({ ...before.partitiontable, partitions: [] });
  });

  it('finds the partition of a btrfs by its name, and enlarges that', async () => {
    machine.mount('0:25', 'btrfs /dev/sda2');
    machine.resize(LARGER);
    const grown = ['sfdisk', `partx --update --nr 2 ${machine.disk}`, 'systemd-growfs /'];
    expect(await machine.start('btrfs')).toEqual({ exitCode: 0, called: grown });
    expect(await machine.start('btrfs')).toEqual({ exitCode: 0, called: ['systemd-growfs /'] });
    machine.mount('0:25', 'btrfs /dev/mapper/other');
    expect(await machine.start('btrfs')).toEqual({ exitCode: 0, called: [] });
  });

  it('enlarges an xfs by the program of systemd', async () => {
    machine.resize(LARGER);
    const grown = ['sfdisk', `partx --update --nr 2 ${machine.disk}`, 'systemd-growfs /'];
    expect(await machine.start('xfs')).toEqual({ exitCode: 0, called: grown });
    expect(await machine.start('xfs')).toEqual({ exitCode: 0, called: ['systemd-growfs /'] });
  });

  it('leaves a partition alone that has grown, and one with nothing behind it', async () => {
    const before = readFileSync(machine.disk);
    expect(await machine.start()).toEqual({ exitCode: 0, called: rootOnly() });
    machine.resize(SIZE + MIB);
    expect(await machine.start()).toEqual({ exitCode: 0, called: rootOnly() });
    machine.resize(SIZE);
    expect(readFileSync(machine.disk).equals(before)).toBe(true);
    machine.resize(LARGER);
    await machine.start();
    const grown = readFileSync(machine.disk);
    expect(await machine.start()).toEqual({ exitCode: 0, called: rootOnly() });
    expect(readFileSync(machine.disk).equals(grown)).toBe(true);
  });

  it('touches no table with a partition behind the root', async () => {
    const third: readonly [number, number] = [(36 * MIB) / SECTOR, 2048];
    const image = machine.disk;
    machine = new Machine(join(build.ctx.temporary, 'other'), image, [third, ROOT]);
    machine.resize(LARGER);
    const before = readFileSync(machine.disk);
    expect(await machine.start()).toEqual({ exitCode: 0, called: rootOnly() });
    expect(readFileSync(machine.disk).equals(before)).toBe(true);
  });

  it('does nothing where the root is on no partition', async () => {
    machine.resize(LARGER);
    machine.mount('0:33');
    expect(await machine.start()).toEqual({ exitCode: 0, called: [] });
  });

  it('fails, and leaves the filesystem to the next start, when the kernel keeps the old size', async () => {
    machine.resize(LARGER);
    machine.program('partx', 'exit 0');
    expect(await machine.start()).toEqual({ exitCode: 1, called: ['sfdisk'] });
  });

  it('fails with the program that fails', async () => {
    machine.resize(LARGER);
    machine.program('resize2fs', 'exit 3');
    expect((await machine.start()).exitCode).toBe(3);
    machine.program('sfdisk', 'exit 5');
    machine.resize(LARGER + 16 * MIB);
    expect((await machine.start()).exitCode).toBe(5);
  });
});
