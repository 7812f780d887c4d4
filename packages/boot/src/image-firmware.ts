import { open } from 'node:fs/promises';
import {
  BOOT_CODE_BYTES,
  decodeMbr,
  ESP_TYPE_GUID,
  guidBytes,
  mbrPartitionType,
  PRIMARY_SECTORS,
  PROTECTIVE_MBR_TYPE,
  SECTOR_BYTES,
} from '@ict/image-parts';
import type { ImageFileFormat } from './image-file.js';
import { readImageManifest } from './image-manifest.js';
import type { Machine } from './machine.js';

/** Firmware that starts disks: UEFI, or the legacy one. */
export type FirmwareKind = 'uefi' | 'bios';

const GPT_ENTRIES_AT = 2 * SECTOR_BYTES;
const GPT_ENTRY_BYTES = 128;

/**
 * The firmware that a disk is for: the manifest beside it says so, or, of a raw one, its first sectors do. One that both could start is for UEFI, as is one of which nothing is
 * known, and any for a machine without a BIOS: programs that partition disks leave one of x86 in the first sector of whichever.
 */
export async function imageFirmware(image: string, format: ImageFileFormat, { hasBios }: Pick<Machine, 'hasBios'>): Promise<FirmwareKind> {
  const target = (await readImageManifest(image))?.document.target as { readonly firmware?: unknown } | null | undefined;
  if (target?.firmware === 'bios') return 'bios';
  if (format !== 'raw' || !hasBios) return 'uefi';
  await using file = await open(image, 'r');
  const head = Buffer.alloc(PRIMARY_SECTORS * SECTOR_BYTES);
  await file.read(head, 0, head.length, 0);
  return isForBios(head) ? 'bios' : 'uefi';
}

/** True for a disk whose first sector has a program for a BIOS, and which has no EFI system partition. */
function isForBios(head: Buffer): boolean {
  const table = decodeMbr(head);
  if (table === undefined || head.subarray(0, BOOT_CODE_BYTES).every((byte) => byte === 0)) return false;
  const types = table.entries.map(({ type }) => type);
  if (!types.includes(PROTECTIVE_MBR_TYPE)) return !types.includes(mbrPartitionType('esp') as number);
  const esp = guidBytes(ESP_TYPE_GUID);
  for (let at = GPT_ENTRIES_AT; at < head.length; at += GPT_ENTRY_BYTES) if (head.subarray(at, at + esp.length).equals(esp)) return false;
  return true;
}
