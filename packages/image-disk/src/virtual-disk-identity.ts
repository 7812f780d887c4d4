import { open, type FileHandle } from 'node:fs/promises';
import { crc32c, guidBytes, writeFully } from '@ict/image-parts';
import { uuidFrom } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { diskError } from './errors.js';
import type { VirtualDiskType } from './virtual-disk.js';

/**
 * Replaces what qemu-img draws at random or takes from the clock: a file is a function of the disk in it alone.
 *
 * @param raw digest of the disk that was converted
 * @throws `ICT_DISK_CONVERSION` when the file is not laid out as its format says
 */
export async function settleIdentity(type: VirtualDiskType, file: string, raw: Digest): Promise<void> {
  const settle = SETTLERS[type];
  if (settle === undefined) return;
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await settle({
      read: (offset, length) => read(handle, type, offset, length),
      write: (offset, bytes) => writeFully(handle, bytes, offset),
      sizeBytes: size,
      id: (name) => guidBytes(uuidFrom(raw, `${type}/${name}`)),
      broken: (what) => broken(type, what),
    });
  } finally {
    await handle.close();
  }
}

/** A virtual disk whose identity is being settled. */
interface OpenDisk {
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** 16 bytes that depend on the disk and this name. */
  id(name: string): Uint8Array;
  broken(what: string): Error;
}

async function read(handle: FileHandle, type: VirtualDiskType, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  if (bytesRead < length) throw broken(type, `it ends before byte ${offset + length}`);
  return bytes;
}

function broken(type: VirtualDiskType, what: string): Error {
  return diskError('ICT_DISK_CONVERSION', {
    message: `qemu-img wrote a ${type} that cannot be made reproducible: ${what}`,
    hint: 'Use another type of artifact, and report the version of qemu-img in the tools of the lock.',
    facts: { type },
  });
}

/** How the identity of each format is settled; qcow2 has none. */
const SETTLERS: Readonly<Record<VirtualDiskType, ((disk: OpenDisk) => Promise<void>) | undefined>> = {
  qcow2: undefined,
  vhd: settleVhd,
  vhdx: settleVhdx,
  vmdk: settleVmdk,
  vdi: settleVdi,
};

/** The footer, and its copy at the start: time of creation and UUID. @see Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format" */
async function settleVhd({ read, write, id, sizeBytes, broken }: OpenDisk): Promise<void> {
  for (const offset of [0, sizeBytes - 512]) {
    const footer = await read(offset, 512);
    if (footer.toString('latin1', 0, 8) !== 'conectix') throw broken('a footer is missing');
    footer.writeUInt32BE(0, 24);
    footer.set(id('disk'), 68);
    footer.writeUInt32BE(0, 64);
    const sum = footer.reduce((total, byte) => total + byte, 0);
    footer.writeUInt32BE(~sum >>> 0, 64);
    await write(offset, footer);
  }
}

/** UUIDs of the image and of its last change. @see VirtualBox, VDICore.h: VDIHEADER1PLUS */
async function settleVdi({ read, write, id, broken }: OpenDisk): Promise<void> {
  const header = await read(0, 424);
  if (header.readUInt32LE(64) !== 0xbeda107f || header.readUInt32LE(68) !== 0x00010001)
    throw broken('its header is not one of version 1.1');
  await write(392, id('image'));
  await write(408, id('change'));
}

/** The content id in the descriptor. @see Virtual Disk Format 5.0, "Hosted Sparse Extent Header" and "The Descriptor File" */
async function settleVmdk({ read, write, id, broken }: OpenDisk): Promise<void> {
  const header = await read(0, 44);
  const [offset, length] = [Number(header.readBigUInt64LE(28)) * 512, Number(header.readBigUInt64LE(36)) * 512];
  if (header.toString('latin1', 0, 4) !== 'KDMV' || length === 0 || length > 2 ** 20) throw broken('it has no descriptor');
  const [text] = (await read(offset, length)).toString('latin1').split('\0') as [string];
  const settled = text.replace(/^CID=[0-9a-f]+$/m, `CID=${Buffer.from(id('content').subarray(8, 12)).toString('hex')}`);
  const bytes = Buffer.alloc(length);
  if (settled === text || settled.length > length) throw broken('its descriptor has no content id');
  bytes.write(settled, 'latin1');
  await write(offset, bytes);
}

const KIB = 1024;
/** Where a VHDX keeps its two headers and the first table of its regions. */
const VHDX = { headers: [64 * KIB, 128 * KIB], headerBytes: 4 * KIB, regions: 192 * KIB, tableBytes: 64 * KIB } as const;
const METADATA_REGION = guidBytes('8b7ca206-4790-4b9a-b8fe-575f050f886e');
const DISK_ID_ITEM = guidBytes('beca12ab-b2e6-4523-93ef-c309e000c746');

/**
 * GUIDs of the file, of its content and of the disk; numbers of the headers; the log, which is empty when its GUID is zero but keeps what was written last.
 *
 * @see MS-VHDX, sections 2.2.2 (headers), 2.2.3 (regions), 2.6 (metadata)
 */
async function settleVhdx({ read, write, id, broken }: OpenDisk): Promise<void> {
  const [first, second] = [await read(VHDX.headers[0], VHDX.headerBytes), await read(VHDX.headers[1], VHDX.headerBytes)];
  // The header with the higher number counts; numbers begin with one at random.
  const newer = first.readBigUInt64LE(8) > second.readBigUInt64LE(8) ? first : second;
  for (const [index, header] of [first, second].entries()) {
    if (header.toString('latin1', 0, 4) !== 'head') throw broken('a header is missing');
    if (header.subarray(48, 64).some((byte) => byte !== 0)) throw broken('its log is in use');
    header.writeBigUInt64LE(header === newer ? 2n : 1n, 8);
    header.set(id('file'), 16);
    header.set(id('content'), 32);
    header.writeUInt32LE(0, 4);
    header.writeUInt32LE(~crc32c(header) >>> 0, 4);
    await write(VHDX.headers[index] as number, header);
    await write(Number(header.readBigUInt64LE(72)), Buffer.alloc(header.readUInt32LE(68)));
  }
  const region = entryOf(await read(VHDX.regions, VHDX.tableBytes), 8, 16, METADATA_REGION);
  if (region === undefined) throw broken('it has no metadata');
  const metadata = Number(region.readBigUInt64LE(16));
  const item = entryOf(await read(metadata, VHDX.tableBytes), 10, 32, DISK_ID_ITEM);
  if (item === undefined) throw broken('it has no disk id');
  await write(metadata + item.readUInt32LE(16), id('disk'));
}

/** The entry of 32 bytes that begins with a GUID, in a table that has the number of its entries at `counted`. */
function entryOf(table: Buffer, counted: number, first: number, guid: Uint8Array): Buffer | undefined {
  const count = Math.min(table.readUInt16LE(counted), Math.floor((table.length - first) / 32));
  for (let number = 0; number < count; number++) {
    const entry = table.subarray(first + number * 32, first + (number + 1) * 32);
    if (entry.subarray(0, 16).equals(guid)) return entry;
  }
  return undefined;
}
