import { sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEnvelope, PAYLOAD_TYPE, preAuthEncoding, sealEnvelope } from '../src/envelope.js';
import { newSigner } from './world.js';

const signer = newSigner();
const stranger = newSigner();
const payload = Buffer.from('{"a":1}');
const sealed = Buffer.from(sealEnvelope(payload, signer.signing));

function changed(change: (envelope: Record<string, unknown>) => unknown): Buffer {
  return Buffer.from(JSON.stringify(change(JSON.parse(sealed.toString()) as Record<string, unknown>)));
}

it('covers what the specification says', () => {
  expect(preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
  expect(preAuthEncoding('é', Buffer.from('ü')).toString()).toBe('DSSEv1 2 é 2 ü'); // bytes, not letters
});

it('is an envelope of DSSE', () => {
  const { signatures, ...rest } = JSON.parse(sealed.toString()) as { signatures: [{ keyid: string; sig: string }] };
  expect(rest).toEqual({ payloadType: 'application/vnd.ict.cache-record.v1+json', payload: payload.toString('base64') });
  expect(signatures).toHaveLength(1);
  expect(signatures[0].keyid).toBe(signer.id);
  const covered = Buffer.from(`DSSEv1 40 application/vnd.ict.cache-record.v1+json 7 {"a":1}`);
  expect(verify(null, covered, signer.trusted, Buffer.from(signatures[0].sig, 'base64'))).toBe(true);
});

describe('an envelope', () => {
  it('is opened by a trusted key, whichever of them', () => {
    for (const trusted of [[signer.trusted], [stranger.trusted, signer.trusted]])
      expect(openEnvelope(sealed, trusted)).toEqual({ kind: 'signed', payload });
  });

  it('is opened when one of its signatures is good, whatever it calls itself', () => {
    const bytes = changed(({ signatures, ...rest }) => ({
      ...rest,
      signatures: [
        { keyid: signer.id, sig: 'AAAA' },
        { sig: Buffer.alloc(64).toString('base64') },
        null,
        7,
        ...(signatures as object[]).map((one) => ({ ...one, keyid: 'other' })),
      ],
    }));
    expect(openEnvelope(bytes, [signer.trusted])).toEqual({ kind: 'signed', payload });
  });

  it.each<[string, Buffer]>([
    ['of a stranger', Buffer.from(sealEnvelope(payload, stranger.signing))],
    ['of a stranger who writes our name', Buffer.from(sealEnvelope(payload, stranger.signing).replace(stranger.id, signer.id))],
    ['without signatures', changed((envelope) => ({ ...envelope, signatures: [] }))],
    ['with signatures that are none', changed((envelope) => ({ ...envelope, signatures: 'all' }))],
    ['with another payload', changed((envelope) => ({ ...envelope, payload: Buffer.from('{"a":2}').toString('base64') }))],
    ['of another type', changed((envelope) => ({ ...envelope, payloadType: 'application/vnd.in-toto+json' }))],
    [
      'whose signature is over the bare payload',
      changed((envelope) => ({
        ...envelope,
        signatures: [{ keyid: signer.id, sig: sign(null, payload, signer.signing).toString('base64') }],
      })),
    ],
    [
      'whose signature is over another type',
      changed((envelope) => ({
        ...envelope,
        signatures: [{ keyid: signer.id, sig: sign(null, preAuthEncoding('text/plain', payload), signer.signing).toString('base64') }],
      })),
    ],
    [
      'with a good signature behind more bad ones than are tried',
      changed(({ signatures, ...rest }) => ({
        ...rest,
        signatures: [...Array.from({ length: 16 }, () => ({ sig: Buffer.alloc(64).toString('base64') })), ...(signatures as object[])],
      })),
    ],
    ['cut', sealed.subarray(0, -1)],
    ['empty', Buffer.alloc(0)],
    ['null', Buffer.from('null')],
    ['a list', Buffer.from('[]')],
    ['a page of a server', Buffer.from('<html>')],
    ['deep', Buffer.from('['.repeat(200_000))],
  ])('%s is refused', (_name, bytes) => {
    expect(openEnvelope(bytes, [signer.trusted])).toMatchObject({ kind: 'refused' });
  });

  it('is refused when nobody is trusted', () => {
    expect(openEnvelope(sealed, [])).toMatchObject({ kind: 'refused' });
  });

  it('never opens to another payload, whichever bit of it is turned', () => {
    fc.assert(
      fc.property(fc.nat({ max: sealed.length * 8 - 1 }), (bit) => {
        const bytes = Buffer.from(sealed);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const opened = openEnvelope(bytes, [signer.trusted]);
        return opened.kind === 'refused' || opened.payload.equals(payload); // the name of the key says nothing
      }),
      { numRuns: 500 },
    );
  });

  it('opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const opened = openEnvelope(Buffer.from(sealEnvelope(bytes, signer.signing)), [signer.trusted]);
        return opened.kind === 'signed' && opened.payload.equals(bytes);
      }),
      { numRuns: 50 },
    );
  });
});

it('names the type of its payload', () => {
  expect(PAYLOAD_TYPE).toBe('application/vnd.ict.cache-record.v1+json');
});
