import { createHash } from 'node:crypto';
import { TAG } from '../src/tags.js';

/** A value of a header: numbers of 2, 4 or 8 bytes, one string, several, or bytes. */
export type HeaderValue =
  | { readonly width: 2 | 4 | 8; readonly numbers: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly bytes: Uint8Array };

const NUMBER_TYPES = { 2: 3, 4: 4, 8: 5 } as const;

function encodeValue(value: HeaderValue): {
  readonly type: number;
  readonly count: number;
  readonly align: number;
  readonly bytes: Buffer;
} {
  if ('text' in value) return { type: 6, count: 1, align: 1, bytes: Buffer.from(`${value.text}\0`) };
  if ('texts' in value)
    return { type: 8, count: value.texts.length, align: 1, bytes: Buffer.from(value.texts.map((text) => `${text}\0`).join('')) };
  if ('bytes' in value) return { type: 7, count: value.bytes.length, align: 1, bytes: Buffer.from(value.bytes) };
  const { numbers, width } = value;
  const bytes = Buffer.alloc(numbers.length * width);
  numbers.forEach((number, i) =>
    width === 8 ? bytes.writeBigUInt64BE(BigInt(number), i * 8) : bytes.writeUIntBE(number, i * width, width),
  );
  return { type: NUMBER_TYPES[width], count: numbers.length, align: width, bytes };
}

/** A header with an immutable region of all its entries, as rpm writes it. */
export function encodeHeader(region: number, values: Readonly<Record<number, HeaderValue>>): Buffer {
  const tags = Object.keys(values).map(Number);
  const index: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  const entry = (tag: number, type: number, at: number, count: number): Buffer => {
    const bytes = Buffer.alloc(16);
    [tag, type, at, count].forEach((number, i) => bytes.writeInt32BE(number, i * 4));
    return bytes;
  };
  for (const tag of tags) {
    const { type, count, align, bytes } = encodeValue(values[tag]!);
    const padding = (align - (offset % align)) % align;
    data.push(Buffer.alloc(padding), bytes);
    index.push(entry(tag, type, offset + padding, count));
    offset += padding + bytes.length;
  }
  data.push(entry(region, 7, -16 * (tags.length + 1), 16));
  index.unshift(entry(region, 7, offset, 16));
  const intro = Buffer.alloc(16);
  intro.writeUInt32BE(0x8eade801, 0);
  intro.writeUInt32BE(index.length, 8);
  intro.writeUInt32BE(offset + 16, 12);
  return Buffer.concat([intro, ...index, ...data]);
}

export interface RpmParts {
  /** Tags of the header beside name, version, release, architecture, and the digest of the payload. */
  readonly header?: Readonly<Record<number, HeaderValue>>;
  readonly payload: Uint8Array;
  /** What the signature header says of the header. */
  readonly sign?: (header: Buffer) => Readonly<Record<number, HeaderValue>>;
}

/** A package file `made-1-1.noarch`, as rpm would write it, or as it never would. */
export function encodeRpm({ header = {}, payload, sign = () => ({}) }: RpmParts): Buffer {
  const main = encodeHeader(TAG.HEADERIMMUTABLE, {
    [TAG.NAME]: { text: 'made' },
    [TAG.VERSION]: { text: '1' },
    [TAG.RELEASE]: { text: '1' },
    [TAG.ARCH]: { text: 'noarch' },
    [TAG.PAYLOADDIGEST]: { texts: [createHash('sha256').update(payload).digest('hex')] },
    [TAG.PAYLOADDIGESTALGO]: { width: 4, numbers: [8] },
    ...header,
  });
  const signature = encodeHeader(TAG.HEADERSIGNATURES, { 1000: { width: 4, numbers: [main.length + payload.length] }, ...sign(main) });
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb, 0);
  lead.writeUInt8(3, 4);
  lead.writeUInt16BE(1, 8);
  lead.write('made-1-1', 10, 'latin1');
  lead.writeUInt16BE(5, 78);
  return Buffer.concat([lead, signature, Buffer.alloc((8 - (signature.length % 8)) % 8), main, payload]);
}

/** Header tags that describe regular files. */
export function fileTags(files: Readonly<Record<string, number>>): Readonly<Record<number, HeaderValue>> {
  const paths = Object.keys(files);
  return {
    [TAG.LONGFILESIZES]: { width: 8, numbers: Object.values(files) },
    [TAG.FILEMODES]: { width: 2, numbers: paths.map(() => 0o100644) },
    [TAG.DIRINDEXES]: { width: 4, numbers: paths.map((_, i) => i) },
    [TAG.BASENAMES]: { texts: paths.map((path) => path.slice(path.lastIndexOf('/') + 1)) },
    [TAG.DIRNAMES]: { texts: paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1)) },
    [TAG.PAYLOADFORMAT]: { text: 'cpio' },
  };
}

/** A member of a cpio archive with names. */
export function cpioMember(name: string, content: string | Uint8Array, mode = 0o100644): Buffer {
  const bytes = Buffer.from(content);
  const path = Buffer.from(`${name}\0`);
  const fields = [1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, path.length, 0];
  const head = Buffer.concat([Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`), path]);
  const padded = (buffer: Buffer): Buffer => Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
  return Buffer.concat([padded(head), padded(bytes)]);
}

export const CPIO_END = cpioMember('TRAILER!!!', '', 0);

/** Zeros between two texts as a zstd frame of a few bytes a block of 128 KiB. @param sizeBytes a multiple of that. */
export function zeros(prefix: Buffer, sizeBytes: number, suffix: Buffer): Buffer {
  const BLOCK = 128 * 1024;
  const block = (type: number, size: number, last = 0): Buffer => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntLE(last + (type << 1) + size * 8, 0, 3);
    return bytes;
  };
  const raw = (bytes: Buffer, last = 0): Buffer => Buffer.concat([block(0, bytes.length, last), bytes]);
  const run = Buffer.concat([block(1, BLOCK), Buffer.alloc(1)]);
  const runs = Buffer.concat(Array<Buffer>(sizeBytes / BLOCK).fill(run));
  // A frame of unknown size with a window of 128 KiB.
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), raw(prefix), runs, raw(suffix, 1)]);
}
