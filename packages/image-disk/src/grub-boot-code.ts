import { BOOT_CODE_BYTES, SECTOR_BYTES, imageError, type PlacedBytes } from '@ict/image-parts';
import { diskError } from './errors.js';

/** Sectors in a row that the core image may take. */
export interface CorePlace {
  readonly firstLba: number;
  readonly sectors: number;
}

/** What of GRUB starts on a BIOS: its boot sector, and all else in one image, whose first sector reads the others. */
export interface BootImages {
  /** `boot.img` of its modules; undefined when it is not among them. */
  readonly boot: Uint8Array | undefined;
  /** What `grub-mkimage` made. */
  readonly core: Uint8Array;
}

// Places in boot.img.
/** Fields that a filesystem would have there; ours has none, and they stay as they are on a new disk. */
const PARAMETERS = { start: 0x03, end: 0x5a };
const KERNEL_SECTOR_AT = 0x5c;
/** A jump over a workaround, for BIOSes that do not tell the drive that they start from. */
const DRIVE_CHECK_AT = 0x66;
const JUMP = 0xeb;
const NO_OPERATION = 0x90;
const MARK_AT = 0x1fe;

// Places in the first sector of a core image: its list of blocks grows down from the end of the sector.
const BLOCK_START_AT = 0x1f4;
const BLOCK_SECTORS_AT = 0x1fc;
const BLOCK_SEGMENT_AT = 0x1fe;
/** Where the second sector of a core image is loaded, as a segment. */
const CORE_SEGMENT = 0x820;

/**
 * GRUB's boot sector and core image, each told where the next part lies, at their places on a disk. What the first sector has behind the boot code, signature and table, is
 * left out.
 *
 * @throws `ICT_DISK_NO_SPACE` when the core image is larger than its place; `ICT_IMAGE_BOOT_PROGRAM` for images that are not of this form.
 * @see GRUB, include/grub/i386/pc/boot.h and include/grub/offsets.h
 */
export function placeBootCode({ boot, core }: BootImages, { firstLba, sectors }: CorePlace): readonly PlacedBytes[] {
  const sector = Buffer.from(boot ?? []);
  if (sector.length !== SECTOR_BYTES || sector.readUInt16LE(MARK_AT) !== 0xaa55 || sector[DRIVE_CHECK_AT] !== JUMP)
    throw notOfGrub('boot.img', boot === undefined ? 'is not among its modules' : 'is not a boot sector as it makes them');
  sector.fill(0, PARAMETERS.start, PARAMETERS.end);
  sector.writeBigUInt64LE(BigInt(firstLba), KERNEL_SECTOR_AT);
  sector.fill(NO_OPERATION, DRIVE_CHECK_AT, DRIVE_CHECK_AT + 2);
  const coreSectors = Math.ceil(core.length / SECTOR_BYTES);
  const image = Buffer.alloc(coreSectors * SECTOR_BYTES);
  image.set(core);
  if (coreSectors < 2 || image.readUInt16LE(BLOCK_SEGMENT_AT) !== CORE_SEGMENT)
    throw notOfGrub('core image', 'does not begin with a sector that loads it');
  if (coreSectors > sectors) {
    const [neededBytes, availableBytes] = [image.length, sectors * SECTOR_BYTES];
    throw diskError('ICT_DISK_NO_SPACE', {
      message: `GRUB's core image takes ${neededBytes} bytes, and there are ${availableBytes} for it`,
      hint: 'Make the BIOS boot partition larger, or begin the first partition later.',
      facts: { neededBytes, availableBytes },
    });
  }
  image.writeBigUInt64LE(BigInt(firstLba + 1), BLOCK_START_AT);
  image.writeUInt16LE(coreSectors - 1, BLOCK_SECTORS_AT);
  return [
    { offsetBytes: 0, bytes: sector.subarray(0, BOOT_CODE_BYTES) },
    { offsetBytes: firstLba * SECTOR_BYTES, bytes: image },
  ];
}

function notOfGrub(what: string, why: string): Error {
  return imageError('ICT_IMAGE_BOOT_PROGRAM', {
    message: `GRUB's ${what} ${why}`,
    hint: 'See that tools.packages and tools.grub of the definition name the packages of GRUB for i386-pc, and its modules.',
    facts: { what },
  });
}
