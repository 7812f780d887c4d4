import { fstatSync } from 'node:fs';
import { pipeline, Readable, Transform, type Duplex, type TransformCallback } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, type Gunzip } from 'node:zlib';
import { isIctError } from '@ict/plugin-api';
import type { ByteReader } from './byte-reader.js';
import { findProgram, ProgramStream, runProgramTo } from './codec-program.js';
import type { Compression } from './compression.js';
import { archiveError } from './errors.js';
import { writeWhole } from './whole-write.js';
import { decompressXzWasm, XzWasmError } from './xz-wasm.js';
import { decompressZchunk } from './zchunk.js';
import { decompressZstdFrames, zstdFrames } from './zstd-frames.js';

export interface DecompressOptions {
  readonly signal?: AbortSignal;
  /** Refuse to give out more bytes than this; default: no bound. Set it for whatever is not verified yet. */
  readonly maxBytes?: number;
  /** Where programs are looked for; default: the environment's `PATH`. Empty: use none. */
  readonly searchPath?: string;
  /** The input is small: decode in this process, which takes less time than starting a program. The result must be read to its end. */
  readonly small?: boolean;
}

const CHUNK_BYTES = 128 * 1024;

/**
 * Decompresses a stream. Several compressed streams one after another are read as one; anything else after the end is an error.
 *
 * gz, zstd and zchunk are decoded by Node, xz by the `xz` program (in a process of its own) or else by WebAssembly, bz2 and lzma by the programs `bzip2`
 * and `xz`. Destroying the result closes the source and ends the program.
 *
 * @returns a byte stream; it fails with `ICT_ARCHIVE_CORRUPT`, `ICT_ARCHIVE_TOO_LARGE`, `ICT_ARCHIVE_PROGRAM_FAILED`, the signal's
 *   reason, or what the source fails with.
 * @throws `ICT_ARCHIVE_PROGRAM_MISSING`; the signal's reason when it is aborted already.
 */
export function decompress(source: AsyncIterable<Uint8Array> | Readable, kind: Compression, options: DecompressOptions = {}): Readable {
  options.signal?.throwIfAborted();
  const input = new SourceErrors(source);
  return through(input, openDecoder(kind, options), new Output(kind, options.maxBytes ?? Infinity, input), options.signal);
}

/**
 * As {@link decompress}, from the place of a reader on. Of gz and zstd the reader is left behind the last stream; that of the others ends with the
 * source.
 */
export function decompressPart(reader: ByteReader, kind: Compression, options: Pick<DecompressOptions, 'signal'>): Readable {
  if (kind !== 'gz' && kind !== 'zstd') return decompress(restOf(reader), kind, options);
  options.signal?.throwIfAborted();
  // Where their streams end is found as they are read: what fails then is the data.
  const output = new Output(kind, Infinity, new SourceErrors([]));
  if (kind === 'gz') return through(gunzipPart(reader), undefined, output, options.signal);
  return through(zstdFrames(reader), openDecoder(kind, options), output, options.signal);
}

/** @param output gets what the decoder gives, or without one the source. */
function through(source: AsyncIterable<Uint8Array>, decoder: Decoder, output: Output, signal: AbortSignal | undefined): Readable {
  const abort = (): void => {
    output.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal?.reason }));
  };
  // Errors come out of `output`, which `pipeline` destroys with them.
  const done = (): void => signal?.removeEventListener('abort', abort);
  signal?.addEventListener('abort', abort, { once: true });
  const readable = Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES });
  if (decoder === undefined) pipeline(readable, output, done);
  else if (typeof decoder === 'function') pipeline(readable, decoder, output, done);
  else pipeline(readable, decoder, output, done);
  return output;
}

/**
 * As {@link decompress}, written at the current place of an open file. `xz` writes there itself: then `maxBytes` only bounds what may stay, not
 * what is written meanwhile, so that this is for input that is verified.
 *
 * @throws what the stream of {@link decompress} fails with; Node's own error when the file cannot be written.
 */
export async function decompressTo(
  source: AsyncIterable<Uint8Array> | Readable,
  kind: Compression,
  descriptor: number,
  options: DecompressOptions = {},
): Promise<void> {
  const { maxBytes = Infinity, signal } = options;
  const xz = kind === 'xz' && options.small !== true ? findProgram('xz', options.searchPath) : undefined;
  if (xz === undefined) {
    for await (const chunk of decompress(source, kind, options) as AsyncIterable<Buffer>) writeWhole(descriptor, chunk);
    return;
  }
  const { size: before } = fstatSync(descriptor);
  await runProgramTo(xz, [...XZ, '--no-sparse'], source, descriptor, { signal, fail: (reason) => corrupt(kind, reason) });
  if (fstatSync(descriptor).size - before > maxBytes) throw tooLarge(kind, maxBytes);
}

/** How the program decompresses to its standard output. */
export const XZ = ['--format=xz', '-dc'];

type Decoder = Duplex | ((source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) | undefined;

function openDecoder(kind: Compression, options: DecompressOptions): Decoder {
  const program = (name: string, args: readonly string[], hint: string): ProgramStream => {
    const path = findProgram(name, options.searchPath);
    if (path !== undefined) return new ProgramStream(path, args, (reason) => corrupt(kind, reason));
    throw archiveError('ICT_ARCHIVE_PROGRAM_MISSING', {
      message: `The program ${name} is needed to read ${kind} data, and is not installed`,
      hint,
      facts: { program: name, compression: kind },
    });
  };
  switch (kind) {
    case 'none':
      return undefined;
    case 'gz':
      return createGunzip({ chunkSize: CHUNK_BYTES });
    case 'zstd':
      return (source) => decompressZstdFrames(source);
    case 'zck':
      return decompressZchunk;
    case 'xz':
      if (options.small === true) return (source) => decompressSmallXz(source, options.searchPath);
      if (findProgram('xz', options.searchPath) === undefined) return decompressXzWasm;
      return program('xz', XZ, '');
    case 'lzma':
      return program('xz', ['--format=lzma', '-dc'], 'Install the package xz-utils (Debian, Ubuntu) or xz.');
    case 'bz2':
      return program('bzip2', ['-dc'], 'Install the package bzip2.');
  }
}

/**
 * Small xz data: in this process, or by the program if that is there and the dictionary, which may be large all the same, does not fit here, or a
 * filter is lacking.
 */
async function* decompressSmallXz(source: AsyncIterable<Uint8Array>, searchPath?: string): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = await buffer(source);
  let begun = false;
  try {
    for await (const chunk of decompressXzWasm(Readable.from([bytes]))) {
      begun = true;
      yield chunk;
    }
  } catch (error) {
    const xz = findProgram('xz', searchPath);
    if (begun || xz === undefined || !(error instanceof XzWasmError && (error.lacksMemory || error.lacksFilter))) throw error;
    const program = new ProgramStream(xz, XZ, (reason) => corrupt('xz', reason));
    program.end(bytes);
    yield* program as AsyncIterable<Buffer>;
  }
}

/** What gunzip makes of the streams of gz at the place of a reader, which is left behind the last of them. */
async function* gunzipPart(reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const fed = feed(reader, gunzip).catch((error: unknown) => void gunzip.destroy(error as Error));
  try {
    yield* gunzip as AsyncIterable<Buffer>;
    await fed;
  } finally {
    gunzip.destroy();
  }
}

async function feed(reader: ByteReader, gunzip: Gunzip): Promise<void> {
  for (let given = 0; ; ) {
    const chunk = await reader.some(CHUNK_BYTES);
    if (chunk === undefined) return void gunzip.end();
    given += chunk.length;
    await new Promise<void>((done, fail) => gunzip.write(chunk, (error) => (error ? fail(error) : done())));
    const behind = given - gunzip.bytesWritten;
    if (behind > 0) return reader.unread(behind); // its streams ended
  }
}

async function* restOf(reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  for (let part = await reader.some(CHUNK_BYTES); part !== undefined; part = await reader.some(CHUNK_BYTES)) yield part;
}

/** Passes a source on and remembers its own failure, which must not be taken for damaged data. */
class SourceErrors implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  failure: { readonly error: unknown } | undefined;

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#source = source;
  }

  /** Ends a source that may wait for bytes which nobody wants any more: an iteration that waits cannot be ended otherwise. */
  close(): void {
    if (this.#source instanceof Readable) this.#source.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#source;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}

/** The end of the chain: counts, and turns what decoders fail with into our errors. */
class Output extends Transform {
  readonly #kind: Compression;
  readonly #maxBytes: number;
  readonly #input: SourceErrors;
  #sizeBytes = 0;

  constructor(kind: Compression, maxBytes: number, input: SourceErrors) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#kind = kind;
    this.#maxBytes = maxBytes;
    this.#input = input;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#maxBytes) done(tooLarge(this.#kind, this.#maxBytes));
    else done(null, chunk);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(this.#named(error));
    this.#input.close();
  }

  #named(error: Error | null): Error | null {
    if (error === null || isIctError(error) || this.#input.failure?.error === error || isDecoderFailure(error) === false) return error;
    return isLackOfMemory(error) ? outOfMemory(this.#kind, error) : corrupt(this.#kind, error.message, error);
  }
}

const FORMAT_ERRORS: ReadonlySet<string> = new Set(['XzWasmError', 'ZstdFormatError', 'ZchunkFormatError']);

/** Decoders fail with zlib's codes, or with errors of the WebAssembly and frame readers, which have none. */
function isDecoderFailure(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (error.name === 'AbortError') return false;
  return code === undefined ? FORMAT_ERRORS.has(error.name) : /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
}

const LACKS_OF_MEMORY: ReadonlySet<string> = new Set(['Z_MEM_ERROR', 'ZSTD_error_memory_allocation']);

function isLackOfMemory(error: Error): boolean {
  return error instanceof XzWasmError ? error.lacksMemory : LACKS_OF_MEMORY.has((error as NodeJS.ErrnoException).code ?? '');
}

function outOfMemory(kind: Compression, cause: Error): Error {
  return archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
    message: `The ${kind} data takes more memory to decompress than there is: ${cause.message}`,
    hint: kind === 'xz' ? 'Install the program xz, which can take more than is used without it.' : 'Free memory, then try again.',
    facts: { compression: kind, reason: cause.message },
    cause,
  });
}

/** Data that its decoder does not take. */
export function corrupt(kind: Compression | 'lz4', reason: string, cause?: unknown): Error {
  return archiveError('ICT_ARCHIVE_CORRUPT', {
    message: `The ${kind} data is damaged, incomplete or followed by something else: ${reason}`,
    hint: 'Fetch the file again.',
    facts: { compression: kind, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Data that becomes more than it may. */
export function tooLarge(kind: Compression | 'lz4', maxBytes: number): Error {
  return archiveError('ICT_ARCHIVE_TOO_LARGE', {
    message: `The ${kind} data is larger than the ${maxBytes} bytes allowed once decompressed`,
    hint: 'The file may be hostile. Check where it comes from.',
    facts: { compression: kind, maxBytes },
  });
}
