import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILD_EPOCH, cut, execute, hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import type { Digest, DistributionDefinition, FormatArtifact, ImageInput, ImageSpec, Json, StepRunner, TreeRef } from '@ict/plugin-api';
import { checkInitrd } from '../src/check-initrd.js';
import { checkIso } from '../src/check-iso.js';
import { createInitrdFormat } from '../src/initrd-format.js';
import { ISO_BLOCK_BYTES } from '../src/iso-9660.js';
import { createIsoFormat } from '../src/iso-format.js';
import { extractIso } from './support/extract-iso.js';
import { settleTimes } from './support/everything.js';
import { distribution, imageInput, imageSpec, live, type SpecChanges } from './support/specs.js';

const MIB = 1024 * 1024;
let build: HostBuild;
let base: string;
beforeEach(() => {
  build = hostBuild();
  base = mkdtempSync(join(tmpdir(), 'ict-iso-test-'));
});
afterEach(() => {
  build.remove();
  rmSync(base, { recursive: true, force: true });
});

const isoSpec = (changes: SpecChanges = {}): SpecChanges => ({ imageType: 'iso', ...changes });
const compressed = (compression: 'zstd' | 'xz'): SpecChanges => isoSpec({ disk: { artifacts: [{ type: 'iso', compression }] } });

async function isoOf(tree: TreeRef, changes: SpecChanges = isoSpec(), on = build, steps: StepRunner = on.steps): Promise<string> {
  const [artifact, ...others] = await createIsoFormat().build(imageInput(tree, changes), steps, on.ctx);
  expect([artifact?.extension, others]).toEqual(['iso', []]);
  return on.blobPath((artifact as FormatArtifact).blob);
}

interface Partition {
  readonly start: number;
  readonly size: number;
}

/** The one partition of an image, in sectors. */
async function partitionOf(image: string): Promise<Partition> {
  const { stdout } = await execute('sfdisk', ['--json', image]);
  const { label, partitions } = (JSON.parse(stdout) as { partitiontable: { label: string; partitions: (Partition & { type: string })[] } })
    .partitiontable;
  expect([label, partitions.map(({ type }) => type)]).toEqual(['gpt', ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B']]);
  return partitions[0] as Partition;
}

/** The EFI System Partition as a file of its own. */
async function espOf(image: string): Promise<string> {
  const { start, size } = await partitionOf(image);
  return cut(image, start * 512, size * 512, join(base, 'esp'));
}

describe('an ISO image', () => {
  const kernel = 'the newer kernel';

  it('has loader, kernel and the initrd of image type img, for who reads ISO 9660 and who reads FAT', async () => {
    const tree = build.tree({ ...live, 'var/data': Buffer.alloc(3 * MIB, 'data') });
    const image = await isoOf(tree);
    const [initrd] = await createInitrdFormat().build(imageInput(tree), build.steps, build.ctx);
    const files = await extractIso(image);
    expect([...files.keys()].sort()).toEqual(
      ['/EFI/BOOT/BOOTX64.EFI', '/LIVE/INITRD.IMG', '/LIVE/VMLINUZ', '/LOADER/ENTRIES/LIVE.CONF', '/LOADER/LOADER.CONF'].sort(),
    );
    expect(files.get('/LIVE/INITRD.IMG')?.equals(readFileSync(build.blobPath((initrd as FormatArtifact).blob)))).toBe(true);
    expect([files.get('/LIVE/VMLINUZ')?.toString(), files.get('/EFI/BOOT/BOOTX64.EFI')?.toString()]).toEqual([kernel, 'MZ, a loader']);
    const esp = await espOf(image);
    for (const [path, content] of files) {
      const out = join(base, 'copied');
      await execute('mcopy', ['-n', '-i', esp, `::${path}`, out]);
      expect([path, readFileSync(out).equals(content)]).toEqual([path, true]);
    }
  });

  it('tells systemd-boot to start that kernel at once, with the command line of the template', async () => {
    const esp = await espOf(await isoOf(build.tree(live)));
    expect((await execute('mtype', ['-i', esp, '::/loader/loader.conf'])).stdout).toBe('timeout 0\ndefault live.conf\neditor no\n');
    expect((await execute('mtype', ['-i', esp, '::/loader/entries/live.conf'])).stdout.split('\n')).toEqual([
      'title Debian 13',
      'version 6.12.10-amd64',
      'sort-key debian',
      'linux /live/vmlinuz',
      'initrd /live/initrd.img',
      'options console=ttyS0',
      '',
    ]);
  });

  it('is found by UEFI on a disc and on a disk, and its partition ends with the volume', async () => {
    const image = await isoOf(build.tree(live));
    const { start, size } = await partitionOf(image);
    const { stdout } = await execute('xorriso', ['-abort_on', 'WARNING', '-indev', image, '-report_el_torito', 'plain']);
    expect(stdout).toMatch(new RegExp(`El Torito boot img : +1 +UEFI +y +none +0x0000 +0x00 +0 +${start / 4}\\n`, 'u'));
    const bytes = readFileSync(image);
    expect(bytes.readUInt32LE(16 * ISO_BLOCK_BYTES + 80)).toBe((start + size) / 4);
    expect(bytes.length % ISO_BLOCK_BYTES).toBe(0);
    const check = await execute('sfdisk', ['--verify', image]);
    expect(check.stdout + check.stderr).toContain('No errors detected');
    const fat = await execute('fsck.fat', ['-nv', await espOf(image)]);
    expect([fat.exitCode, /warning/iu.exec(fat.stdout)]).toEqual([0, null]);
  });

  it('has the name of the image as its label, and the epoch for every time', async () => {
    const volume = readFileSync(await isoOf(build.tree(live))).subarray(16 * ISO_BLOCK_BYTES);
    expect(volume.toString('latin1', 40, 72)).toBe('MINIMAL'.padEnd(32));
    const time = new Date(BUILD_EPOCH * 1000).toISOString().replace(/\D/gu, '').slice(0, 14);
    expect([volume.toString('latin1', 813, 829), volume.toString('latin1', 830, 846)]).toEqual([`${time}00`, `${time}00`]);
  });

  it('is the same in another directory, and made once', async () => {
    const other = hostBuild();
    try {
      const bytesOf = async (on: HostBuild): Promise<Buffer> => {
        const tree = on.tree(live);
        settleTimes(on.directory(tree));
        return readFileSync(await isoOf(tree, isoSpec(), on));
      };
      const first = await bytesOf(build);
      expect(first.equals(await bytesOf(other))).toBe(true);
      expect(first.equals(await bytesOf(build))).toBe(true);
      expect(build.steps.ran).toEqual(['initrd.assemble', 'initrd.compress', 'iso.assemble']);
    } finally {
      other.remove();
    }
  });

  const ofSpec = (changes: (spec: ImageSpec) => Partial<ImageSpec>) => (input: ImageInput) => ({
    spec: { ...input.spec, ...changes(input.spec) },
  });
  const ofDefinition = (changes: Partial<DistributionDefinition>) => () => ({ distribution: { ...distribution, ...changes } });
  const otherLoader = { 'systemd-boot': { efi: '/usr/lib/other.efi', package: 'other' } };

  it.each<[string, (input: ImageInput) => Partial<ImageInput>, number?]>([
    ['name', ofSpec(({ image }) => ({ image: { ...image, name: 'other' } }))],
    ['system', ofSpec(({ target }) => ({ target: { ...target, os: 'other' } }))],
    ['processor', ofSpec(({ target }) => ({ target: { ...target, arch: 'aarch64' } }))],
    ['command line', ofSpec(({ system }) => ({ system: { ...system, kernel: { ...system.kernel, cmdline: 'quiet' } } }))],
    ['compression', ofSpec(({ disk }) => ({ disk: { ...disk, artifacts: [{ type: 'iso', compression: 'zstd' }] } }))],
    ['lock', () => ({ seed: `sha256:${'00'.repeat(32)}` as Digest })],
    ['title', ofDefinition({ title: 'Other' })],
    ['kernel', ofDefinition({ boot: { ...distribution.boot, kernel: '/boot/vmlinuz-6.12.9*' } })],
    ['loader', ofDefinition({ boot: { ...distribution.boot, loaders: otherLoader } })],
    ['time', () => ({}), BUILD_EPOCH - 10],
  ])('with another %s is what it would be without a cache', async (_what, changes, epochSeconds = BUILD_EPOCH) => {
    const loaders = { 'usr/lib/systemd/boot/efi/systemd-bootaa64.efi': 'MZ, for arm64', 'usr/lib/other.efi': 'MZ, another loader' };
    const usual = imageInput(build.tree({ ...live, ...loaders }), isoSpec());
    const changed = { ...usual, ...changes(usual) };
    const digestOf = async (input: ImageInput, steps: StepRunner, seconds: number): Promise<Digest | undefined> => {
      const [artifact] = await createIsoFormat().build(input, steps, { ...build.ctx, epochSeconds: seconds });
      return artifact?.blob.digest;
    };
    const anew = await digestOf(changed, { step: (_type, _version, _key, run) => run() }, epochSeconds);
    expect(await digestOf(usual, build.steps, BUILD_EPOCH)).not.toBe(anew);
    expect(await digestOf(changed, build.steps, epochSeconds)).toBe(anew);
  });

  it('has its initrd compressed as the template says', async () => {
    const tree = build.tree(live);
    await isoOf(tree);
    const zstd = (await extractIso(await isoOf(tree, compressed('zstd')))).get('/LIVE/INITRD.IMG');
    expect(zstd?.readUInt32LE(0)).toBe(0xfd2f_b528);
    writeFileSync(join(base, 'initrd.xz'), (await extractIso(await isoOf(tree, compressed('xz')))).get('/LIVE/INITRD.IMG') as Buffer);
    expect((await execute('xz', ['--list', '--verbose', join(base, 'initrd.xz')])).stdout).toContain('CRC32');
    expect(build.steps.ran.filter((step) => step === 'initrd.assemble')).toHaveLength(1);
  });

  it('starts what UEFI asks for on other processors', async () => {
    const tree = build.tree({ ...live, 'usr/lib/systemd/boot/efi/systemd-bootaa64.efi': 'MZ, for arm64' });
    const files = await extractIso(await isoOf(tree, isoSpec({ arch: 'aarch64' })));
    expect(files.get('/EFI/BOOT/BOOTAA64.EFI')?.toString()).toBe('MZ, for arm64');
    expect(files.has('/EFI/BOOT/BOOTX64.EFI')).toBe(false);
  });

  it.each<[string, Record<string, TreeContent | null>, string]>([
    ['a loader', { 'usr/lib/systemd/boot/efi/systemd-bootx64.efi': null }, 'systemd-boot loader'],
    ['a kernel', { 'boot/vmlinuz-6.12.9-amd64': null, 'boot/vmlinuz-6.12.10-amd64': null }, 'kernel'],
    ['an init', { 'usr/sbin/init': null }, 'init'],
  ])('is refused without %s', async (_, changes, names) => {
    await expect(isoOf(build.tree({ ...live, ...changes }))).rejects.toMatchObject({
      code: 'ICT_IMAGE_BOOT_FILES',
      message: expect.stringContaining(names),
    });
    expect(readdirSync(build.ctx.temporary)).toEqual([]);
  });

  it('is refused with an initrd of 4 GiB', async () => {
    const large: StepRunner = {
      step: async (type, version, key, run) => {
        const result = await build.steps.step(type, version, key, run);
        if (type !== 'initrd.compress') return result;
        const { blob } = result as unknown as { readonly blob: { readonly [name: string]: Json } };
        return { blob: { ...blob, sizeBytes: 2 ** 32 } } as unknown as typeof result;
      },
    };
    await expect(isoOf(build.tree(live), isoSpec(), build, large)).rejects.toMatchObject({
      code: 'ICT_IMAGE_FILE_TOO_LARGE',
      facts: { sizeBytes: 2 ** 32 },
    });
  });
});

describe('checkIso', () => {
  it('says where each problem is, and what installers ask for', () => {
    const at = (line: number) => ({ file: 'template.yml', line, column: 3 });
    const positions = new Map([
      ['systemConfig.bootloader.provider', at(3)],
      ['disk.artifacts[0].type', at(7)],
      ['disk.path', at(8)],
      ['disk.selectionPolicy', at(9)],
      ['disk.partitions', at(10)],
    ]);
    const partitions = [{ id: 'a', name: 'a', type: 'linux', filesystem: 'ext4' as const, startBytes: 0, flags: [] }];
    const selectionPolicy = { strategy: 'largest' as const, excludeRemovable: false, requireEmpty: false };
    const disk = { artifacts: [{ type: 'raw' as const }], device: '/dev/sda', selectionPolicy, partitions };
    const spec = imageSpec(isoSpec({ disk, bootloader: { provider: 'grub' }, kernel: { cmdline: 'a\nb' }, positions }));
    expect(checkIso(spec, distribution).map(({ code, position }) => [code, position?.line])).toEqual([
      ['ICT_UNSUPPORTED_YET', 3],
      ['ICT_IMAGE_UNSUPPORTED', 7],
      ['ICT_UNSUPPORTED_YET', 8],
      ['ICT_UNSUPPORTED_YET', 9],
      ['ICT_UNSUPPORTED_YET', 10],
      ['ICT_IMAGE_UNSUPPORTED', undefined],
    ]);
  });

  it.each([
    ['a disc', isoSpec, checkIso],
    ['an initrd', (changes: SpecChanges) => changes, checkInitrd],
  ])('has no unified kernel image and no signed boot files yet, and says so at their lines: %s', (_what, specOf, check) => {
    const positions = new Map(
      ['systemConfig.kernel.uki', 'systemConfig.immutability.secureBootDBKey'].map((path, index) => [
        path,
        { file: 'a.yml', line: index + 1, column: 1 },
      ]),
    );
    const secureBoot = { keyFile: '/db.key', certificate: '' };
    const spec = imageSpec(specOf({ kernel: { unifiedImage: true }, secureBoot, positions }));
    expect(check(spec, distribution).map(({ code, position }) => [code, position?.line])).toEqual([
      ['ICT_UNSUPPORTED_YET', 1],
      ['ICT_UNSUPPORTED_YET', 2],
    ]);
  });

  it('needs a definition that says where systemd-boot is', () => {
    const { message = '' } = checkIso(imageSpec(isoSpec()), { ...distribution, boot: { ...distribution.boot, loaders: {} } })[0] ?? {};
    expect(message).toContain('the definition of Debian 13 does not say where its systemd-boot is');
    expect(createIsoFormat().requires(imageSpec(isoSpec()), distribution)).toEqual(['systemd-boot-efi']);
  });
});
