import { createHash, createHmac } from 'node:crypto';
import { compareText } from '@ict/integrity';

/** What S3 knows somebody by. */
export interface AwsCredentials {
  readonly keyId: string;
  readonly secret: string;
  /** Of keys that last for a while. */
  readonly sessionToken?: string;
  /** Until when they last, seconds since 1970. Absent: nobody said that they end. */
  readonly expiresAtSeconds?: number;
}

/** What a request of S3 says in its query. */
export type S3Query = Readonly<Record<string, string>>;

export interface SigningOptions {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly query?: S3Query;
  /** As the server knows itself. */
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** Now, seconds since 1970. */
  readonly atSeconds: number;
  /** How long the address is good. */
  readonly expirySeconds: number;
}

/**
 * An address that says by itself who asks: AWS Signature Version 4 in its query, over the method, the host and the path, not over what is sent.
 *
 * @param url without a query, which the options have; its path escaped by {@link escapeKey}.
 * @see "Authenticating Requests: Using Query Parameters" of the API reference of Amazon S3
 */
export function presign(url: URL, { method, query = {}, region, credentials, atSeconds, expirySeconds }: SigningOptions): string {
  const { time, scope } = scopeOf(atSeconds, region, 's3');
  const { keyId, secret, sessionToken } = credentials;
  const signed = queryOf({
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': [keyId, ...scope].join('/'),
    'X-Amz-Date': time,
    'X-Amz-Expires': String(expirySeconds),
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    'X-Amz-SignedHeaders': 'host',
  });
  const request = [method, url.pathname, signed, `host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  return `${url.origin}${url.pathname}?${signed}&X-Amz-Signature=${signatureOf(request, { time, scope }, secret)}`;
}

/** When something is signed, and what for. */
export interface SignatureScope {
  /** As AWS writes it. */
  readonly time: string;
  readonly scope: readonly string[];
}

/** @param service as it stands in the names of its servers. */
export function scopeOf(atSeconds: number, region: string, service: 's3' | 'sts'): SignatureScope {
  const time = new Date(atSeconds * 1000).toISOString().replace(/\.\d+|[-:]/g, '');
  return { time, scope: [time.slice(0, 8), region, service, 'aws4_request'] };
}

/** Signature of a request in its canonical form, hexadecimal. */
export function signatureOf(request: string, { time, scope }: SignatureScope, secret: string): string {
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), createHash('sha256').update(request).digest('hex')].join('\n');
  const key = scope.reduce<string | Buffer>((previous, part) => hmac(previous, part).digest(), `AWS4${secret}`);
  return hmac(key, text).digest('hex');
}

/** A query in the order of its names, in which it is signed. */
export function queryOf(parameters: S3Query): string {
  return Object.entries(parameters)
    .toSorted(([one], [other]) => compareText(one, other))
    .map(([name, value]) => `${escapeValue(name)}=${escapeValue(value)}`)
    .join('&');
}

/** The key of an object as it stands in the path of an address: everything but slashes and the unreserved characters of RFC 3986 escaped. */
export function escapeKey(key: string): string {
  return key.split('/').map(escapeValue).join('/');
}

function escapeValue(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: string | Buffer, text: string): ReturnType<typeof createHmac> {
  return createHmac('sha256', key).update(text);
}
