import { canonicalJson, digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealEnvelope } from '../src/envelope.js';
import { readRecord, writeRecord, type RemoteResult } from '../src/record.js';
import { KEY, newSigner, NOW, OTHER_KEY, TYPE } from './world.js';

const signer = newSigner();
const layer = digestOf('layer');
const result: RemoteResult = {
  output: { layer, files: [1, null, 'ü'] },
  archives: { [layer]: { kind: 'blob', digest: digestOf('archive'), sizeBytes: 7 } },
  tool: 'ict 0.1.0',
  durationMs: 1234,
};
const payload: Record<string, Json> = {
  schemaVersion: 1,
  type: TYPE,
  key: KEY,
  output: result.output,
  archives: { [layer]: { kind: 'blob', digest: digestOf('archive'), sizeBytes: 7 } },
  tool: result.tool,
  storedAt: NOW,
  durationMs: 1234,
};
const signed = (value: Json): Buffer => Buffer.from(sealEnvelope(Buffer.from(JSON.stringify(value)), signer.signing));
const read = (bytes: Buffer): unknown => readRecord(bytes, { type: TYPE, key: KEY }, [signer.trusted]);

it('is canonical JSON in an envelope', () => {
  const record = JSON.parse(writeRecord({ type: TYPE, key: KEY }, result, NOW, signer.signing)) as { payload: string };
  expect(Buffer.from(record.payload, 'base64').toString()).toBe(canonicalJson(payload));
});

it.each([
  ['all of it', result],
  ['no duration', { output: null, archives: {}, tool: 'ict' }],
])('is read as it was written: %s', (_name, written) => {
  expect(read(Buffer.from(writeRecord({ type: TYPE, key: KEY }, written, NOW, signer.signing)))).toEqual({
    kind: 'believed',
    result: written,
  });
});

it('may say more than is known today', () => {
  expect(read(signed({ ...payload, host: 'builder' }))).toEqual({ kind: 'believed', result });
});

describe('a record that is signed, and yet refused:', () => {
  it.each<[string, Json]>([
    ['of another key', { ...payload, key: OTHER_KEY }],
    ['of another type', { ...payload, type: 'ict.packages' }],
    ['of another form', { ...payload, schemaVersion: 2 }],
    ['no form', { ...payload, schemaVersion: undefined }],
    ['no output', { ...payload, output: undefined }],
    ['no archives', { ...payload, archives: undefined }],
    ['a list of archives', { ...payload, archives: [] }],
    ['an archive of something else', { ...payload, archives: { '../x': { kind: 'blob', digest: digestOf('archive'), sizeBytes: 7 } } }],
    ['an archive that is null', { ...payload, archives: { [layer]: null } }],
    ['a digest that is a path', { ...payload, archives: { [layer]: { kind: 'blob', digest: '../../etc/passwd', sizeBytes: 7 } } }],
    [
      'a digest of another kind',
      { ...payload, archives: { [layer]: { kind: 'blob', digest: digestOf('archive', 'sha512'), sizeBytes: 7 } } },
    ],
    ['a negative size', { ...payload, archives: { [layer]: { kind: 'blob', digest: digestOf('archive'), sizeBytes: -1 } } }],
    ['half a byte', { ...payload, archives: { [layer]: { kind: 'blob', digest: digestOf('archive'), sizeBytes: 0.5 } } }],
    ['no size', { ...payload, archives: { [layer]: { kind: 'blob', digest: digestOf('archive') } } }],
    ['no tool', { ...payload, tool: 7 }],
    ['a duration that is a text', { ...payload, durationMs: '1' }],
    ['null', null],
    ['a text', 'record'],
    ['a list', [payload]],
  ])('%s', (_name, value) => {
    expect(read(signed(value))).toMatchObject({ kind: 'refused' });
  });

  it('no JSON', () => {
    expect(read(Buffer.from(sealEnvelope(Buffer.from('{'), signer.signing)))).toMatchObject({ kind: 'refused' });
  });
});

it('is refused, or says what a result says, whatever a trusted key has signed', () => {
  const sound = { output: expect.anything() as unknown, archives: expect.any(Object) as unknown, tool: expect.any(String) as unknown };
  const one = fc.record(
    Object.fromEntries(
      Object.entries(payload).map(([name, value]) => [name, fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, fc.jsonValue())]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(one, fc.jsonValue()), (value) => {
      const answer = read(signed(value as Json)) as ReturnType<typeof readRecord>;
      if (answer.kind === 'refused') expect(answer.reason).not.toBe('');
      else expect({ ...answer.result, output: [answer.result.output] }).toMatchObject(sound);
    }),
  );
});
