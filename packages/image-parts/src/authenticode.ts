import { createHash, sign, type KeyObject } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { contextTag, DER, derElement, derInteger, derObjectIdentifier, derSet, readDer } from './der.js';
import { readFully, type ByteRange } from './piecewise.js';
import { PROGRAM_HEAD_BYTES, readPortableExecutable, type PortableExecutable, type ProgramRefusal } from './portable-executable.js';
import { writeFully } from './write-fully.js';

/** Bumped when {@link signProgram} gives other bytes for equal input. */
export const AUTHENTICODE_VERSION = 1;

/** Who signs programs for UEFI. */
export interface ProgramSigner {
  /** RSA. */
  readonly key: KeyObject;
  /** Certificate of that key, DER. */
  readonly certificate: Uint8Array;
}

/** Signatures begin and end at multiples of this. */
const ALIGNMENT = 8;
const HASHED_AT_A_TIME = 1024 * 1024;
const OID = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256: '2.16.840.1.101.3.4.2.1',
  spcIndirectData: '1.3.6.1.4.1.311.2.1.4',
  spcPeImageData: '1.3.6.1.4.1.311.2.1.15',
} as const;

/**
 * Signs a program as UEFI Secure Boot wants it (Authenticode, SHA-256, RSA PKCS #1 v1.5), in its file. Signatures that it has already are kept, before the new one. No time of
 * signing is stored: equal programs, keys and certificates give equal bytes.
 *
 * @throws what `refuse` makes for a file that is no program, or has gaps that would stay unsigned.
 * @see Microsoft's "Windows Authenticode Portable Executable Signature Format"
 */
export async function signProgram(file: string, signer: ProgramSigner, refuse: ProgramRefusal): Promise<void> {
  await using program = await open(file, 'r+');
  const { size } = await program.stat();
  const head = Buffer.alloc(Math.min(size, PROGRAM_HEAD_BYTES));
  await readFully(program, head, 0);
  const read = readPortableExecutable(head, size, refuse);
  const kept = Buffer.alloc(read.certificates?.length ?? 0);
  if (read.certificates !== undefined) await readFully(program, kept, read.certificates.offset);
  const end = aligned(read.certificates?.offset ?? size);
  await program.truncate(end); // what is added is zeros, and signed
  const digest = createHash('sha256');
  for (const range of signedRanges(read, end, refuse)) {
    for await (const piece of pieces(program, range)) digest.update(piece);
  }
  const added = certificateEntry(signature(digest.digest(), signer));
  await writeFully(program, Buffer.concat([kept, added]), end);
  const place = Buffer.alloc(8);
  place.writeUInt32LE(end);
  place.writeUInt32LE(kept.length + added.length, 4);
  await writeFully(program, place, read.certificatesOffset);
  await writeFully(program, Buffer.alloc(4), read.checksumOffset);
}

/** What of a program is signed: all but its checksum, where its signatures are, and these themselves. */
function signedRanges(program: PortableExecutable, end: number, refuse: ProgramRefusal): readonly ByteRange[] {
  const { headerBytes, checksumOffset, certificatesOffset } = program;
  const contents = program.sections.map(({ content }) => content).filter(({ length }) => length > 0);
  contents.sort((a, b) => a.offset - b.offset);
  let next = headerBytes;
  for (const { offset, length } of contents) {
    // Firmware leaves such a gap out, and reads as many bytes at the end twice.
    if (offset !== next) throw refuse('there are bytes between its sections, which no signature covers');
    next = offset + length;
  }
  const until = (offset: number, stop: number): ByteRange => ({ offset, length: stop - offset });
  return [until(0, checksumOffset), until(checksumOffset + 4, certificatesOffset), until(certificatesOffset + 8, end)];
}

async function* pieces(file: FileHandle, { offset, length }: ByteRange): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(length, HASHED_AT_A_TIME));
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
    await readFully(file, piece, offset + done);
    yield piece;
  }
}

/** An entry of a program's table of signatures: WIN_CERTIFICATE of revision 2.0 with PKCS #7, filled up. */
function certificateEntry(signedData: Buffer): Buffer {
  const entry = Buffer.alloc(aligned(8 + signedData.length));
  entry.writeUInt32LE(8 + signedData.length);
  entry.writeUInt16LE(0x0200, 4);
  entry.writeUInt16LE(0x0002, 6);
  signedData.copy(entry, 8);
  return entry;
}

/** The signature of a program with this digest: SignedData of PKCS #7. */
function signature(digest: Buffer, { key, certificate }: ProgramSigner): Buffer {
  const algorithm = (id: string): Buffer => derElement(DER.sequence, derObjectIdentifier(id), derElement(DER.null));
  const obsolete = Buffer.from('<<<Obsolete>>>', 'utf16le').swap16();
  const file = derElement(contextTag(0), derElement(contextTag(2), derElement(contextTag(0, 'primitive'), obsolete)));
  const imageData = derElement(DER.sequence, derElement(DER.bitString, Buffer.from([0])), file);
  const content = derElement(
    DER.sequence,
    derElement(DER.sequence, derObjectIdentifier(OID.spcPeImageData), imageData),
    derElement(DER.sequence, algorithm(OID.sha256), derElement(DER.octetString, digest)),
  );
  const [inner] = readDer(content);
  const attribute = (id: string, value: Buffer): Buffer => derElement(DER.sequence, derObjectIdentifier(id), derElement(DER.set, value));
  const attributes = [
    attribute(OID.contentType, derObjectIdentifier(OID.spcIndirectData)),
    attribute(
      OID.messageDigest,
      derElement(
        DER.octetString,
        createHash('sha256')
          .update(inner?.content ?? '')
          .digest(),
      ),
    ),
  ];
  const signerInfo = derElement(
    DER.sequence,
    derInteger(1),
    issuerAndSerial(certificate),
    algorithm(OID.sha256),
    derSet(contextTag(0), attributes),
    algorithm(OID.rsaEncryption),
    derElement(DER.octetString, sign('sha256', derSet(DER.set, attributes), key)),
  );
  return derElement(
    DER.sequence,
    derObjectIdentifier(OID.signedData),
    derElement(
      contextTag(0),
      derElement(
        DER.sequence,
        derInteger(1),
        derElement(DER.set, algorithm(OID.sha256)),
        derElement(DER.sequence, derObjectIdentifier(OID.spcIndirectData), derElement(contextTag(0), content)),
        derElement(contextTag(0), certificate),
        derElement(DER.set, signerInfo),
      ),
    ),
  );
}

/** By which a signature names a certificate. */
function issuerAndSerial(certificate: Uint8Array): Buffer {
  const [whole] = readDer(Buffer.from(certificate));
  const [body] = readDer(whole?.content ?? Buffer.alloc(0));
  const fields = readDer(body?.content ?? Buffer.alloc(0));
  // Version 1 has no number of its version.
  const first = fields[0]?.tag === contextTag(0) ? 1 : 0;
  const [serial, , issuer] = fields.slice(first);
  if (serial === undefined || issuer === undefined) throw new RangeError('the certificate ends too early');
  return derElement(DER.sequence, issuer.bytes, serial.bytes);
}

function aligned(value: number): number {
  return Math.ceil(value / ALIGNMENT) * ALIGNMENT;
}
