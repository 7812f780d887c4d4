import { remoteCacheError } from '../errors.js';
import { printedAddress, unescaped } from './address.js';
import { endpointOf, readAwsSettings, type AwsSettings } from './aws-settings.js';
import { download } from './download.js';
import { explainRefusal } from './s3-refusal.js';
import { escapeKey, presign, type AwsCredentials } from './s3-signature.js';
import type { Store, Transport } from './store.js';

/** How long a signed address is good: longer than anybody waits for the begin of an answer. */
const EXPIRY_SECONDS = 3600;

/** Of the user guide of Amazon S3, "General purpose bucket naming rules". */
const BUCKET = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Every refusal. */
const REFUSALS = [301, 302, 303, 307, 308, ...Array.from({ length: 100 }, (_, index) => 400 + index)];

interface S3Address {
  readonly bucket: string;
  /** What keys of objects begin with: empty, or it ends in a slash. */
  readonly prefix: string;
  readonly credentials: AwsCredentials | undefined;
}

/**
 * A bucket of Amazon S3 or of a server that speaks as it does. Each place is an object, whose address says by itself who asks.
 *
 * @param address `s3://bucket/prefix`, which may hold a key id and its secret as user and password.
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openS3Store(address: URL, { fetcher, client, env = process.env, clock = thisMachine }: Transport): Store {
  const { bucket, prefix, credentials: own } = readS3Address(address);
  endpointOf(env); // what is wrong with it is told before anything is built
  let reading: Promise<AwsSettings> | undefined;
  const settings = (): Promise<AwsSettings> => (reading ??= readAwsSettings(env, own));

  async function addressFor(place: string, method: 'GET' | 'HEAD' | 'PUT'): Promise<string> {
    const { region, endpoint, credentials } = await settings();
    const url = new URL(`${baseOf(bucket, region, endpoint)}/${escapeKey(prefix + decodeURIComponent(place))}`);
    return credentials === undefined
      ? url.href
      : presign(url, { method, region, credentials, atSeconds: clock(), expirySeconds: EXPIRY_SECONDS });
  }

  async function telling<T>(place: string, method: 'GET' | 'HEAD' | 'PUT', work: (url: string) => Promise<T>): Promise<T> {
    const url = await addressFor(place, method);
    try {
      return await work(url);
    } catch (error) {
      throw await explainRefusal(error, {
        writes: method === 'PUT',
        settings: await settings(),
        atSeconds: clock(),
        ask: async () =>
          client.send({ method: 'GET', url: await addressFor(place, 'GET'), headers: { range: 'bytes=0-0' }, accept: REFUSALS }),
      });
    }
  }

  return {
    name: printedAddress(address.href),
    get: ({ place, ...request }) => telling(place, 'GET', (url) => download(fetcher, { ...request, url })),
    async has(place) {
      const { status } = await telling(place, 'HEAD', (url) => client.send({ method: 'HEAD', url, accept: [404, 410] }));
      return status < 300;
    },
    async put(place, file) {
      await telling(place, 'PUT', (url) => client.send({ method: 'PUT', url, body: { file } }));
    },
  };
}

function thisMachine(): number {
  return Math.floor(Date.now() / 1000);
}

/** What the key of an object is put behind. The certificate of AWS is for one label below its own name. */
function baseOf(bucket: string, region: string, endpoint: URL | undefined): string {
  if (endpoint !== undefined) return `${endpoint.origin}${endpoint.pathname.replace(/\/+$/, '')}/${bucket}`;
  const server = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return bucket.includes('.') ? `https://${server}/${bucket}` : `https://${bucket}.${server}`;
}

function readS3Address(address: URL): S3Address {
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
