import { execFile } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { snakeoilKeys } from '@ict/fixtures';
import { hashFile } from '@ict/integrity';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  artifactOf,
  askRoot,
  build,
  ict,
  largerCopy,
  partitionOffset,
  realBuild,
  stepsOf,
  type IctResult,
  type RealBuild,
} from '../src/index.js';

const run = promisify(execFile);

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** It takes a third less of ours than two do, which wait for each other. The first image has the two that `ict boot` gives a machine. */
const ONE_PROCESSOR = ['--cpus', '1'];

let real: RealBuild;
beforeAll(async () => {
  real = await realBuild(inject('run'));
});

/**
 * Builds in the directories of the first build, after what the archive has now was built there, too: it may have published more meanwhile, of
 * which other packages are resolved.
 */
async function buildBesideFirst(template: string): Promise<IctResult> {
  const first = await build(real.template, real.places, ['--output', join(inject('run'), 'first-again')]);
  expect(first.status, first.stderr).toBe(0);
  const built = await build(template, real.places);
  expect(built.status, built.stderr).toBe(0);
  return built;
}

/** Changes a byte in the middle of the unified kernel image of a disk. @param esp where its EFI system partition begins. */
async function changeByte(disk: string, esp: number): Promise<void> {
  const partition = `${disk}@@${esp}`;
  const file = join(inject('run'), 'changed.efi');
  const path = (await run('mdir', ['-b', '-i', partition, '::/EFI/Linux'])).stdout.trim();
  await run('mcopy', ['-n', '-i', partition, path, file]);
  const bytes = await readFile(file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(file, bytes);
  await run('mcopy', ['-o', '-i', partition, file, path]);
}

interface TemplateParts {
  readonly target: object;
  readonly disk?: object;
  readonly systemConfig: { readonly packages: readonly string[]; readonly kernel: object };
}

/** A template beside that of the first build, as it is written. */
async function partsOf(name: string): Promise<TemplateParts> {
  return parse(await readFile(join(dirname(real.template), name), 'utf8')) as TemplateParts;
}

/** Boots an image until its unit has reported, and requires a sound report. @returns what its console said. */
async function bootedConsole(image: string, args: readonly string[] = []): Promise<string> {
  const boot = await ict(['boot', image, '--until', 'ICT-E2E-DONE', '--timeout', '300', ...args]);
  const console = boot.stdout + boot.stderr;
  expect(boot.status, console.slice(-3000)).toBe(0);
  expect(console).toMatch(/ICT-E2E ssh=active failed=0 host=ict-e2e admin=admin:600/);
  return console;
}

it('an image from the real archive boots to multi-user with ssh and without a failed unit, and stays unchanged by it', async () => {
  const console = await bootedConsole(real.raw.path);
  expect(console).toContain('ICT-E2E motd=$(id) `id` "quoted" \'single\' end');
  expect(console).toContain('ICT-E2E tree=from the tree: ict-e2e');
  expect((await hashFile(real.raw.path)).digest).toBe(real.raw.digest);
});

describe('the image from the real archive once more, started by GRUB from a larger disk, in the directories of the first build,', () => {
  let built: IctResult;
  beforeAll(async () => {
    const template = join(dirname(real.template), 'grub.yml');
    const { disk } = await partsOf('debian13-x86_64-minimal-raw.yml');
    await writeFile(
      template,
      stringify({
        extends: 'debian13-boot-marker.yml',
        image: { name: 'e2e-grub', version: '13' },
        target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
        disk: { ...disk, artifacts: [{ type: 'raw' }], extendLastPartitionToFillDisk: true },
        systemConfig: { name: 'grub', bootloader: { bootType: 'efi', provider: 'grub' } },
      }),
    );
    built = await buildBesideFirst(template);
  });

  it('takes all that it has in common with the image that systemd-boot starts from the cache', () => {
    expect(stepsOf(built, 'step.hit')).toContain('ict.base');
  });

  it('boots to multi-user, without a failed unit, and takes the whole disk', async () => {
    const image = await largerCopy(artifactOf(built, 'raw').path, join(inject('run'), 'larger.raw'), GIB);
    const console = await bootedConsole(image, ONE_PROCESSOR);
    expect(console).toMatch(/GRUB|Booting `/);
    const [, partition, filesystem, table] = /ICT-E2E root=(\d+) (\d+) table=(.*)/.exec(console) ?? [];
    // 3 GiB without the 257 MiB before it, and at most 1 MiB behind it.
    expect(Number(partition)).toBeGreaterThanOrEqual(3 * GIB - 258 * MIB);
    expect(Number(filesystem)).toBeGreaterThan(Number(partition) * 0.95);
    expect(table).toContain('No errors detected.');
  });
});

describe('the image from the real archive once more, for legacy firmware,', () => {
  const root = { id: 'root', type: 'linux', end: '0', fsType: 'ext4', mountPoint: '/' };
  const buildFor = async (partitionTableType: 'mbr' | 'gpt', partitions: readonly object[]): Promise<string> => {
    const template = join(dirname(real.template), `bios-${partitionTableType}.yml`);
    const disk = { size: '2GiB', partitionTableType, artifacts: [{ type: 'raw' }], partitions, extendLastPartitionToFillDisk: true };
    await writeFile(
      template,
      stringify({
        extends: 'debian13-boot-marker.yml',
        image: { name: `e2e-bios-${partitionTableType}`, version: '13' },
        target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
        disk,
        systemConfig: { name: 'bios', bootloader: { bootType: 'legacy', provider: 'grub' } },
      }),
    );
    return artifactOf(await buildBesideFirst(template), 'raw').path;
  };

  it('boots from a larger disk with an MBR to multi-user, without a failed unit, and takes the whole disk', async () => {
    const built = await buildFor('mbr', [{ ...root, start: '1MiB' }]);
    const console = await bootedConsole(await largerCopy(built, join(inject('run'), 'larger-mbr.raw'), GIB), ONE_PROCESSOR);
    expect(console).toMatch(/SeaBIOS[^]*GRUB loading/u);
    const [, partition, filesystem, table] = /ICT-E2E root=(\d+) (\d+) table=(.*)/.exec(console) ?? [];
    expect(Number(partition)).toBeGreaterThanOrEqual(3 * GIB - 2 * MIB);
    expect(Number(filesystem)).toBeGreaterThan(Number(partition) * 0.95);
    expect(table).toContain('No errors detected.');
  });

  it('starts its root from a disk with a GPT, and GRUB in a partition of that', async () => {
    const image = await buildFor('gpt', [
      { id: 'bios', type: 'bios', start: '1MiB', end: '2MiB' },
      { ...root, start: '2MiB' },
    ]);
    // Systemd says it, when the initrd has handed over; from there on it is the boot of the other image.
    const boot = await ict(['boot', image, '--until', 'Welcome to', '--timeout', '300', ...ONE_PROCESSOR]);
    expect(boot.status, (boot.stdout + boot.stderr).slice(-3000)).toBe(0);
    expect(boot.stdout + boot.stderr).toMatch(/GRUB loading/u);
  });
});

describe('the same system with a root that is verified', () => {
  const FILE = '/usr/share/ict-e2e-changed';
  const REPORT = [
    'exec > /dev/kmsg',
    'echo "<1>ICT-E2E source=$(findmnt -no SOURCE,FSTYPE /) table=$(dmsetup table root)"',
    'echo "<1>ICT-E2E places=$(for place in /etc /var /home /tmp; do findmnt -no FSTYPE $place; done | xargs)"',
    `echo "<1>ICT-E2E write=$(touch /usr/new 2>&1 || true) read=$(cat ${FILE} 2>&1 || true)"`,
    'echo "<1>ICT-E2E keys=$(ls /etc/ssh/ssh_host_*_key | wc -l) machine=$(findmnt -no FSTYPE -T /etc/machine-id) $(wc -c < /etc/machine-id)"',
  ].join('; ');

  let image: string;
  let rootHash: string;
  beforeAll(async () => {
    const template = join(dirname(real.template), 'immutable.yml');
    const partitions = [
      { id: 'boot', type: 'esp', start: '1MiB', end: '257MiB', fsType: 'fat32', mountPoint: '/boot/efi' },
      { id: 'rootfs', type: 'linux-root-amd64', start: '257MiB', end: '1537MiB', fsType: 'ext4', mountPoint: '/' },
      // As templates of the Go Image Composer Tool write it.
      { id: 'roothashmap', type: 'linux', start: '1537MiB', end: '1637MiB', fsType: 'ext4', mountPoint: 'none' },
      { id: 'userdata', type: 'linux', start: '1637MiB', end: '0', fsType: 'ext4', mountPoint: '/opt' },
    ];
    const unit = ['[Service]', `ExecStartPre=/bin/sh -c '${REPORT}'`, ''].join('\n');
    await writeFile(join(dirname(template), 'immutable.conf'), unit);
    await writeFile(
      template,
      stringify({
        extends: 'debian13-boot-marker.yml',
        image: { name: 'e2e-immutable', version: '13' },
        target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
        disk: { size: '2GiB', artifacts: [{ type: 'raw' }], partitions },
        systemConfig: {
          name: 'immutable',
          immutability: { enabled: true },
          additionalFiles: [{ local: 'immutable.conf', final: '/etc/systemd/system/ict-e2e.service.d/immutable.conf' }],
          configurations: [{ cmd: `echo as it was built > ${FILE}` }],
        },
      }),
    );
    image = artifactOf(await buildBesideFirst(template), 'raw').path;
    const [block] = (await askRoot(image, `blocks ${FILE}`)).trim().split(/\s+/u);
    await using file = await open(image, 'r+');
    const [rootOffset, espOffset] = await Promise.all([partitionOffset(image, 1), partitionOffset(image, 0)]);
    const { stdout } = await run('sh', ['-c', 'mtype -i "$1" "::/loader/entries/*.conf"', 'sh', `${image}@@${espOffset}`]);
    rootHash = /roothash=([0-9a-f]{64})/u.exec(stdout)?.[1] ?? 'none';
    const byte = Buffer.alloc(1);
    const at = rootOffset + Number(block) * 4096 + 1;
    await file.read(byte, 0, 1, at);
    expect(byte.toString()).toBe('s');
    await file.write('S', at);
  });

  it('boots, writes to its places, and refuses to read what was changed on the disk', async () => {
    const console = await bootedConsole(image, ONE_PROCESSOR);
    expect(console).toMatch(new RegExp(`ICT-E2E source=/dev/mapper/root ext4 table=0 \\d+ verity 1 .* sha256 ${rootHash} `, 'u'));
    expect(console).toMatch(/ICT-E2E places=overlay ext4 ext4 tmpfs/);
    expect(console).toMatch(/ICT-E2E write=.*Read-only file system read=.*Input\/output error/);
    expect(console).toMatch(/verity: .*data block \d+ is corrupted/);
    expect(console).toMatch(/ICT-E2E keys=3 machine=overlay 33/);
  });
});

it('the image once more, as a signed unified kernel image, starts its root under Secure Boot, and neither it with a changed byte nor the unsigned one does', async () => {
  const template = join(dirname(real.template), 'uki.yml');
  const keys = snakeoilKeys(inject('run'));
  const immutability = { secureBootDBKey: keys.key, secureBootDBCrt: keys.certificate, secureBootDBCer: keys.certificateDer };
  await writeFile(
    template,
    stringify({
      extends: 'debian13-boot-marker.yml',
      image: { name: 'e2e-uki', version: '13' },
      target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
      systemConfig: { name: 'uki', kernel: { uki: true }, immutability },
    }),
  );
  const built = await buildBesideFirst(template);
  expect(stepsOf(built, 'step.hit')).toContain('ict.initrd');
  // Systemd says it, when the initrd has handed over; from there on it is the boot of the first image.
  const image = artifactOf(built, 'raw').path;
  const secured = ['--until', 'Welcome to', '--timeout', '300', ...ONE_PROCESSOR, '--secure-boot', '--firmware-vars', keys.variables];
  const boot = await ict(['boot', image, ...secured]);
  const console = boot.stdout + boot.stderr;
  expect(boot.status, console.slice(-3000)).toBe(0);
  expect(console).toMatch(/Loaded initrd from LINUX_EFI_INITRD_MEDIA_GUID/u);
  expect(console).toMatch(/Secure boot enabled/u);

  await changeByte(image, await partitionOffset(image, 0));
  for (const refused of [image, real.raw.path]) {
    const { status, stdout, stderr } = await ict(['boot', refused, ...secured]);
    expect(status, (stdout + stderr).slice(-3000)).toBe(5);
    expect(stderr).toContain('ICT_BOOT_REFUSED');
    // The loader of the first is still accepted.
    expect(/Error loading .*\.efi: Access denied/iu.test(stdout + stderr)).toBe(refused === image);
  }
});

describe('the same system in memory, out of the packages of the first build,', () => {
  const buildOf = async (imageType: 'img' | 'iso'): Promise<IctResult> => {
    const [parent, marker] = await Promise.all(['debian13-x86_64-minimal-raw.yml', 'debian13-boot-marker.yml'].map(partsOf));
    // With the loader that a disk asks for by itself, the packages are those of the disk, and their layer is taken.
    const packages = [...[parent, marker].flatMap((part) => part?.systemConfig.packages ?? []), 'systemd-boot-efi'];
    const template = join(dirname(real.template), `${imageType}.yml`);
    const target = { ...marker?.target, imageType };
    const kernel = { ...parent?.systemConfig.kernel, ...marker?.systemConfig.kernel };
    const systemConfig = { ...parent?.systemConfig, ...marker?.systemConfig, name: imageType, packages, kernel };
    await writeFile(template, stringify({ image: { name: 'e2e-memory', version: '13' }, target, systemConfig }));
    const built = await buildBesideFirst(template);
    expect(stepsOf(built, 'step.hit')).toContain('ict.packages');
    return built;
  };

  it('boots from its initrd alone', async () => {
    await bootedConsole(artifactOf(await buildOf('img'), 'cpio').path, ONE_PROCESSOR);
  });

  it('is handed the same initrd from an ISO image, as a disc and as a disk', async () => {
    const iso = artifactOf(await buildOf('iso'), 'iso').path;
    // From there on it is the boot of its initrd alone; of disc or disk nobody knows any more.
    for (const how of [[], ['--as-disk']]) {
      const boot = await ict(['boot', iso, '--until', 'Loaded initrd from', '--timeout', '300', ...ONE_PROCESSOR, ...how]);
      expect(boot.status, (boot.stdout + boot.stderr).slice(-3000)).toBe(0);
    }
  });
});
