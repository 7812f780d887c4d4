import { hash } from 'node:crypto';
import type { Key } from 'openpgp';
import { openPgp, type OpenPgp } from './openpgp-library.js';

/** One primary key with all that belongs to it. */
export interface KeyMaterial {
  /** Upper-case hex fingerprint of the primary key. */
  readonly fingerprint: string;
  /** Upper-case hex key ids of the primary key and its subkeys. */
  readonly keyIds: readonly string[];
  /** The transferable public key, binary. */
  readonly binary: Uint8Array;
  /**
   * The key as openpgp knows it; not by its type, as the declarations of openpgp need a package that it does not bring. openpgp notes in a parsed key
   * which of its own signatures are good, and which are revoked at some time; the second would count for checks at other times too. So only a key
   * without revocations is parsed once.
   */
  readonly parse: () => Promise<unknown>;
}

export interface Keyring {
  readonly keys: readonly KeyMaterial[];
  /** Why parts of the keyring were not usable. */
  readonly problems: readonly string[];
}

const armourBlock = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/** The first octet of an OpenPGP packet always has its highest bit set; armour is ASCII. */
function isBinary(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0;
}

function isKeybox(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(8, 12)) === 'KBXf';
}

/**
 * Reads a keyring: binary, or armoured with one or more blocks, each with any number of keys.
 * What cannot be read gives no keys and is named in `problems`; never throws for bad input.
 */
export async function parseKeyring(bytes: Uint8Array): Promise<Keyring> {
  if (isKeybox(bytes)) return { keys: [], problems: ['a keyring is a GnuPG keybox; export it with gpg --export'] };
  const openpgp = await openPgp();
  const { readKeys } = openpgp;
  const sources: (() => ReturnType<typeof readKeys>)[] = isBinary(bytes)
    ? [() => readKeys({ binaryKeys: bytes })]
    : Array.from(
        new TextDecoder('latin1').decode(bytes).matchAll(armourBlock),
        ([armoredKeys]) =>
          () =>
            readKeys({ armoredKeys }),
      );
  if (sources.length === 0) return { keys: [], problems: ['a keyring holds no OpenPGP public key'] };
  const keys: KeyMaterial[] = [];
  const problems: string[] = [];
  for (const read of sources) {
    try {
      for (const key of await read()) {
        keys.push(toMaterial(openpgp, key.toPublic()));
      }
    } catch (error) {
      problems.push(`a keyring cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { keys, problems };
}

function toMaterial(openpgp: OpenPgp, key: Key): KeyMaterial {
  const { keyRevocation, subkeyRevocation, certRevocation } = openpgp.enums.signature;
  const revocations = new Set<unknown>([keyRevocation, subkeyRevocation, certRevocation]);
  const revoked = [...key.toPacketList()].some(
    (packet) => packet instanceof openpgp.SignaturePacket && revocations.has(packet.signatureType),
  );
  const binary = key.write();
  const read = (): Promise<Key> => openpgp.readKey({ binaryKey: binary });
  let parsed: Promise<Key> | undefined;
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    keyIds: key.getKeys().map((part) => part.getKeyID().toHex().toUpperCase()),
    binary,
    parse: revoked ? read : () => (parsed ??= read()),
  };
}

/** Parses each distinct keyring once; keeps the `limit` that were used last. */
export function createKeyringCache(limit = 32): (bytes: Uint8Array) => Promise<Keyring> {
  const parsed = new Map<string, Promise<Keyring>>();
  return (bytes) => {
    const name = hash('sha256', bytes);
    const known = parsed.get(name) ?? parseKeyring(bytes);
    parsed.delete(name);
    parsed.set(name, known);
    const [oldest] = parsed.keys();
    if (parsed.size > limit && oldest !== undefined) parsed.delete(oldest);
    return known;
  };
}
