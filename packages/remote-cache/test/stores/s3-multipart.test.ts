import { truncateSync } from 'node:fs';
import type { IctError } from '@ict/plugin-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PART_BYTES, partSize } from '../../src/stores/s3-multipart.js';
import type { TransportAnswer, TransportRequest } from '../../src/stores/store.js';
import { useWorld, world } from '../world.js';
import { s3, s3StoreAt, SECRET, useS3, type Refusal } from './s3-server.js';

useWorld();
useS3();

const PLACE = 'v1/blobs/sha256/ab/abcd.zst';
const OBJECT = `bucket/ict/${PLACE}`;
const partBytes = 10;
const content = Buffer.from('a layer of 37 bytes, sent in 4 parts.');
const UPLOAD = encodeURIComponent('id+/1=');

const store = (env = {}): ReturnType<typeof s3StoreAt> => s3StoreAt('s3://bucket/ict', env, { partBytes });

const put = (bytes = content): Promise<void> => store().put(PLACE, world.blob(bytes).file);

async function failureOf(work: Promise<unknown>): Promise<IctError> {
  const failure: unknown = await work.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  return failure as IctError;
}

/** Answers so the first requests of this kind, as often as there are answers. */
function refuseOnce(kind: string, ...answers: readonly Refusal[]): void {
  const left = [...answers];
  s3.refuse((_method, asked) => (asked.replace(OBJECT, '') === kind ? left.shift() : undefined));
}

const asked = (): string[] => s3.asked.map((each) => each.replace(OBJECT, ''));

const BEGIN = 'POST ?uploads=';
const END = `POST ?uploadId=${UPLOAD}`;
const UNDO = `DELETE ?uploadId=${UPLOAD}`;
const part = (number: number): string => `PUT ?partNumber=${number}&uploadId=${UPLOAD}`;

it('is an object once all are there', async () => {
  await put();
  expect(s3.objects).toEqual(new Map([[OBJECT, content]]));
  expect(asked()).toEqual([BEGIN, part(1), part(2), part(3), part(4), END]);
  expect(s3.uploads).toEqual(new Map());
});

it.each([
  [0, ['PUT ']],
  [partBytes, ['PUT ']],
  [partBytes + 1, [BEGIN, part(1), part(2), END]],
  [2 * partBytes, [BEGIN, part(1), part(2), END]],
])('a file of %i bytes takes %j', async (sizeBytes, requests) => {
  const bytes = content.subarray(0, sizeBytes);
  await put(bytes);
  expect(asked()).toEqual(requests);
  expect(s3.objects.get(OBJECT)?.equals(bytes)).toBe(true);
});

it('replaces what was there, with keys that have a session token', async () => {
  s3.objects.set(OBJECT, Buffer.from('damaged'));
  await store({ AWS_SESSION_TOKEN: 'of/a+while==' }).put(PLACE, world.blob(content).file);
  expect(s3.objects.get(OBJECT)?.equals(content)).toBe(true);
});

it('each request is signed by itself', async () => {
  await put();
  const signatures = s3.addresses.map((address) => /X-Amz-Signature=(\w{64})$/.exec(address)?.[1]);
  expect(new Set(signatures).size).toBe(6);
});

it('sends a part again, and no other, after a failure that may pass', async () => {
  refuseOnce(part(2), { status: 503 });
  await put();
  expect(asked().filter((each) => each.startsWith('PUT'))).toEqual([part(1), part(2), part(2), part(3), part(4)]);
  expect(s3.objects.get(OBJECT)?.equals(content)).toBe(true);
});

it.each([
  ['the beginning', BEGIN, []],
  ['a part', part(2), [UNDO]],
  ['the end', END, [UNDO]],
])('a refusal of %s is told, and what was sent is removed', async (_what, kind, undone) => {
  refuseOnce(kind, ...Array.from({ length: 9 }, () => ({ status: 403, code: 'AccessDenied' })));
  const failure = await failureOf(put());
  expect(failure).toMatchObject({ code: 'ICT_FETCH_STATUS', kind: 'network', facts: { status: 403, url: `${s3.url}/${OBJECT}` } });
  expect(failure.message).toContain('s3:PutObject');
  expect(asked().filter((each) => each.startsWith('DELETE'))).toEqual(undone);
  expect(s3.uploads).toEqual(new Map());
  expect(s3.objects).toEqual(new Map());
});

it('what cannot be removed hides no failure', async () => {
  s3.refuse((method, told) => (told.includes('partNumber=3') || method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined));
  expect(await failureOf(put())).toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { method: 'PUT' } });
  expect(s3.uploads.size).toBe(1);
});

it.each(['InternalError', 'SlowDown'])('an end that failed for now (%s), with status 200, is asked for again', async (code) => {
  refuseOnce(END, { status: 200, code });
  await put();
  expect(asked().filter((each) => each === END)).toHaveLength(2);
  expect(s3.objects.get(OBJECT)?.equals(content)).toBe(true);
});

it.each<readonly [string, readonly Refusal[], string]>([
  [
    'for now, twice',
    [
      { status: 200, code: 'InternalError' },
      { status: 200, code: 'InternalError' },
    ],
    'S3 calls it InternalError',
  ],
  ['for good', [{ status: 200, code: 'EntityTooLarge' }], 'S3 calls it EntityTooLarge'],
  ['with its status', [{ status: 400, code: 'InvalidPart' }], 'S3 calls it InvalidPart'],
  ['as others ended it', [{ status: 404, code: 'NoSuchUpload' }], 'the upload of its parts was ended by others (NoSuchUpload)'],
  ['with rubbish', [{ status: 200, page: 'constructor' }], 'its answer cannot be read'],
  ['with nothing', [{ status: 200 }], 'its answer cannot be read'],
])('an end that fails %s is told', async (_how, answers, said) => {
  refuseOnce(END, ...answers);
  const failure = await failureOf(put());
  expect(failure).toMatchObject({
    code: 'ICT_REMOTE_CACHE_UNREACHABLE',
    kind: 'network',
    facts: { url: `${s3.url}/${OBJECT}`, reason: said },
  });
  expect(asked().at(-1)).toBe(UNDO);
  expect(s3.objects).toEqual(new Map());
  expect(s3.uploads).toEqual(new Map());
});

it('an end whose answer was lost is one, when the object is there', async () => {
  refuseOnce(END, { status: 503, done: true });
  await put();
  expect(asked().slice(-3)).toEqual([END, END, 'HEAD ']);
});

it('an upload that others ended is none, when what is there is of another size', async () => {
  s3.objects.set(OBJECT, Buffer.from('before'));
  refuseOnce(END, { status: 404, code: 'NoSuchUpload' });
  expect(await failureOf(put())).toMatchObject({ code: 'ICT_REMOTE_CACHE_UNREACHABLE' });
});

it.each([
  ['that has no name', BEGIN, { status: 200, page: '<UploadId></UploadId>' }, 'it names no upload to send parts to'],
  ['of a part without a tag', part(1), { status: 200 }, 'it names no tag of a part'],
])('an answer %s ends it', async (_what, kind, answer, reason) => {
  refuseOnce(kind, answer);
  expect(await failureOf(put())).toMatchObject({ code: 'ICT_REMOTE_CACHE_UNREACHABLE', facts: { reason } });
  expect(s3.uploads).toEqual(new Map());
});

it('a build that is stopped removes what it sent', async () => {
  const reason = new Error('stopped');
  s3.refuse((_method, told) => {
    if (told.includes('partNumber=2')) world.abort(reason);
    return undefined;
  });
  expect(await failureOf(put())).toBe(reason);
  expect(asked()).toEqual([BEGIN, part(1), part(2), UNDO]);
  expect(s3.uploads).toEqual(new Map());
});

it('a file that got shorter meanwhile is no object', async () => {
  const { file } = world.blob(content);
  s3.refuse((_method, told) => {
    if (told.includes('partNumber=1')) truncateSync(file, 15);
    return undefined;
  });
  await failureOf(store().put(PLACE, file));
  expect(s3.objects).toEqual(new Map());
  expect(s3.uploads).toEqual(new Map());
});

/** A store of a server that takes everything, and what it was told. */
function recording(env = {}): { readonly told: readonly TransportRequest[]; readonly store: ReturnType<typeof s3StoreAt> } {
  const told: TransportRequest[] = [];
  const pages = ['<UploadId>1</UploadId>', '', '', '', '', '<CompleteMultipartUploadResult/>'];
  const send = async (request: TransportRequest): Promise<TransportAnswer> => {
    told.push(request);
    return { status: 200, headers: { etag: '"1"' }, text: pages[told.length - 1] ?? '', url: request.url };
  };
  return { told, store: s3StoreAt('s3://bucket', env, { partBytes, client: { send } }) };
}

it('needs no keys where nobody does', async () => {
  const { told, store } = recording({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
  await store.put(PLACE, world.blob(content).file);
  expect(told.slice(0, 2).map(({ url }) => url)).toEqual(
    ['uploads=', 'partNumber=1&uploadId=1'].map((query) => `${s3.url}/bucket/${PLACE}?${query}`),
  );
});

it('S3 may take its time to put parts together, and for nothing else', async () => {
  const { told, store } = recording();
  await store.put(PLACE, world.blob(content).file);
  expect(told.map(({ bodyWithinMs = 0 }) => bodyWithinMs > 60_000)).toEqual([false, false, false, false, false, true]);
});

it('tells no secret', async () => {
  s3.refuse((_method, told) => (told.includes('partNumber=2') ? { status: 403, code: 'SignatureDoesNotMatch' } : undefined));
  const failure = await failureOf(put());
  expect(JSON.stringify([failure, failure.message, failure.stack])).not.toMatch(new RegExp(`X-Amz|${UPLOAD}|${SECRET.slice(0, 12)}`));
});

it('parts of a file are no more than S3 takes, and not larger than that needs', () => {
  const GIB = 1024 ** 3;
  expect([1, 5 * GIB, 625 * GIB].map((sizeBytes) => partSize(sizeBytes, PART_BYTES))).toEqual([PART_BYTES, PART_BYTES, PART_BYTES]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 48 * 1024 * GIB }), (sizeBytes) => {
      const size = partSize(sizeBytes, PART_BYTES);
      expect(Math.ceil(sizeBytes / size)).toBeLessThanOrEqual(10_000);
      expect(size).toBeGreaterThanOrEqual(PART_BYTES);
      expect(size).toBeLessThanOrEqual(5 * GIB);
      if (size > PART_BYTES) expect(Math.ceil(sizeBytes / (size - 1024 ** 2))).toBeGreaterThan(10_000);
    }),
  );
});
