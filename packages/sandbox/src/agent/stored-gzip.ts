import { writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Largest content of a stored block: its length has 16 bits. */
export const BLOCK_BYTES = 65_535;
/** One bit for the last block, two for the kind, padding; then the length, plain and inverted. */
export const BLOCK_HEAD_BYTES = 5;
/** One member without name or time, made on Unix. */
export const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
/** Checksum and size of the content. */
export const TAIL_BYTES = 8;

/** Written at a time: what is larger falls out of the processor's caches on the way. */
const BUFFER_BYTES = HEAD.length + 4 * (BLOCK_HEAD_BYTES + BLOCK_BYTES) + TAIL_BYTES;

/**
 * Writes bytes to a file in the frame of gzip, without compressing them. Unlike zlib's own level 0, the result depends on the bytes alone, not on
 * how they arrive.
 *
 * System calls are made synchronously, from one buffer: a stream of pieces costs more than twice the processor time.
 *
 * @see RFC 1951, section 3.2.4; RFC 1952
 */
export class StoredGzip {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Where the block that is being filled begins in the buffer, with its head. */
  #start: number;
  #filled = 0;
  #crc = 0;
  #sizeBytes = 0;

  /** @param descriptor of a file that is open for writing. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#start = HEAD.copy(this.#buffer);
  }

  /** @throws Node's own error when the file cannot be written. */
  write(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
    this.#sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === BLOCK_BYTES) this.#endBlock(false);
      const taken = Math.min(bytes.length - at, BLOCK_BYTES - this.#filled);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#start + BLOCK_HEAD_BYTES + this.#filled);
      this.#filled += taken;
      at += taken;
    }
  }

  /** Writes what is left. @throws as {@link StoredGzip.write}. */
  end(): void {
    this.#endBlock(true);
    this.#buffer.writeUInt32LE(this.#crc, this.#start);
    this.#buffer.writeUInt32LE(this.#sizeBytes % 2 ** 32, this.#start + 4);
    this.#start += TAIL_BYTES;
    this.#flush();
  }

  #endBlock(last: boolean): void {
    this.#buffer.writeUInt8(last ? 1 : 0, this.#start);
    this.#buffer.writeUInt16LE(this.#filled, this.#start + 1);
    this.#buffer.writeUInt16LE(~this.#filled & 0xffff, this.#start + 3);
    this.#start += BLOCK_HEAD_BYTES + this.#filled;
    this.#filled = 0;
    if (this.#start + BLOCK_HEAD_BYTES + BLOCK_BYTES + TAIL_BYTES > BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    for (let at = 0; at < this.#start; ) at += writeSync(this.#descriptor, this.#buffer, at, this.#start - at);
    this.#start = 0;
  }
}
