import { ByteReader } from './byte-reader.js';

/** What the decoder answers when a dictionary is larger than memory, or than it takes. @see XZ_MEM_ERROR, XZ_MEMLIMIT_ERROR of XZ Embedded */
const LACK_OF_MEMORY = /error code [34]$/;
/** What it answers to filters that it does not have, such as those for programs of a machine. @see XZ_OPTIONS_ERROR of XZ Embedded */
const UNKNOWN_FILTER = /error code 6$/;

/** Damaged or incomplete xz data, as far as the WebAssembly decoder says. */
export class XzWasmError extends Error {
  override readonly name = 'XzWasmError';

  /** The data may be fine: its dictionary does not fit into memory. */
  get lacksMemory(): boolean {
    return LACK_OF_MEMORY.test(this.message);
  }

  /** The data may be fine: it needs a filter that this decoder does not have. */
  get lacksFilter(): boolean {
    return UNKNOWN_FILTER.test(this.message);
  }
}

/**
 * Decompresses xz where no `xz` program is installed.
 *
 * The decoder has one instance for the whole process and serves one stream at a time: a second one waits until the first is read to its
 * end or closed, so do not read two in turns.
 */
export async function* decompressXzWasm(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  // Only machines without `xz` pay for loading it. It is CommonJS, so its names are on the default export.
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const input = new ByteReader(source);
  let failure: { readonly error: unknown } | undefined;
  const stream = new XzReadableStream(
    new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const chunk = await input.some(64 * 1024);
            if (chunk === undefined) controller.close();
            else controller.enqueue(Uint8Array.from(chunk));
          } catch (error) {
            failure = { error };
            controller.error(error);
          }
        },
      },
      { highWaterMark: 0 },
    ),
  );
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value.length > 0) yield value;
    }
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    throw new XzWasmError(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    // Frees the decoder; a stream that failed has freed it already and says so again.
    await reader.cancel().catch(() => undefined);
    await input.close();
  }
}
