import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILD_EPOCH, cut, execute, hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import type { Digest, DistributionDefinition, FormatArtifact, ImageInput, ImageSpec, Json, StepRunner, TreeRef } from '@ict/plugin-api';
import { checkInitrd } from '../src/check-initrd.js';
import { checkIso } from '../src/check-iso.js';
import { createInitrdFormat } from '../src/initrd-format.js';
import { ISO_BLOCK_BYTES, encodeIso9660, type IsoVolume } from '../src/iso-9660.js';
import { createIsoFormat } from '../src/iso-format.js';
import { layOutIso, type IsoContent } from '../src/iso-layout.js';
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

/** All files that xorriso finds in an image, by their paths. */
async function filesOf(image: string): Promise<ReadonlyMap<string, Buffer>> {
  const to = mkdtempSync(join(base, 'extracted-'));
  const { exitCode, stderr } = await execute('xorriso', ['-osirrox', 'on', '-abort_on', 'WARNING', '-indev', image, '-extract', '/', to]);
  expect(exitCode, stderr).toBe(0);
  const entries = readdirSync(to, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map(({ parentPath, name }) => [join(parentPath, name).slice(to.length), readFileSync(join(parentPath, name))] as const),
  );
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
    const files = await filesOf(image);
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
    const zstd = (await filesOf(await isoOf(tree, compressed('zstd')))).get('/LIVE/INITRD.IMG');
    expect(zstd?.readUInt32LE(0)).toBe(0xfd2f_b528);
    writeFileSync(join(base, 'initrd.xz'), (await filesOf(await isoOf(tree, compressed('xz')))).get('/LIVE/INITRD.IMG') as Buffer);
    expect((await execute('xz', ['--list', '--verbose', join(base, 'initrd.xz')])).stdout).toContain('CRC32');
    expect(build.steps.ran.filter((step) => step === 'initrd.assemble')).toHaveLength(1);
  });

  it('starts what UEFI asks for on other processors', async () => {
    const tree = build.tree({ ...live, 'usr/lib/systemd/boot/efi/systemd-bootaa64.efi': 'MZ, for arm64' });
    const files = await filesOf(await isoOf(tree, isoSpec({ arch: 'aarch64' })));
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

describe('layOutIso', () => {
  const file = (target: string, sizeBytes: number): IsoContent => ({ target, sizeBytes, from: { initrd: true } });

  it('has room for files of any size, each from a block of ISO 9660 on', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 20 * MIB }), fc.integer({ min: 200 * MIB, max: 600 * MIB }), fc.constant(2 ** 32 - 1));
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 40 * MIB }), fc.integer({ min: 1, max: MIB }), (initrd, kernel, loader) => {
        const files = [file('/live/initrd.img', initrd), file('/live/vmlinuz', kernel), file('/EFI/BOOT/BOOTX64.EFI', loader)];
        const { espOffset, espBytes, offsets, sizeBytes } = layOutIso(files);
        for (const [{ sizeBytes: length }, offset] of offsets) {
          expect(offset % ISO_BLOCK_BYTES).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(espOffset);
          expect(offset + length).toBeLessThanOrEqual(espOffset + espBytes);
        }
        expect(new Set(offsets.keys())).toEqual(new Set(files.filter(({ sizeBytes: length }) => length > 0)));
        expect(sizeBytes % ISO_BLOCK_BYTES).toBe(0);
      }),
    );
  });
});

describe('encodeIso9660', () => {
  const FIRST_BLOCK = 512;
  const volume = (files: readonly { readonly path: string; readonly text: string }[]): IsoVolume => ({
    label: 'LABEL',
    blocks: FIRST_BLOCK + files.length + 1,
    files: files.map(({ path, text }, index) => ({ path, firstBlock: FIRST_BLOCK + index, sizeBytes: text.length })),
    efiBlock: FIRST_BLOCK,
    epochSeconds: BUILD_EPOCH,
  });

  function encoded(asked: IsoVolume): Buffer {
    const bytes = Buffer.alloc(asked.blocks * ISO_BLOCK_BYTES);
    for (const { offsetBytes, bytes: part } of encodeIso9660(asked)) bytes.set(part, offsetBytes);
    return bytes;
  }

  function written(files: readonly { readonly path: string; readonly text: string }[]): string {
    const bytes = encoded(volume(files));
    files.forEach(({ text }, index) => bytes.write(text, (FIRST_BLOCK + index) * ISO_BLOCK_BYTES, 'latin1'));
    mkdirSync(base, { recursive: true });
    const image = join(base, 'volume.iso');
    writeFileSync(image, bytes);
    return image;
  }

  const directoryName = fc.stringMatching(/^[a-z0-9_]{1,31}$/u);
  const fileName = fc.stringMatching(/^[A-Z0-9_]{1,20}(\.[a-z0-9_]{1,10})?$/u);

  it('gives xorriso back every file of a tree', async () => {
    const path = fc.tuple(fc.array(fc.oneof(fc.constantFrom('a', 'b'), directoryName), { maxLength: 4 }), fileName);
    const paths = fc
      .array(
        path.map(([directories, name]) => [...directories, name].map((part) => `/${part}`).join('')),
        { maxLength: 60 },
      )
      .map((all) => {
        const taken = new Set<string>();
        return all.filter((one) => {
          const key = one.toUpperCase();
          const inTheWay = [...taken].some((other) => other === key || other.startsWith(`${key}/`) || key.startsWith(`${other}/`));
          if (!inTheWay) taken.add(key);
          return !inTheWay;
        });
      });
    await fc.assert(
      fc.asyncProperty(paths, async (all) => {
        const files = all.map((one, index) => ({ path: one, text: `content ${index}` }));
        const found = await filesOf(written(files));
        const expected = new Map(files.map(({ path: one, text }) => [one.toUpperCase(), text]));
        expect(new Map([...found].map(([one, bytes]) => [one, bytes.toString()]))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('has directories of more than a block, in the order that ECMA-119 wants', async () => {
    const files = Array.from({ length: 200 }, (_, index) => ({ path: `/d/name${index}.x`, text: `${index}` }));
    const image = written([...files, { path: '/d/name1', text: 'without' }, { path: '/d/name1.x0', text: 'longer' }]);
    expect((await filesOf(image)).size).toBe(202);
    const listed = readFileSync(image).toString('latin1', 22 * ISO_BLOCK_BYTES, FIRST_BLOCK * ISO_BLOCK_BYTES);
    const names = [...listed.matchAll(/NAME\d+\.X?0?;1/gu)].map(([name]) => name.replace(';1', ''));
    expect(names).toEqual([...names].sort());
    expect(names.slice(1, 5)).toEqual(['NAME1.', 'NAME1.X', 'NAME1.X0', 'NAME10.X']);
  });

  // Neither Linux nor xorriso looks at path tables, or at the numbers that have their highest byte first.
  it('says each number in both orders, and of directories the same in path tables and in records', () => {
    const asked = volume(['/b/deep/er/one.x', '/b/two', '/a_longer/deep/three', '/four'].map((path) => ({ path, text: path })));
    const bytes = encoded(asked);
    const both = (at: number, length: 2 | 4): number => {
      const value = bytes.readUIntLE(at, length);
      expect(bytes.readUIntBE(at + length, length)).toBe(value);
      return value;
    };
    const primary = 16 * ISO_BLOCK_BYTES;
    expect([both(primary + 80, 4), both(primary + 120, 2), both(primary + 124, 2), both(primary + 128, 2)]).toEqual([
      asked.blocks,
      1,
      1,
      ISO_BLOCK_BYTES,
    ]);
    const recordsAt = (block: number) => {
      const records: { name: string; block: number; isDirectory: boolean }[] = [];
      for (let at = block * ISO_BLOCK_BYTES; bytes.readUInt8(at) !== 0; at += bytes.readUInt8(at)) {
        const name = bytes.toString('latin1', at + 33, at + 33 + bytes.readUInt8(at + 32));
        const isDirectory = bytes.readUInt8(at + 25) === 2;
        expect([both(at + 10, 4) % ISO_BLOCK_BYTES === 0, both(at + 28, 2)]).toEqual([isDirectory, 1]);
        records.push({ name, block: both(at + 2, 4), isDirectory });
      }
      return records;
    };
    const directories = [{ name: '\0', block: both(primary + 158, 4), parent: 1 }];
    // What is added is visited in its turn.
    for (const [index, { block, parent }] of directories.entries()) {
      const [own, above, ...inside] = recordsAt(block);
      expect([own?.block, above?.block]).toEqual([block, directories[parent - 1]?.block]);
      for (const one of inside) if (one.isDirectory) directories.push({ name: one.name, block: one.block, parent: index + 1 });
    }
    expect(directories.map(({ name, parent }) => `${parent} ${name}`)).toEqual(['1 \0', '1 A_LONGER', '1 B', '2 DEEP', '3 DEEP', '5 ER']);
    const sizeBytes = both(primary + 132, 4);
    const tableAt = (block: number, order: 'LE' | 'BE') => {
      const found: typeof directories = [];
      for (let at = block * ISO_BLOCK_BYTES; at < block * ISO_BLOCK_BYTES + sizeBytes; ) {
        const length = bytes.readUInt8(at);
        const name = bytes.toString('latin1', at + 8, at + 8 + length);
        found.push({ name, block: bytes[`readUInt32${order}`](at + 2), parent: bytes[`readUInt16${order}`](at + 6) });
        at += 8 + length + (length % 2);
      }
      return found;
    };
    expect(tableAt(bytes.readUInt32LE(primary + 140), 'LE')).toEqual(directories);
    expect(tableAt(bytes.readUInt32BE(primary + 148), 'BE')).toEqual(directories);
  });

  it.each<[string, Partial<IsoVolume>]>([
    ['a name with another character', { files: [{ path: '/a b', firstBlock: 0, sizeBytes: 0 }] }],
    ['a name with two dots', { files: [{ path: '/a.b.c', firstBlock: 0, sizeBytes: 0 }] }],
    ['a name of 31 characters', { files: [{ path: `/${'a'.repeat(31)}`, firstBlock: 0, sizeBytes: 0 }] }],
    ['a directory with a dot', { files: [{ path: '/a.b/c', firstBlock: 0, sizeBytes: 0 }] }],
    ['two names that differ in case', { files: ['/a', '/A'].map((path) => ({ path, firstBlock: 0, sizeBytes: 0 })) }],
    ['a label of small letters', { label: 'label' }],
    ['a label of 33 characters', { label: 'L'.repeat(33) }],
    ['no room before the partition', { efiBlock: 22 }],
  ])('refuses %s', (_, changes) => {
    expect(() => encodeIso9660({ ...volume([]), ...changes })).toThrow(RangeError);
  });

  it('tells the nearest time that it can', () => {
    const primary = (epochSeconds: number): Buffer => {
      const [{ bytes } = { bytes: new Uint8Array() }] = encodeIso9660({ ...volume([]), epochSeconds });
      return Buffer.from(bytes);
    };
    const record = (epochSeconds: number): Buffer => primary(epochSeconds).subarray(156 + 18, 156 + 24);
    expect([...record(Date.UTC(2024, 1, 29, 13, 5, 8) / 1000)]).toEqual([124, 2, 29, 13, 5, 8]);
    expect([...record(Date.UTC(2200, 0, 1) / 1000)]).toEqual([255, 12, 31, 23, 59, 59]);
    const made = (epochSeconds: number): string => primary(epochSeconds).toString('latin1', 813, 813 + 17);
    expect(made(Date.UTC(2200, 0, 1) / 1000)).toBe('2200010100000000\0');
    expect(made(Date.UTC(12_345, 0, 1) / 1000)).toBe('9999123123595900\0');
  });
});
