import { remoteCacheError } from '../errors.js';
import { printedAddress, unescaped } from './address.js';
import type { AwsCredentials } from './s3-signature.js';

/** Of the user guide of Amazon S3, "General purpose bucket naming rules". */
const BUCKET = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Where a remote cache lies on S3. */
export interface S3Address {
  readonly bucket: string;
  /** What keys of objects begin with: empty, or it ends in a slash. */
  readonly prefix: string;
  readonly credentials: AwsCredentials | undefined;
}

/**
 * Reads `s3://bucket/prefix`, which may hold a key id and its secret as user and password.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function readS3Address(address: URL): S3Address {
  const { hostname: bucket, port, search, hash } = address;
  const [keyId, secret, path] = [address.username, address.password, address.pathname].map(unescaped);
  if (!BUCKET.test(bucket)) throw noBucket(address, 'names no bucket', 'A bucket has 3 to 63 small letters, digits, "-" and ".".');
  if (port !== '') {
    throw noBucket(address, 'has a port', 'Write s3://bucket/prefix alone, and name the server by AWS_ENDPOINT_URL_S3.');
  }
  if (search !== '' || hash !== '') throw noBucket(address, 'has a "?" or "#"', 'Write these as %3F and %23.');
  if (keyId === undefined || secret === undefined || path === undefined) {
    throw noBucket(address, 'has a "%" that escapes nothing', 'Write it as %25.');
  }
  if ((keyId === '') !== (secret === '')) {
    throw noBucket(
      address,
      'has one half of a key',
      'Write key id and secret before the bucket, as s3://id:secret@bucket, or none of them.',
    );
  }
  const prefix = path.replace(/^\/+|\/+$/g, '');
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(prefix)) throw noBucket(address, 'has "." or ".." in its prefix', 'Write another prefix.');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/`, credentials: keyId === '' ? undefined : { keyId, secret } };
}

function noBucket(address: URL, fault: string, hint: string): Error {
  const url = printedAddress(address.href);
  return remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', {
    message: `${url}, the address of a remote cache on S3, ${fault}`,
    hint,
    facts: { url },
  });
}
