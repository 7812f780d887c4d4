/** Platform of a boot catalog whose image is an EFI System Partition. */
const UEFI_PLATFORM = 0xef;
const BOOTABLE = 0x88;
const SYSTEM = 'EL TORITO SPECIFICATION';

/** What a boot record's volume descriptor holds behind its head: the name of the system, and where the catalog lies. */
export function encodeBootRecord(block: Buffer, catalogBlock: number): void {
  block.write(SYSTEM, 7, 'latin1');
  block.writeUInt32LE(catalogBlock, 71);
}

/**
 * A boot catalog with one entry: an EFI System Partition that begins at a block and ends with the volume, which is what a count of no
 * sectors means; the field itself counts no more than 32 MiB.
 *
 * @see "El Torito" Bootable CD-ROM Format Specification 1.0, section 2; UEFI 2.10, section 13.3.2.1
 */
export function encodeBootCatalog(efiBlock: number): Buffer {
  const catalog = Buffer.alloc(64);
  catalog.writeUInt8(1, 0);
  catalog.writeUInt8(UEFI_PLATFORM, 1);
  catalog.writeUInt16LE(0xaa55, 30);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += catalog.readUInt16LE(at);
  catalog.writeUInt16LE(-sum & 0xffff, 28);
  catalog.writeUInt8(BOOTABLE, 32);
  catalog.writeUInt32LE(efiBlock, 40);
  return catalog;
}
