import { open, stat, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { refuseSpecialFile } from '@ict/integrity';

/** Bytes of a file: where they begin, and how many they are. */
export interface FileRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What is sent: a file or a range of it, or text. */
export type SentContent = { readonly file: string; readonly range?: FileRange } | { readonly text: string };

/** A body that is being sent. */
export interface SentBody {
  readonly stream: Readable;
  /** Why it could not be read, once that is so: then neither the server nor the way to it is at fault. */
  trouble(): unknown;
}

/** What can be sent, from its start, as often as need be. */
export interface Sendable {
  readonly sizeBytes: number;
  /** Absent where nothing is to be sent. @throws Node's own error for a file that cannot be opened. */
  readonly openBody?: () => Promise<SentBody>;
}

const READ_BYTES = 256 * 1024;

/** @throws Node's own error for a file that cannot be looked at, or is none. */
export async function sendable(content: SentContent): Promise<Sendable> {
  if ('text' in content) {
    const bytes = Buffer.from(content.text);
    const openBody = async (): Promise<SentBody> => ({ stream: Readable.from([bytes]), trouble: () => undefined });
    return { sizeBytes: bytes.length, ...(bytes.length === 0 ? {} : { openBody }) };
  }
  const { file } = content;
  refuseSpecialFile(file);
  const range = content.range ?? { offset: 0, sizeBytes: (await stat(file)).size };
  return { sizeBytes: range.sizeBytes, ...(range.sizeBytes === 0 ? {} : { openBody: async () => bodyOf(file, await open(file), range) }) };
}

/** As long as was announced, also when somebody appends to the file. */
function bodyOf(file: string, handle: FileHandle, range: FileRange): SentBody {
  let trouble: unknown;
  let { offset } = range;
  const end = range.offset + range.sizeBytes;
  const stream = new Readable({
    highWaterMark: READ_BYTES,
    read() {
      void next().then(
        (piece) => this.push(piece),
        (error: unknown) => {
          trouble = error;
          this.destroy(error as Error);
        },
      );
    },
    destroy(error, done) {
      void handle.close().then(
        () => done(error),
        () => done(error), // what was read was read
      );
    },
  });

  async function next(): Promise<Uint8Array | null> {
    if (offset === end) return null;
    const wanted = Math.min(READ_BYTES, end - offset);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, offset);
    if (bytesRead === 0) throw new Error(`${file} became shorter while it was sent`);
    offset += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  return { stream, trouble: () => trouble };
}
