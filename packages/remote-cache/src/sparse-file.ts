import { open, type FileHandle } from 'node:fs/promises';

/** Of file systems, what the common ones leave out. */
const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** A new file that is written from its start to its end, and has holes where that leaves whole blocks of zeros. */
export class SparseFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  #sizeBytes = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws Node's own error, `EEXIST` where something is. */
  static async create(path: string): Promise<SparseFile> {
    return new SparseFile(await open(path, 'wx'));
  }

  /** @throws Node's own error. */
  async append(bytes: Uint8Array): Promise<void> {
    let start: number | undefined; // of what is not zeros and not yet written
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + BLOCK_BYTES - ((this.#sizeBytes + at) % BLOCK_BYTES));
      if (!isZero(bytes, at, end)) start ??= at;
      else if (start !== undefined) {
        await this.#write(bytes, start, at);
        start = undefined;
      }
      at = end;
    }
    if (start !== undefined) await this.#write(bytes, start, bytes.length);
    this.#sizeBytes += bytes.length;
  }

  /** Gives the file its size, which zeros at its end do not. @throws Node's own error. */
  async finish(): Promise<void> {
    await this.#handle.truncate(this.#sizeBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array, start: number, end: number): Promise<void> {
    for (let at = start; at < end; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, end - at, this.#sizeBytes + at);
      at += bytesWritten;
    }
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === 0 && ZEROS.compare(bytes, start, end, 0, end - start) === 0;
}
