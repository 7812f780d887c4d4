import { expect, it } from 'vitest';
import { escapeKey, presign } from '../../src/stores/s3-signature.js';

it('signs as the documentation of S3 shows it', () => {
  const url = presign(new URL('https://examplebucket.s3.amazonaws.com/test.txt'), {
    method: 'GET',
    region: 'us-east-1',
    credentials: { keyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
    atSeconds: Date.UTC(2013, 4, 24) / 1000,
    expirySeconds: 86_400,
  });
  expect(url).toBe(
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400' +
      '&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

// Of `generate_presigned_url` of botocore 1.43.11, with the signature s3v4.
it.each([
  ['POST', { uploads: '' }, '164e59bba85d74511fcae0cf2001df7dbf41e34e1b70184a9823c5d6b8a48c9d'],
  ['PUT', { uploadId: 'id+/= of.~1', partNumber: '7' }, '6e5299fcd0dc5559e839bf2afcf1056a6925f738e22b19c4b2defbda85fc9951'],
  ['POST', { uploadId: 'id+/= of.~1' }, 'c37eacf2cf93e15dd8801d2431b891b61b4fd113bd7fbea0f45bbf7cae64d043'],
  ['DELETE', { uploadId: 'id+/= of.~1' }, 'c44b7fc962357313fd38bf63611c36884d52025a6a3f3fc78e3f09482819e7cf'],
] as const)('signs %s with the query %j as others do', (method, query, signature) => {
  const url = presign(new URL('https://examplebucket.s3.eu-central-1.amazonaws.com/prefix/v1/x'), {
    method,
    query,
    region: 'eu-central-1',
    credentials: { keyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
    atSeconds: Date.UTC(2026, 1, 3, 4, 5, 6) / 1000,
    expirySeconds: 3600,
  });
  const { searchParams } = new URL(url);
  expect(searchParams.get('X-Amz-Signature')).toBe(signature);
  expect(Object.fromEntries(searchParams)).toMatchObject(query);
});

it.each([
  ['v1/blobs/sha256/ab/abcd.zst', 'v1/blobs/sha256/ab/abcd.zst'],
  ['a-b_c.d~e', 'a-b_c.d~e'],
  ["a b+c&d=e?f#g%h(i)'*!", 'a%20b%2Bc%26d%3De%3Ff%23g%25h%28i%29%27%2A%21'],
  ['ü/日', '%C3%BC/%E6%97%A5'],
])('escapes %s', (key, expected) => {
  expect(escapeKey(key)).toBe(expected);
  expect(new URL(`https://h.example/${expected}`).pathname).toBe(`/${expected}`);
});
