import { partOf, type Bytes } from '../bytes.js';
import { gathered, type FileEntry, type OpenedFilesystem } from './filesystem.js';
import { childPath, filesystemOver } from './filesystem-over.js';
import { requireSize, typeOf } from './inode-fields.js';
import { MOST_LISTING_BYTES } from './limits.js';
import { inPieces, nothing } from './pieces.js';
import { readRockRidge, rockRidgeSkip, shortTime, type RockRidge } from './rock-ridge.js';

const BLOCK_BYTES = 2048;
const DESCRIPTOR_AT = 16 * BLOCK_BYTES;
const MAGIC = Buffer.from('\x01CD001', 'latin1');
const RECORD_BYTES = 33;
/** By which a directory names itself and the one above it. */
const OWN_NAMES: readonly string[] = ['', '\0', '\x01'];
const DIRECTORY = 0x02;
const ASSOCIATED = 0x04;
/** The next record has the next part of the file. */
const GOES_ON = 0x80;
/** What Linux shows of an image that has no modes. */
const MODES = { file: 0o100_555, directory: 0o040_555 };

/** A directory record, and where it lies. */
interface IsoRecord {
  readonly at: number;
  readonly start: number;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly flags: number;
  /** A byte of 0 for a directory itself, of 1 for the one above it. */
  readonly identifier: string;
  /** What others than ISO 9660 add. */
  readonly use: Buffer;
}

interface IsoEntry extends FileEntry {
  /** Where its parts lie: nearly always one. */
  readonly parts: readonly Bytes[];
}

/**
 * Reads an ISO 9660, with what Rock Ridge adds where it has that; Joliet is left aside.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see ECMA-119, 4th edition
 */
export async function openIso9660(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  if (bytes.sizeBytes < DESCRIPTOR_AT + BLOCK_BYTES) return undefined;
  const descriptor = await bytes.read(DESCRIPTOR_AT, BLOCK_BYTES);
  if (!descriptor.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const label = descriptor.toString('latin1', 40, 72).trimEnd();
  const summary = { type: 'iso9660', ...(label === '' ? {} : { label }), sizeBytes: descriptor.readUInt32LE(80) * BLOCK_BYTES };
  const blockBytes = descriptor.readUInt16LE(128);
  if (blockBytes !== BLOCK_BYTES) return { summary, unread: `its blocks have ${blockBytes} bytes` };
  const volume = new IsoVolume(bytes);
  const root = await volume.root(decodeRecord(descriptor.subarray(156, 190), 0));
  return { summary, files: filesystemOver(root, (directory) => volume.children(directory as IsoEntry)) };
}

class IsoVolume {
  readonly #bytes: Bytes;
  /** Bytes before the fields of Rock Ridge; undefined where there are none. */
  #skip: number | undefined;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  async root(record: IsoRecord): Promise<IsoEntry> {
    const [own] = await this.#records(this.#part(record), '/');
    if (own === undefined) throw new RangeError('the directory / is damaged');
    this.#skip = rockRidgeSkip(own.use);
    const fields = this.#skip === undefined ? {} : await this.#fields(own, 0);
    return this.#entry('/', [own], fields);
  }

  async *children(directory: IsoEntry): AsyncGenerator<IsoEntry, void, undefined> {
    const parts: IsoRecord[] = [];
    for (const record of await this.#records(directory.parts[0] as Bytes, directory.path)) {
      if (OWN_NAMES.includes(record.identifier) || (record.flags & ASSOCIATED) !== 0) continue;
      parts.push(record);
      if (record.identifier !== parts[0]?.identifier) throw new RangeError(`parts of a file in ${directory.path} are missing`);
      if ((record.flags & GOES_ON) !== 0) continue;
      const fields = this.#skip === undefined ? {} : await this.#fields(record, this.#skip);
      const records = parts.splice(0);
      if (fields.isElsewhere === undefined)
        yield this.#entry(childPath(directory, fields.name ?? plainName(record.identifier)), records, fields);
    }
    if (parts.length > 0) throw new RangeError(`parts of a file in ${directory.path} are missing`);
  }

  #entry(path: string, records: readonly IsoRecord[], { mode, owner = 0, group = 0, seconds, target, device }: RockRidge): IsoEntry {
    const [record] = records as [IsoRecord];
    const isDirectory = (record.flags & DIRECTORY) !== 0;
    const bits = mode ?? (isDirectory ? MODES.directory : MODES.file);
    const type = typeOf(bits, path, record.at);
    if ((type === 'directory') !== isDirectory) throw new RangeError(`${path} is a directory and something else`);
    const parts = records.map((part) => this.#part(part));
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    requireSize(path, type, sizeBytes);
    const content = async function* (): AsyncGenerator<Buffer, void, undefined> {
      for (const part of parts) yield* inPieces(part, 0, part.sizeBytes);
    };
    return {
      ...{ path, type, mode: bits & 0o7777, owner, group, seconds: seconds ?? record.seconds },
      sizeBytes: type === 'file' ? sizeBytes : Buffer.byteLength(target ?? ''),
      ...(type === 'symlink' ? { target: target ?? '' } : {}),
      ...(device === undefined ? {} : { device }),
      ...(type === 'file' && parts.length === 1 ? { bytes: parts[0] as Bytes } : {}),
      // A directory is where it lies, a file where it is named.
      inode: isDirectory ? record.start : record.at,
      content: type === 'file' ? content : nothing,
      parts,
    };
  }

  #part({ start, sizeBytes }: IsoRecord): Bytes {
    if (start + sizeBytes > this.#bytes.sizeBytes) throw new RangeError(`a file ends at byte ${start + sizeBytes}, behind the image`);
    return partOf(this.#bytes, start, sizeBytes);
  }

  /** No record lies across two blocks. */
  async #records(listing: Bytes, path: string): Promise<readonly IsoRecord[]> {
    if (listing.sizeBytes > MOST_LISTING_BYTES) throw new RangeError(`the directory ${path} is too large`);
    const content = await gathered(inPieces(listing, 0, listing.sizeBytes));
    const records: IsoRecord[] = [];
    for (let at = 0; at < content.length; ) {
      const length = content[at] as number;
      const end = at + length;
      if (length === 0) at = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
      else if (length <= RECORD_BYTES || end > content.length) throw new RangeError(`the directory ${path} is damaged`);
      else {
        records.push(decodeRecord(content.subarray(at, end), (records[0]?.start ?? 0) + at));
        at = end;
      }
    }
    return records;
  }

  #fields({ use }: IsoRecord, skip: number): Promise<RockRidge> {
    return readRockRidge(use.subarray(skip), async ({ block, offset, length }) => {
      if (length > BLOCK_BYTES) throw new RangeError(`fields of Rock Ridge have ${length} bytes`);
      return this.#bytes.read(block * BLOCK_BYTES + offset, length);
    });
  }
}

/** @param at tells it from all others. @see ECMA-119, 9.1 */
function decodeRecord(record: Buffer, at: number): IsoRecord {
  const nameEnd = RECORD_BYTES + record.readUInt8(32);
  if (nameEnd > record.length) throw new RangeError('a record of a directory is damaged');
  if (record.readUInt8(26) !== 0) throw new RangeError('a file is stored in turns with another, which is not read');
  return {
    at,
    start: (record.readUInt32LE(2) + record.readUInt8(1)) * BLOCK_BYTES,
    sizeBytes: record.readUInt32LE(10),
    seconds: shortTime(record.subarray(18, 25)),
    flags: record.readUInt8(25),
    identifier: record.toString('latin1', RECORD_BYTES, nameEnd),
    use: record.subarray(nameEnd + (nameEnd % 2)),
  };
}

/** As Linux shows a name: in small letters, and without the first version. @see isofs_name_translate in fs/isofs/dir.c of the kernel */
function plainName(identifier: string): string {
  const name = identifier.replace(/\.?;1$/u, '').replace(/[;/]/gu, '.');
  return name.replace(/[A-Z]+/gu, (letters) => letters.toLowerCase());
}
