import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMbr, guidBytes } from '@ict/image-parts';
import { imageArchitecture } from '../src/image-architecture.js';
import { imageFileFormat } from '../src/image-file.js';
import { imageFirmware } from '../src/image-firmware.js';
import { findInitrdImage } from '../src/initrd-image.js';
import { MACHINES } from '../src/machine.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-boot-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('imageFileFormat', () => {
  it.each<[string, Buffer, string]>([
    ['qcow2', Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'), 'qcow2'],
    ['a vhd', Buffer.from('conectix'), 'vpc'],
    ['a vhdx', Buffer.from('vhdxfile'), 'vhdx'],
    ['a vmdk', Buffer.from('KDMV\x01\x00\x00\x00', 'latin1'), 'vmdk'],
    ['a vdi', Buffer.from('<<< QEMU VM Virtual Disk Image >>>'), 'vdi'],
    ['iso', Buffer.concat([Buffer.alloc(16 * 2048), Buffer.from('\x01CD001')]), 'iso'],
    ['an iso that begins as a disk does', Buffer.concat([Buffer.alloc(16 * 2048, 0xaa), Buffer.from('\x01CD001')]), 'iso'],
    ['a descriptor of another kind', Buffer.concat([Buffer.alloc(16 * 2048), Buffer.from('\x02CD001')]), 'raw'],
    ['anything else', Buffer.from('QFI'), 'raw'],
  ])('tells %s', async (_, bytes, format) => {
    writeFileSync(join(directory, 'image'), bytes);
    expect(await imageFileFormat(join(directory, 'image'))).toBe(format);
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['gzip', Buffer.from([0x1f, 0x8b, 8])],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])],
    ['bzip2', Buffer.from('BZh9')],
  ])('refuses %s', async (_, bytes) => {
    writeFileSync(join(directory, 'image'), bytes);
    await expect(imageFileFormat(join(directory, 'image'))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE', kind: 'usage' });
  });

  it('answers or refuses any bytes, and takes for a qcow2 only what begins as one', async () => {
    const magic = Buffer.from('QFI\u00fb', 'latin1');
    const start = fc.constantFrom(magic, magic.subarray(0, 3), Buffer.from([0x1f, 0x8b]), Buffer.from('BZ'), Buffer.alloc(0));
    const file = join(directory, 'image');
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 64 }), async (first, rest) => {
        const bytes = Buffer.concat([first, rest]);
        writeFileSync(file, bytes);
        const found = await imageFileFormat(file).catch((error: { code?: string }) => error.code);
        expect(found === 'qcow2').toBe(bytes.subarray(0, 4).equals(magic));
        expect(['qcow2', 'raw', 'ICT_BOOT_IMAGE']).toContain(found);
        if (bytes.length === 0) expect(found).toBe('ICT_BOOT_IMAGE');
      }),
    );
  });

  it('refuses what is not there', async () => {
    await expect(imageFileFormat(join(directory, 'gone'))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE' });
  });
});

describe('imageArchitecture', () => {
  it.each([
    ['os-1.0.raw', 'os-1.0.manifest.json'],
    ['os-1.0.qcow2', 'os-1.0.manifest.json'],
    ['os-1.0.cpio.gz', 'os-1.0.manifest.json'],
  ])('of %s is in %s', async (image, manifest) => {
    writeFileSync(join(directory, 'os-1.manifest.json'), '{"target":{"arch":"armv7hl"}}');
    writeFileSync(join(directory, manifest), '{"target":{"arch":"aarch64"}}');
    expect(await imageArchitecture(join(directory, image))).toBe('aarch64');
  });

  it.each([['no JSON'], ['null'], ['{}'], ['{"target":null}'], ['{"target":{"arch":1}}']])('is not known by %s', async (text) => {
    writeFileSync(join(directory, 'os.manifest.json'), text);
    expect(await imageArchitecture(join(directory, 'os.raw'))).toBeUndefined();
    expect(await imageArchitecture(join(directory, 'other.raw'))).toBeUndefined();
  });
});

describe('never waits for a FIFO', () => {
  const fifo = (name: string): string => {
    const path = join(directory, name);
    execFileSync('mkfifo', [path]);
    return path;
  };

  it('in the place of an image', async () => {
    await expect(imageFileFormat(fifo('os.raw'))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE' });
  });

  it('in the place of a manifest', async () => {
    fifo('os.manifest.json');
    expect(await imageArchitecture(join(directory, 'os.raw'))).toBeUndefined();
  });

  it.each(['cpio.gz', 'vmlinuz', 'cmdline'])('in the place of the %s of an initrd', async (special) => {
    for (const suffix of ['cpio.gz', 'vmlinuz', 'cmdline']) {
      if (suffix === special) fifo(`os.${suffix}`);
      else writeFileSync(join(directory, `os.${suffix}`), 'x');
    }
    await expect(findInitrdImage(join(directory, 'os.cpio.gz'))).rejects.toMatchObject({ code: 'ICT_BOOT_IMAGE' });
  });
});

describe('imageFirmware', () => {
  const ESP_TYPE = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
  const SPARE_TYPE = '0fc63daf-8483-4772-8e79-3d69d8477de4';

  /** The first sectors of a disk, with a program in front unless that is asked for otherwise. */
  const disk = ({ types = [0x83], guids = [] as readonly string[], hasCode = true } = {}): string => {
    const table = encodeMbr({
      signature: '0a0b0c0d',
      partitions: types.map((type, index) => ({ type, isActive: false, firstLba: 2048 * (index + 1), lastLba: 2048 * (index + 1) + 99 })),
    });
    const head = Buffer.concat([table, Buffer.alloc(33 * 512)]);
    if (hasCode) head[0] = 0xeb;
    guids.forEach((guid, index) => head.set(guidBytes(guid), 1024 + 128 * index));
    writeFileSync(join(directory, 'image.raw'), head);
    return join(directory, 'image.raw');
  };

  it.each<[string, string, Parameters<typeof disk>[0]]>([
    ['bios', 'an MBR with a program in front', {}],
    ['bios', 'a GPT with a program in front', { types: [0xee], guids: [SPARE_TYPE] }],
    ['uefi', 'an MBR without one', { hasCode: false }],
    ['uefi', 'an MBR with an EFI system partition', { types: [0x83, 0xef] }],
    ['uefi', 'a GPT with an EFI system partition', { types: [0xee], guids: [SPARE_TYPE, ESP_TYPE] }],
  ])('is %s of %s', async (kind, _, parts) => {
    expect(await imageFirmware(disk(parts), 'raw', MACHINES.x86_64)).toBe(kind);
  });

  it('is uefi of a file with less than a sector', async () => {
    writeFileSync(join(directory, 'image.raw'), 'a disk');
    expect(await imageFirmware(join(directory, 'image.raw'), 'raw', MACHINES.x86_64)).toBe('uefi');
  });

  it('is what the manifest says, in whatever format', async () => {
    const image = join(directory, 'image.qcow2');
    expect(await imageFirmware(image, 'qcow2', MACHINES.x86_64)).toBe('uefi');
    writeFileSync(join(directory, 'image.manifest.json'), '{"target":{"firmware":"bios"}}');
    expect(await imageFirmware(image, 'qcow2', MACHINES.x86_64)).toBe('bios');
  });

  it('is uefi for a machine without a BIOS, whatever is in the first sector', async () => {
    expect(await imageFirmware(disk({ types: [0x0c, 0x83] }), 'raw', MACHINES.aarch64)).toBe('uefi');
  });
});
