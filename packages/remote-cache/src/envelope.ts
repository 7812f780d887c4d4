import { sign, verify, type KeyObject } from 'node:crypto';
import { keyId } from './keys.js';

/** What the payload of a record is. It is signed with it, so that a signature over something else is none over a record. */
export const PAYLOAD_TYPE = 'application/vnd.ict.cache-record.v1+json';

/** What an envelope holds, or why nothing of it is believed. */
export type Opened = { readonly kind: 'signed'; readonly payload: Buffer } | { readonly kind: 'refused'; readonly reason: string };

const SIGNATURE_BYTES = 64;
/** More signatures than anybody makes; each that is tried costs a reading of the payload. */
const MAX_SIGNATURES = 16;

/**
 * The bytes that a signature covers.
 *
 * @see DSSE v1, "pre-authentication encoding"
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload]);
}

/** A DSSE envelope as JSON text: the payload and one signature over it. */
export function sealEnvelope(payload: Uint8Array, signingKey: KeyObject): string {
  const signature = sign(null, preAuthEncoding(PAYLOAD_TYPE, payload), signingKey);
  return JSON.stringify({
    payloadType: PAYLOAD_TYPE,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: keyId(signingKey), sig: signature.toString('base64') }],
  });
}

/**
 * The payload of an envelope, if one of its signatures is by a trusted key. `keyid` decides nothing: whoever wrote the envelope chose it.
 *
 * @param bytes from anywhere.
 */
export function openEnvelope(bytes: Uint8Array, trusted: readonly KeyObject[]): Opened {
  const envelope = parseEnvelope(bytes);
  if (envelope === undefined) return { kind: 'refused', reason: 'it is no signed record' };
  const { payload, signatures } = envelope;
  const covered = preAuthEncoding(PAYLOAD_TYPE, payload);
  const good = signatures.some((signature) => trusted.some((key) => verify(null, covered, key, signature)));
  return good ? { kind: 'signed', payload } : { kind: 'refused', reason: 'no signature of it is good and by a trusted key' };
}

function parseEnvelope(bytes: Uint8Array): { readonly payload: Buffer; readonly signatures: readonly Uint8Array[] } | undefined {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const { payloadType, payload, signatures } = value as Record<string, unknown>;
  if (payloadType !== PAYLOAD_TYPE || typeof payload !== 'string' || !Array.isArray(signatures)) return undefined;
  const read = signatures.slice(0, MAX_SIGNATURES).flatMap((entry: unknown) => {
    const sig = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)['sig'] : undefined;
    const signature = typeof sig === 'string' ? Buffer.from(sig, 'base64') : undefined;
    return signature?.length === SIGNATURE_BYTES ? [signature] : [];
  });
  return { payload: Buffer.from(payload, 'base64'), signatures: read };
}

/** The value of JSON text in UTF-8; undefined for all else. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as unknown;
  } catch {
    return undefined;
  }
}
