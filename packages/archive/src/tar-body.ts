import { archiveError } from './errors.js';
import type { ByteReader } from './byte-reader.js';
import { BLOCK_BYTES } from './tar-header.js';
import type { SparseMap } from './tar-sparse.js';

/** Holes of sparse files are handed out as views of this one block, which is how the extractor knows them again. */
const HOLE = Buffer.alloc(64 * 1024);

/** True for a chunk that stands for a hole of a sparse file: it is all zero and need not be written. */
export function isHole(chunk: Uint8Array): boolean {
  return chunk.buffer === HOLE.buffer;
}

/**
 * All of a member's content, when it has arrived already and is stored as it is, and nothing of it was read: most files are small, and an
 * iteration costs them more than their bytes. The bytes are good until the next entry is asked for.
 */
export function wholeContent(content: AsyncIterable<Uint8Array>): Uint8Array | undefined {
  return content instanceof TarBody ? content.whole() : undefined;
}

/** The stored bytes of one member, from the reader that all members share. */
export class TarBody implements AsyncIterable<Uint8Array> {
  readonly #reader: ByteReader;
  readonly #path: string;
  #remaining: number;
  #padding: number;
  #sparse: SparseMap | undefined;
  #started = false;
  #passed = false;

  constructor(reader: ByteReader, path: string, storedBytes: number) {
    this.#reader = reader;
    this.#path = path;
    this.#remaining = storedBytes;
    this.#padding = (BLOCK_BYTES - (storedBytes % BLOCK_BYTES)) % BLOCK_BYTES;
  }

  get remaining(): number {
    return this.#remaining;
  }

  /** From now on the iteration spreads the remaining stored bytes over the real size. */
  spread(map: SparseMap): void {
    this.#sparse = map;
  }

  /** One whole block of stored bytes, which the content does not show. */
  readonly block = async (): Promise<Buffer> => {
    const block = this.#remaining < BLOCK_BYTES ? undefined : await this.#reader.read(BLOCK_BYTES);
    if (block === undefined || block.length < BLOCK_BYTES) throw this.#truncated();
    this.#remaining -= BLOCK_BYTES;
    return block;
  };

  /** @see {@link wholeContent} */
  whole(): Uint8Array | undefined {
    if (this.#passed || this.#started || this.#sparse !== undefined) return undefined;
    const bytes = this.#reader.take(this.#remaining);
    if (bytes === undefined) return undefined;
    this.#started = true;
    this.#remaining = 0;
    return bytes;
  }

  /** @throws `ICT_ARCHIVE_ENTRY_PASSED` for a second reading, or one after the next entry was asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#passed || this.#started) throw this.#alreadyPassed();
    this.#started = true;
    if (this.#sparse === undefined) {
      yield* this.#stored(this.#remaining);
      return;
    }
    let at = 0;
    for (const run of this.#sparse.runs) {
      yield* hole(run.offset - at);
      yield* this.#stored(run.sizeBytes);
      at = run.offset + run.sizeBytes;
    }
    yield* hole(this.#sparse.realSizeBytes - at);
  }

  /** Passes over what was not read, and over the padding. @returns a promise unless all of that has arrived. */
  finish(): Promise<void> | undefined {
    this.#passed = true;
    const rest = this.#remaining + this.#padding;
    this.#remaining = 0;
    this.#padding = 0;
    return rest === 0 || this.#reader.take(rest) !== undefined ? undefined : this.#skip(rest);
  }

  async #skip(count: number): Promise<void> {
    if ((await this.#reader.skip(count)) < count) throw this.#truncated();
  }

  async *#stored(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let missing = count; missing > 0; ) {
      if (this.#passed) throw this.#alreadyPassed();
      const chunk = await this.#reader.some(missing);
      if (chunk === undefined) throw this.#truncated();
      missing -= chunk.length;
      this.#remaining -= chunk.length;
      yield chunk;
    }
  }

  #truncated(): Error {
    return archiveError('ICT_ARCHIVE_TRUNCATED', {
      message: `The tar archive ends within "${this.#path}"`,
      hint: 'The file is incomplete: fetch it again.',
      facts: { path: this.#path, offset: this.#reader.offset },
    });
  }

  #alreadyPassed(): Error {
    return archiveError('ICT_ARCHIVE_ENTRY_PASSED', {
      message: `The content of "${this.#path}" was asked for again, or after the next entry`,
      hint: 'Read the content of each entry once, before the next one.',
      facts: { path: this.#path },
    });
  }
}

function* hole(count: number): Generator<Uint8Array, void, undefined> {
  for (let missing = count; missing > 0; missing -= HOLE.length) {
    yield HOLE.subarray(0, Math.min(missing, HOLE.length));
  }
}
