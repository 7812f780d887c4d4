import {
  DIRECTORY_ATTRIBUTE,
  DIRECTORY_ENTRY_BYTES,
  FIRST_CLUSTER,
  LAST_LONG_ENTRY,
  LONG_NAME_ATTRIBUTE,
  MAX_ENTRIES,
  SECTOR_BYTES,
  VOLUME_LABEL_ATTRIBUTE,
  decodeBootSector,
  decodeLongName,
  type FatVolume,
} from '@ict/image-parts';
import type { Bytes } from '../bytes.js';
import { childPath, filesystemOver } from './filesystem-over.js';
import type { FileEntry, FilesystemSummary, ReadableFilesystem } from './filesystem.js';
import { nothing } from './pieces.js';

const DELETED = 0xe5;
/** What Windows notes beside a short name: base or extension are small letters. */
const LOWER_BASE = 0x08;
const LOWER_EXTENSION = 0x10;
/** A directory is no larger. */
const MOST_DIRECTORY_BYTES = MAX_ENTRIES * DIRECTORY_ENTRY_BYTES;
/** So many of a table are read at a time. */
const TABLE_ENTRIES = 64 * 1024;

/**
 * Reads a FAT12, FAT16 or FAT32. Owner, group and mode are what `mount` shows by itself: FAT has none.
 *
 * @returns undefined when there is none.
 * @see Microsoft, FAT: General Overview of On-Disk Format
 */
export async function openFat(
  bytes: Bytes,
): Promise<{ readonly summary: FilesystemSummary; readonly files: ReadableFilesystem } | undefined> {
  const volume = await readVolume(bytes);
  return volume === undefined ? undefined : openVolume(bytes, volume);
}

async function openVolume(
  bytes: Bytes,
  volume: FatVolume,
): Promise<{ readonly summary: FilesystemSummary; readonly files: ReadableFilesystem }> {
  const chain = async (first: number, what: string): Promise<readonly number[]> => {
    const found: number[] = [];
    let cluster = first;
    while (cluster >= FIRST_CLUSTER && cluster < volume.clusters + FIRST_CLUSTER) {
      if (found.length === volume.clusters) throw new RangeError(`the clusters of ${what} run in a circle`);
      found.push(cluster);
      cluster = await nextCluster(bytes, volume, cluster);
    }
    return found;
  };
  const clusterAt = (cluster: number): number => volume.dataOffset + (cluster - FIRST_CLUSTER) * volume.clusterBytes;
  const rootEntry: FatEntry = { ...entry('/', 'directory', 0, 0, 0), first: 0 };
  const raw = async (directory: FatEntry): Promise<Buffer> => {
    if (directory === rootEntry && 'offset' in volume.root) return bytes.read(volume.root.offset, volume.root.sizeBytes);
    const first = directory === rootEntry && 'cluster' in volume.root ? volume.root.cluster : directory.first;
    const clusters = await chain(first, directory.path);
    if (clusters.length * volume.clusterBytes > MOST_DIRECTORY_BYTES) throw new RangeError(`the directory ${directory.path} is too large`);
    return Buffer.concat(await Promise.all(clusters.map((cluster) => bytes.read(clusterAt(cluster), volume.clusterBytes))));
  };
  async function* contentOf({ first, sizeBytes, path }: FatEntry): AsyncGenerator<Buffer, void, undefined> {
    let left = sizeBytes;
    for (const cluster of await chain(first, path)) {
      if (left <= 0) break;
      yield await bytes.read(clusterAt(cluster), Math.min(left, volume.clusterBytes));
      left -= volume.clusterBytes;
    }
    if (left > 0) throw new RangeError(`${path} ends ${left} bytes too early`);
  }
  async function* children(directory: FileEntry): AsyncGenerator<FatEntry, void, undefined> {
    for (const { name, isDirectory, first, sizeBytes, seconds } of parseDirectory(await raw(directory as FatEntry))) {
      if (name === '.' || name === '..') continue;
      const path = childPath(directory, name);
      const made: FatEntry = {
        ...entry(path, isDirectory ? 'directory' : 'file', isDirectory ? 0 : sizeBytes, seconds, first),
        first,
        content: () => contentOf(made),
      };
      yield made;
    }
  }
  const label = [...parseLabels(await raw(rootEntry))][0];
  const id = volume.volumeId.toString(16).toUpperCase().padStart(8, '0');
  return {
    summary: {
      type: 'vfat',
      ...(label === undefined ? {} : { label }),
      id: `${id.slice(0, 4)}-${id.slice(4)}`,
      sizeBytes: volume.sizeBytes,
      freeBytes: (await countFree(bytes, volume)) * volume.clusterBytes,
    },
    files: filesystemOver(rootEntry, children),
  };
}

interface FatEntry extends FileEntry {
  /** First cluster; 0 where there is none. */
  readonly first: number;
}

function entry(path: string, type: 'file' | 'directory', sizeBytes: number, seconds: number, inode: number): FileEntry {
  return { path, type, mode: 0o755, owner: 0, group: 0, sizeBytes, seconds, inode, content: nothing };
}

async function readVolume(bytes: Bytes): Promise<FatVolume | undefined> {
  if (bytes.sizeBytes < SECTOR_BYTES) return undefined;
  const sector = await bytes.read(0, SECTOR_BYTES);
  // It begins with a jump over what it says.
  return sector[0] === 0xeb || sector[0] === 0xe9 ? decodeBootSector(sector, bytes.sizeBytes) : undefined;
}

/** What the first table says of a cluster: the next one, 0 when it is free, or that it is the last. */
async function nextCluster(bytes: Bytes, { width, tableOffset }: FatVolume, cluster: number): Promise<number> {
  if (width === 32) return (await bytes.read(tableOffset + cluster * 4, 4)).readUInt32LE(0) & 0x0fff_ffff;
  if (width === 16) return (await bytes.read(tableOffset + cluster * 2, 2)).readUInt16LE(0);
  const pair = (await bytes.read(tableOffset + Math.floor(cluster * 1.5), 2)).readUInt16LE(0);
  return (cluster & 1) === 1 ? pair >> 4 : pair & 0xfff;
}

/** Clusters that the first table calls free, read in pieces: that of a large FAT32 has a gigabyte. */
async function countFree(bytes: Bytes, volume: FatVolume): Promise<number> {
  const { width, tableOffset, clusters } = volume;
  const end = clusters + FIRST_CLUSTER;
  let free = 0;
  if (width === 12) {
    for (let cluster = FIRST_CLUSTER; cluster < end; cluster++) if ((await nextCluster(bytes, volume, cluster)) === 0) free++;
    return free;
  }
  const entryBytes = width / 8;
  for (let cluster = FIRST_CLUSTER; cluster < end; cluster += TABLE_ENTRIES) {
    const count = Math.min(TABLE_ENTRIES, end - cluster);
    const piece = await bytes.read(tableOffset + cluster * entryBytes, count * entryBytes);
    for (let at = 0; at < piece.length; at += entryBytes) {
      const entry = width === 32 ? piece.readUInt32LE(at) & 0x0fff_ffff : piece.readUInt16LE(at);
      if (entry === 0) free++;
    }
  }
  return free;
}

interface ParsedEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly first: number;
  readonly sizeBytes: number;
  readonly seconds: number;
}

function* slots(directory: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at + DIRECTORY_ENTRY_BYTES <= directory.length; at += DIRECTORY_ENTRY_BYTES) {
    if (directory[at] === 0) return;
    if (directory[at] !== DELETED) yield directory.subarray(at, at + DIRECTORY_ENTRY_BYTES);
  }
}

function* parseLabels(directory: Buffer): Generator<string, void, undefined> {
  for (const slot of slots(directory)) {
    const attribute = slot[11] as number;
    if (attribute !== LONG_NAME_ATTRIBUTE && (attribute & VOLUME_LABEL_ATTRIBUTE) !== 0) yield slot.toString('latin1', 0, 11).trimEnd();
  }
}

function* parseDirectory(directory: Buffer): Generator<ParsedEntry, void, undefined> {
  let long = '';
  for (const slot of slots(directory)) {
    const attribute = slot[11] as number;
    if (attribute === LONG_NAME_ATTRIBUTE) {
      const units = decodeLongName(slot);
      long = ((slot[0] as number) & LAST_LONG_ENTRY) === 0 ? units + long : units;
      continue;
    }
    const name = long === '' ? shortName(slot) : long.replace(/\0.*$/su, '');
    long = '';
    if ((attribute & VOLUME_LABEL_ATTRIBUTE) !== 0) continue;
    yield {
      name,
      isDirectory: (attribute & DIRECTORY_ATTRIBUTE) !== 0,
      first: (slot.readUInt16LE(20) << 16) | slot.readUInt16LE(26),
      sizeBytes: slot.readUInt32LE(28),
      seconds: secondsOf(slot.readUInt16LE(24), slot.readUInt16LE(22)),
    };
  }
}

function shortName(slot: Buffer): string {
  const flags = slot[12] as number;
  const part = (from: number, to: number, lower: number): string => {
    const text = slot.toString('latin1', from, to).trimEnd();
    return (flags & lower) === 0 ? text : text.toLowerCase();
  };
  const [base, extension] = [part(0, 8, LOWER_BASE), part(8, 11, LOWER_EXTENSION)];
  return extension === '' ? base : `${base}.${extension}`;
}

/** FAT has local time; we write UTC. */
function secondsOf(date: number, time: number): number {
  return Date.UTC(1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}
