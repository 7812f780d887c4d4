import { createHash } from 'node:crypto';
import { readKeyringFiles } from '@ict/integrity';
import type { RepositorySpec } from '@ict/plugin-api';
import { debError } from '../errors.js';

/** A public key of a keyring. */
export interface KeyName {
  /** Upper-case hex. */
  readonly fingerprint: string;
  /** Upper-case hex, 16 digits: what signatures name. */
  readonly keyId: string;
  readonly primary: boolean;
}

const PUBLIC_KEY = 6;
const PUBLIC_SUBKEY = 14;

/**
 * Reads the keyrings of a repository.
 *
 * @throws `ICT_DEB_KEYRING_UNREADABLE` when there is none, or one cannot be read: an unsigned repository is never used.
 */
export function readKeyrings(repository: RepositorySpec): readonly Uint8Array[] {
  return readKeyringFiles(repository, (fault) => debError('ICT_DEB_KEYRING_UNREADABLE', fault));
}

/**
 * Names the keys of a keyring, binary or armoured, without using them: enough to tell whose signatures count.
 * Verification itself is the business of `ctx.verify`. Stops at the first packet that cannot be read.
 *
 * @see RFC 9580 section 4.2 (packets), 5.5.4 (key ids and fingerprints)
 */
export function listKeys(keyring: Uint8Array): readonly KeyName[] {
  const bytes = Buffer.from(keyring.buffer, keyring.byteOffset, keyring.byteLength);
  return (bytes[0] & 0x80) !== 0 ? keysOf(bytes) : dearmour(bytes.toString('latin1')).flatMap(keysOf);
}

function dearmour(text: string): Buffer[] {
  const blocks = text.matchAll(/-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/g);
  return Array.from(blocks, ([, block]) => {
    const body = block.split(/\r?\n/).filter((line) => !line.includes(': ') && !line.startsWith('='));
    return Buffer.from(body.join(''), 'base64');
  });
}

function keysOf(bytes: Buffer): KeyName[] {
  const keys: KeyName[] = [];
  let position = 0;
  while (position < bytes.length) {
    const packet = packetAt(bytes, position);
    if (packet === undefined) break;
    const { tag, start, end } = packet;
    if (tag === PUBLIC_KEY || tag === PUBLIC_SUBKEY) {
      const key = nameOf(bytes.subarray(start, end), tag === PUBLIC_KEY);
      if (key !== undefined) keys.push(key);
    }
    position = end;
  }
  return keys;
}

/** Bounds of the packet body at `position`; undefined for damaged or partial packets. */
function packetAt(bytes: Buffer, position: number): { readonly tag: number; readonly start: number; readonly end: number } | undefined {
  const header = bytes[position];
  if ((header & 0x80) === 0) return undefined;
  const read = (offset: number, size: number): number => (offset + size <= bytes.length ? bytes.readUIntBE(offset, size) : Number.NaN);
  let start: number;
  let length: number;
  let tag: number;
  if ((header & 0x40) !== 0) {
    tag = header & 0x3f;
    const first = read(position + 1, 1);
    if (first < 192) [start, length] = [position + 2, first];
    else if (first < 224) [start, length] = [position + 3, ((first - 192) << 8) + read(position + 2, 1) + 192];
    else if (first === 255) [start, length] = [position + 6, read(position + 2, 4)];
    else return undefined;
  } else {
    tag = (header >> 2) & 0x0f;
    const size = [1, 2, 4, 0][header & 3];
    if (size === 0) return undefined;
    [start, length] = [position + 1 + size, read(position + 1, size)];
  }
  const end = start + length;
  return Number.isNaN(end) || end > bytes.length ? undefined : { tag, start, end };
}

function nameOf(body: Buffer, primary: boolean): KeyName | undefined {
  if (body[0] === 4) {
    const prefix = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
    const fingerprint = createHash('sha1').update(prefix).update(body).digest('hex').toUpperCase();
    return { fingerprint, keyId: fingerprint.slice(-16), primary };
  }
  if (body[0] === 6) {
    const prefix = Buffer.alloc(5, 0x9b);
    prefix.writeUInt32BE(body.length, 1);
    const fingerprint = createHash('sha256').update(prefix).update(body).digest('hex').toUpperCase();
    return { fingerprint, keyId: fingerprint.slice(0, 16), primary };
  }
  return undefined;
}
