import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { placeBootCode } from '../src/grub-boot-code.js';

const boot = readFileSync('/usr/lib/grub/i386-pc/boot.img');
const diskboot = readFileSync('/usr/lib/grub/i386-pc/diskboot.img');
const coreOf = (bytes: number): Buffer => Buffer.concat([diskboot, Buffer.alloc(bytes - 512, 0x77)]);

describe('placeBootCode', () => {
  it('has the boot sector load the core image, and that the rest of itself', () => {
    const [sector, core] = placeBootCode({ boot, core: coreOf(3000) }, { firstLba: 2048, sectors: 2048 });
    expect([sector!.offsetBytes, core!.offsetBytes]).toEqual([0, 2048 * 512]);
    const [code, image] = [Buffer.from(sector!.bytes), Buffer.from(core!.bytes)];
    expect(code).toHaveLength(440);
    expect(code.readBigUInt64LE(0x5c)).toBe(2048n);
    expect(code.subarray(0x66, 0x68)).toEqual(Buffer.from([0x90, 0x90]));
    const others = Buffer.from(boot.subarray(0, 440)).fill(0, 0x03, 0x5a);
    others.set(code.subarray(0x5c, 0x68), 0x5c);
    expect(code).toEqual(others);
    expect(image).toHaveLength(6 * 512);
    expect([image.readBigUInt64LE(0x1f4), image.readUInt16LE(0x1fc), image.readUInt16LE(0x1fe)]).toEqual([2049n, 5, 0x820]);
    expect(image.subarray(0, 0x1f4)).toEqual(diskboot.subarray(0, 0x1f4));
    expect(image.subarray(512, 3000).every((byte) => byte === 0x77)).toBe(true);
    expect(image.subarray(3000).every((byte) => byte === 0)).toBe(true);
  });

  it('takes all of its place, and no more', () => {
    expect(placeBootCode({ boot, core: coreOf(1024) }, { firstLba: 1, sectors: 2 })).toHaveLength(2);
    expect(() => placeBootCode({ boot, core: coreOf(1025) }, { firstLba: 1, sectors: 2 })).toThrow(
      expect.objectContaining({ code: 'ICT_DISK_NO_SPACE', facts: { neededBytes: 1536, availableBytes: 1024 } }),
    );
  });

  it.each<[string, Parameters<typeof placeBootCode>[0]]>([
    ['a boot sector that is not there', { boot: undefined, core: coreOf(1024) }],
    ['a boot sector of another loader', { boot: Buffer.from(boot).fill(0, 0x66, 0x67), core: coreOf(1024) }],
    ['a boot sector without its mark', { boot: Buffer.from(boot).fill(0, 510), core: coreOf(1024) }],
    ['two of them', { boot: Buffer.concat([boot, boot]), core: coreOf(1024) }],
    ['a core image for something else', { boot, core: Buffer.alloc(1024) }],
    ['a core image that ends with its first sector', { boot, core: diskboot }],
  ])('refuses %s', (_, images) => {
    expect(() => placeBootCode(images, { firstLba: 1, sectors: 2047 })).toThrow(
      expect.objectContaining({ code: 'ICT_IMAGE_BOOT_PROGRAM' }),
    );
  });
});
