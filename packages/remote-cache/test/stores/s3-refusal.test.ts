import { IctError } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { KEY, NOW, TYPE, useWorld, world } from '../world.js';
import { KEY_ID, REGION, s3, s3StoreAt, useS3, type Refusal } from './s3-server.js';

useWorld();
useS3();

const PLACE = 'v1/blobs/sha256/ab/abcd.zst';
const works = {
  get: () => s3StoreAt().get({ place: PLACE, maxBytes: 100 }),
  has: () => s3StoreAt().has(PLACE),
  put: () => s3StoreAt().put(PLACE, world.blob(Buffer.from('x')).file),
};
const methods = Object.entries(works).map(([name, work]) => ({ name, work }));

async function failureOf(work: () => Promise<unknown>): Promise<IctError> {
  const failure: unknown = await work().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(IctError);
  return failure as IctError;
}

const late = new Date((NOW + 3000) * 1000).toUTCString();

it.each<readonly [string, Refusal, string | RegExp]>([
  ['a wrong secret', { status: 403, code: 'SignatureDoesNotMatch' }, 'the secret is not that of the key id (SignatureDoesNotMatch)'],
  ['an unknown key', { status: 403, code: 'InvalidAccessKeyId' }, 'it knows no such key id'],
  ['an old token', { status: 400, code: 'ExpiredToken' }, 'the session token is too old'],
  ['a wrong clock, said', { status: 403, code: 'RequestTimeTooSkewed' }, 'the clock of this machine is wrong'],
  ['a wrong clock, not said', { status: 403, code: 'AccessDenied', headers: { date: late } }, '50 minutes from that of the server'],
  [
    'another region, in the page',
    { status: 400, code: 'AuthorizationQueryParametersError', region: 'us-west-2' },
    'set AWS_REGION=us-west-2',
  ],
  [
    'another region, in a header',
    { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'us-west-2' } },
    'set AWS_REGION=us-west-2',
  ],
  ['another region, not said', { status: 301 }, `perhaps the region of the bucket is not ${REGION}`],
  [
    'no region',
    { status: 400, code: 'InvalidRegionName' },
    `S3 calls it InvalidRegionName; perhaps the region of the bucket is not ${REGION}`,
  ],
  ['another matter', { status: 400, code: 'EntityTooLarge' }, /; S3 calls it EntityTooLarge$/],
])('%s is told', async (_what, refusal, said) => {
  s3.refuse(() => refusal);
  for (const { work } of methods) {
    const failure = await failureOf(work);
    expect(failure).toMatchObject({
      kind: 'network',
      message: expect.stringMatching(said instanceof RegExp ? said : escaped(said)) as string,
    });
    expect(failure.message).toMatch(`${s3.url}/bucket/ict/${PLACE} `);
    expect(failure.message).not.toMatch(/X-Amz|REDACTED/);
    expect(failure.facts['url']).toBe(`${s3.url}/bucket/ict/${PLACE}`);
    expect(JSON.stringify(failure.facts)).not.toContain('X-Amz');
  }
});

function escaped(text: string): RegExp {
  return new RegExp(text.replace(/[.()]/g, '\\$&'));
}

it.each(methods)('$name that is forbidden says what rights there are', async ({ name, work }) => {
  s3.refuse((method) => (name === 'put' && method === 'GET' ? undefined : { status: 403, code: 'AccessDenied' }));
  const failure = await failureOf(work);
  expect(failure).toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 403 } });
  expect(failure.message).toContain(name === 'put' ? 's3:PutObject' : 's3:ListBucket');
  expect(failure.message.includes('S3 calls it AccessDenied')).toBe(name !== 'put');
});

it('a bucket that is not there is told to who writes', async () => {
  s3.refuse(() => ({ status: 404, code: 'NoSuchBucket' }));
  expect(await works.has()).toBe(false);
  expect((await failureOf(works.put)).message).toContain('there is no such bucket');
});

it('keys that are wrong indeed are told so', async () => {
  const wrong = s3StoreAt('s3://bucket/ict', { AWS_SECRET_ACCESS_KEY: 'another' });
  expect((await failureOf(() => wrong.has(PLACE))).message).toContain('SignatureDoesNotMatch');
  const unknown = s3StoreAt(`s3://nobody:secret@bucket/ict`);
  expect((await failureOf(() => unknown.has(PLACE))).message).toContain('InvalidAccessKeyId');
  const elsewhere = s3StoreAt('s3://bucket/ict', { AWS_REGION: 'us-east-1' });
  expect((await failureOf(() => elsewhere.has(PLACE))).message).toContain(`set AWS_REGION=${REGION}`);
});

it.each([500, 503, 429])('status %i is not asked about', async (status) => {
  s3.refuse(() => ({ status }));
  await failureOf(works.has);
  expect(s3.asked.filter((each) => each.startsWith('GET'))).toEqual([]);
});

it('what the server makes up is not repeated', async () => {
  s3.refuse(() => ({ status: 403, code: 'Evil \u001b[31m', region: `x/${KEY_ID}`, headers: { 'x-amz-bucket-region': 'not a region' } }));
  const { message } = await failureOf(works.get);
  expect(message).not.toMatch(/Evil|not a region|AKIA/);
  expect(message).toContain('s3:ListBucket');
});

it('a server that breaks off when it is asked why leaves the failure as it is', async () => {
  s3.refuse((method) => (method === 'HEAD' ? { status: 403 } : { status: 500 }));
  expect(await failureOf(works.has)).toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 403 } });
});

it('a reader is warned once, and the bucket asked no more', async () => {
  s3.refuse(() => ({ status: 403, code: 'AccessDenied' }));
  const cache = world.cache({ stores: [s3StoreAt()] });
  expect(await cache.find(TYPE, KEY)).toBeUndefined();
  const asked = s3.asked.length;
  expect(await cache.find(TYPE, KEY)).toBeUndefined();
  expect(s3.asked).toHaveLength(asked);
  expect(world.events).toMatchObject([
    {
      code: 'ICT_REMOTE_CACHE_UNREACHABLE',
      message: expect.stringMatching(/^The remote cache s3:\/\/bucket\/ict .*s3:ListBucket/) as string,
    },
  ]);
});
