import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { decompress, decompressAtOnce } from '@ict/archive';
import type { Compression } from '@ict/archive';
import { rpmError } from '../errors.js';
import { formatEvr } from '../relations/evr.js';
import type { Evr } from '../relations/evr.js';
import { rpmlibFeature } from '../relations/rpmlib.js';
import { FileOpening } from './file-opening.js';
import { Header, HEADER_INTRO_BYTES, readHeaderSize } from './header.js';
import { readFiles } from './package-files.js';
import type { RpmFile } from './package-files.js';
import { readPayload } from './payload.js';
import type { PayloadEntry } from './payload.js';
import { parsePackageEvr, readRelations } from './package-relations.js';
import type { PackageRelation } from './package-relations.js';
import { RELATION_TAGS, SCRIPTLET_TAGS, TAG } from './tags.js';
import type { RelationKind, ScriptletKind } from './tags.js';

/** Part of a file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Scriptlet {
  readonly kind: ScriptletKind;
  /** What runs it, as an argv: `/bin/sh`, `<lua>`. */
  readonly program: readonly string[];
  /** Empty when the program is all. */
  readonly text: string;
}

export interface ChangelogEntry {
  readonly timeSeconds: number;
  readonly author: string;
  readonly text: string;
}

/** A package file whose headers were read and bounded. Nothing is verified yet. */
export interface RpmPackage {
  readonly name: string;
  readonly evr: Evr;
  /** `src` for a source package. */
  readonly arch: string;
  readonly isSource: boolean;
  /** 3, 4 or 6: of the lead, and for version 6 of the header. */
  readonly format: number;
  readonly signature: Header;
  readonly header: Header;
  /** Where the header lies: what header signatures and digests cover. */
  readonly headerRange: ByteRange;
  /** Where the compressed payload lies. */
  readonly payloadRange: ByteRange;
  readonly compression: Compression;
  relations(kind: RelationKind): readonly PackageRelation[];
  files(): readonly RpmFile[];
  scriptlets(): readonly Scriptlet[];
  changelog(): readonly ChangelogEntry[];
  /** The bytes of the payload, decompressed. */
  archive(): Readable;
  /** Files with their content, in constant memory. */
  payload(options?: PayloadOptions): AsyncGenerator<PayloadEntry, void, undefined>;
}

export interface PayloadOptions {
  /** Nobody keeps a piece of content once the payload was read: then its memory is given back at once, which otherwise a collector does. */
  readonly isTransient?: boolean;
}

export interface RpmOptions {
  readonly signal?: AbortSignal;
  /** Largest payload once decompressed; default 64 GiB. */
  readonly maxPayloadBytes?: number;
}

const LEAD_BYTES = 96;
const LEAD_MAGIC = 0xedabeedb;
const MAX_SIGNATURE_BYTES = 64 * 2 ** 20;
const MAX_HEADER_BYTES = 256 * 2 ** 20;
/** Largest payload that is decompressed in one call, before and after. Nine packages of ten have less. */
const MAX_AT_ONCE = 16 * 2 ** 20;
const COMPRESSORS: Readonly<Record<string, Compression>> = { gzip: 'gz', bzip2: 'bz2', xz: 'xz', lzma: 'lzma', zstd: 'zstd' };

/**
 * Opens an rpm package of format 3, 4 or 6 and reads its headers. The payload is streamed when it is asked for.
 *
 * @throws `ICT_RPM_LEAD_INVALID` for a file that is no package, `ICT_RPM_HEADER_INVALID` for damaged or hostile headers; Node's own error
 *   for an unreadable file.
 * @see rpm's format documents
 */
export async function readRpm(file: string, options: RpmOptions = {}): Promise<RpmPackage> {
  using opening = new FileOpening(file);
  const lead = readLead(opening);
  const signatureRange = headerRange(opening, LEAD_BYTES, 'signature header', MAX_SIGNATURE_BYTES);
  const signature = new Header(opening.read(signatureRange), 'signature header', TAG.HEADERSIGNATURES);
  const headerStart = Math.ceil((signatureRange.offset + signatureRange.sizeBytes) / 8) * 8;
  const range = headerRange(opening, headerStart, 'header', MAX_HEADER_BYTES);
  const header = new Header(opening.read(range), 'header', TAG.HEADERIMMUTABLE);
  const offset = range.offset + range.sizeBytes;
  const payloadRange = { offset, sizeBytes: opening.sizeBytes - offset };
  return describe({ file, lead, signature, header, headerRange: range, payloadRange }, options);
}

/** The parts of a package file. */
interface Parts extends Pick<RpmPackage, 'signature' | 'header' | 'headerRange' | 'payloadRange'> {
  readonly file: string;
  readonly lead: Lead;
}

interface Lead {
  readonly major: number;
  readonly isSource: boolean;
}

function readLead(opening: FileOpening): Lead {
  const bytes = opening.read({ offset: 0, sizeBytes: LEAD_BYTES });
  if (bytes.length < LEAD_BYTES || bytes.readUInt32BE(0) !== LEAD_MAGIC) throw badLead('it does not begin as one');
  const major = bytes[4]!;
  const type = bytes.readUInt16BE(6);
  if (![3, 4].includes(major)) throw badLead(`it has version ${major}; versions 3 and 4 are read`);
  if (type > 1) throw badLead(`it is of the unknown type ${type}`);
  if (bytes.readUInt16BE(78) !== 5) throw badLead(`its signatures are of the unknown type ${bytes.readUInt16BE(78)}`);
  return { major, isSource: type === 1 };
}

function headerRange(opening: FileOpening, offset: number, where: string, maxDataBytes: number): ByteRange {
  const fileBytes = opening.sizeBytes;
  const intro = opening.read({ offset, sizeBytes: HEADER_INTRO_BYTES });
  const { sizeBytes } = readHeaderSize(intro, where, maxDataBytes);
  if (offset + sizeBytes > fileBytes) {
    throw rpmError('ICT_RPM_HEADER_INVALID', {
      message: `The ${where} of the package ends outside the file`,
      hint: 'The file is incomplete: fetch it again.',
      facts: { part: where, offset, sizeBytes, fileBytes },
    });
  }
  return { offset, sizeBytes };
}

function describe({ file, lead, signature, header, headerRange: range, payloadRange }: Parts, options: RpmOptions): RpmPackage {
  const required = (tag: number, what: string): string => {
    const value = header.string(tag);
    if (value !== undefined && /^[^\s/\0]+$/.test(value)) return value;
    throw missing(what);
  };
  const name = required(TAG.NAME, 'name');
  const evr = parsePackageEvr(header.number(TAG.EPOCH), required(TAG.VERSION, 'version'), required(TAG.RELEASE, 'release'));
  const isSource = header.has(TAG.SOURCEPACKAGE) || lead.isSource;
  const compression = compressionOf(header);
  const { signal, maxPayloadBytes = 64 * 2 ** 30 } = options;
  const shared = signal === undefined ? {} : { signal };
  const files = once(() => readFiles(header, isSource));
  const archive = (): Readable => {
    const stored =
      payloadRange.sizeBytes === 0
        ? Readable.from([])
        : createReadStream(file, { start: payloadRange.offset, end: payloadRange.offset + payloadRange.sizeBytes - 1 });
    // rpm's xz streams carry SHA-256 checks, which the decoder in this process cannot read: always the program.
    return decompress(stored, compression, { ...shared, maxBytes: maxPayloadBytes });
  };
  const payloadBytes = async function* (isTransient: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    requireKnownFeatures(header);
    const whole = smallPayload(file, payloadRange, compression, maxPayloadBytes);
    if (whole === undefined) return yield* archive();
    try {
      yield whole;
    } finally {
      if (isTransient) giveBack(whole);
    }
  };
  return {
    name,
    evr,
    arch: isSource ? 'src' : required(TAG.ARCH, 'architecture'),
    isSource,
    format: header.number(TAG.RPMFORMAT) ?? lead.major,
    signature,
    header,
    headerRange: range,
    payloadRange,
    compression,
    relations: (kind) => readRelations(header, RELATION_TAGS[kind]),
    files,
    scriptlets: () => readScriptlets(header),
    changelog: () => readChangelog(header),
    archive,
    payload: ({ isTransient = false } = {}) => readPayload(payloadBytes(isTransient), files(), `${name} ${formatEvr(evr)}`, shared),
  };
}

/** Such as a layout that would be misread: what a package requires of rpm may be in its header alone, as most metadata leaves it out. */
function requireKnownFeatures(header: Header): void {
  const unknown = header.strings(RELATION_TAGS.requires[0]).find((name) => rpmlibFeature(name) === false);
  if (unknown !== undefined) throw unknownPayload(`feature "${unknown}"`);
}

/** The bytes of a payload of moderate size, decompressed; undefined when they have to be streamed. */
function smallPayload(file: string, range: ByteRange, compression: Compression, maxPayloadBytes: number): Buffer | undefined {
  if (range.sizeBytes > MAX_AT_ONCE) return undefined;
  using opening = new FileOpening(file);
  return decompressAtOnce(opening.read(range), compression, Math.min(MAX_AT_ONCE, maxPayloadBytes));
}

/** Gives memory back, unless it is of the pool that small buffers share. */
function giveBack({ buffer }: Buffer): void {
  if (buffer.byteLength > Buffer.poolSize) (buffer as ArrayBuffer).transfer(0);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** rpm writes no compressor when the payload is not compressed, and before 3.0 always used gzip with the tag absent. */
function compressionOf(header: Header): Compression {
  const format = header.string(TAG.PAYLOADFORMAT) ?? 'cpio';
  if (format !== 'cpio') throw unknownPayload(`format "${format}"`);
  const name = header.string(TAG.PAYLOADCOMPRESSOR);
  if (name === undefined) return header.has(TAG.PAYLOADFORMAT) ? 'none' : 'gz';
  const compression = Object.hasOwn(COMPRESSORS, name) ? COMPRESSORS[name] : undefined;
  if (compression === undefined) throw unknownPayload(`compression "${name}"`);
  return compression;
}

function readScriptlets(header: Header): readonly Scriptlet[] {
  return (Object.entries(SCRIPTLET_TAGS) as [ScriptletKind, readonly [number, number]][]).flatMap(([kind, [text, program]]) => {
    if (!header.has(text) && !header.has(program)) return [];
    const argv = header.strings(program);
    return [{ kind, program: argv.length === 0 ? ['/bin/sh'] : argv, text: header.string(text) ?? '' }];
  });
}

function readChangelog(header: Header): readonly ChangelogEntry[] {
  const times = header.numbers(TAG.CHANGELOGTIME);
  const authors = header.strings(TAG.CHANGELOGNAME);
  const texts = header.strings(TAG.CHANGELOGTEXT);
  if (times.length !== authors.length || times.length !== texts.length) throw missing('part of its changelog');
  return times.map((timeSeconds, i) => ({ timeSeconds, author: authors[i]!, text: texts[i]! }));
}

function badLead(reason: string): Error {
  return rpmError('ICT_RPM_LEAD_INVALID', {
    message: `The file is no rpm package that can be read: ${reason}`,
    hint: 'Check the file with "rpm -qip"; fetch it again when it is damaged.',
    facts: { reason },
  });
}

function missing(what: string): Error {
  return rpmError('ICT_RPM_HEADER_INVALID', {
    message: `The header of the package lacks its ${what}`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { part: 'header', reason: `no ${what}` },
  });
}

function unknownPayload(what: string): Error {
  return rpmError('ICT_RPM_PAYLOAD_INVALID', {
    message: `The payload of the package has the ${what}, which is not read`,
    hint: 'Payloads are cpio archives, compressed with gzip, bzip2, xz, lzma or zstd, or not at all.',
    facts: { reason: what },
  });
}
