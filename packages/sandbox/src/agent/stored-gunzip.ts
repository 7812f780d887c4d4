import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { refuseSpecialFile } from '@ict/integrity';
import { BLOCK_BYTES, BLOCK_HEAD_BYTES, HEAD, TAIL_BYTES } from './stored-gzip.js';

/** What a buffer must hold for {@link StoredGunzip.fill}. */
export const FILL_BYTES = 4 * (BLOCK_HEAD_BYTES + BLOCK_BYTES);

interface Block {
  readonly last: boolean;
  readonly sizeBytes: number;
}

/**
 * Reads what `StoredGzip` wrote: there is nothing to decompress in it, so its bytes are read to where they are wanted, a quarter of a megabyte
 * at a time and without a trip through other threads.
 */
export class StoredGunzip {
  readonly #fd: number;
  #at = HEAD.length;
  #ended = false;
  #crc = 0;
  #sizeBytes = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens a file whose every block is stored, as the heads of all of them say.
   *
   * @returns undefined for any other gzip, a damaged one, and what is no gzip: then zlib has its say.
   * @throws Node's own errors; `ENXIO` for a FIFO, a socket or a device.
   */
  static open(file: string): StoredGunzip | undefined {
    refuseSpecialFile(file);
    const fd = openSync(file, 'r');
    try {
      if (isStored(fd)) return new StoredGunzip(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    return undefined;
  }

  /**
   * The next bytes, at the beginning of `buffer`, which holds at least {@link FILL_BYTES}.
   *
   * @returns undefined at the end. @throws when the checksum, the size or a head that was right at opening is wrong.
   */
  fill(buffer: Buffer): Buffer | undefined {
    if (this.#ended) return undefined;
    const read = readSync(this.#fd, buffer, 0, FILL_BYTES, this.#at);
    let from = 0;
    let to = 0;
    while (!this.#ended && from + BLOCK_HEAD_BYTES <= read) {
      const block = blockAt(buffer, from);
      if (block === undefined) throw damaged();
      const start = from + BLOCK_HEAD_BYTES;
      const end = start + block.sizeBytes;
      if (end > read) break; // it is read again, whole
      buffer.copyWithin(to, start, end);
      to += block.sizeBytes;
      from = end;
      this.#ended = block.last;
    }
    if (from === 0) throw damaged(); // the file has become shorter
    this.#at += from;
    const bytes = buffer.subarray(0, to);
    this.#crc = crc32(bytes, this.#crc);
    this.#sizeBytes += to;
    if (this.#ended) this.#checkTail();
    return bytes;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #checkTail(): void {
    const tail = Buffer.alloc(TAIL_BYTES);
    readSync(this.#fd, tail, 0, TAIL_BYTES, this.#at);
    if (tail.readUInt32LE(0) !== this.#crc || tail.readUInt32LE(4) !== this.#sizeBytes % 2 ** 32) throw damaged();
  }
}

function isStored(fd: number): boolean {
  const { size } = fstatSync(fd);
  const head = Buffer.alloc(HEAD.length);
  if (readSync(fd, head, 0, HEAD.length, 0) < HEAD.length || !head.equals(HEAD)) return false;
  for (let at = HEAD.length; ; ) {
    if (readSync(fd, head, 0, BLOCK_HEAD_BYTES, at) < BLOCK_HEAD_BYTES) return false;
    const block = blockAt(head, 0);
    if (block === undefined) return false;
    at += BLOCK_HEAD_BYTES + block.sizeBytes;
    if (block.last) return at + TAIL_BYTES === size;
  }
}

/** Undefined when no stored block that begins with a byte begins there. */
function blockAt(buffer: Buffer, at: number): Block | undefined {
  const kind = buffer.readUInt8(at);
  const sizeBytes = buffer.readUInt16LE(at + 1);
  if (kind > 1 || buffer.readUInt16LE(at + 3) !== (~sizeBytes & 0xffff)) return undefined;
  return { last: kind === 1, sizeBytes };
}

function damaged(): Error {
  return new Error('the checksum is wrong');
}
