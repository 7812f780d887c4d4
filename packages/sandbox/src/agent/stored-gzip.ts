import { Transform, type TransformCallback } from 'node:stream';
import { crc32 } from 'node:zlib';

/** Largest content of a stored block: its length has 16 bits. */
export const BLOCK_BYTES = 65_535;
/** One bit for the last block, two for the kind, padding; then the length, plain and inverted. */
export const BLOCK_HEAD_BYTES = 5;
/** Checksum and size of the content. */
export const TAIL_BYTES = 8;
/** One member without name or time, made on Unix. */
export const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/**
 * Frames bytes as gzip without compressing them. Unlike zlib's own level 0, the result depends on the bytes alone, not on how they arrive.
 *
 * @see RFC 1951, section 3.2.4; RFC 1952
 */
export class StoredGzip extends Transform {
  #block = Buffer.allocUnsafe(BLOCK_HEAD_BYTES + BLOCK_BYTES);
  #filled = 0;
  #crc = 0;
  #sizeBytes = 0;

  constructor() {
    super({ highWaterMark: 256 * 1024 });
    this.push(HEAD);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#sizeBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === BLOCK_BYTES) this.#emit(false);
      const taken = chunk.copy(this.#block, BLOCK_HEAD_BYTES + this.#filled, at, at + BLOCK_BYTES - this.#filled);
      this.#filled += taken;
      at += taken;
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#emit(true);
    const tail = Buffer.alloc(TAIL_BYTES);
    tail.writeUInt32LE(this.#crc, 0);
    tail.writeUInt32LE(this.#sizeBytes % 2 ** 32, 4);
    this.push(tail);
    done();
  }

  #emit(last: boolean): void {
    this.#block.writeUInt8(last ? 1 : 0, 0);
    this.#block.writeUInt16LE(this.#filled, 1);
    this.#block.writeUInt16LE(~this.#filled & 0xffff, 3);
    this.push(this.#block.subarray(0, BLOCK_HEAD_BYTES + this.#filled));
    this.#block = Buffer.allocUnsafe(BLOCK_HEAD_BYTES + BLOCK_BYTES);
    this.#filled = 0;
  }
}
