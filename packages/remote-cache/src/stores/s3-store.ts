import { stat } from 'node:fs/promises';
import { printedAddress } from './address.js';
import { REDIRECTS } from './answers.js';
import { machineClock, openAwsLogin } from './aws-login.js';
import { awsHost, endpointOf, type AwsSettings } from './aws-settings.js';
import { download } from './download.js';
import { readS3Address } from './s3-address.js';
import { PART_BYTES, putInParts } from './s3-multipart.js';
import { explainRefusal, isOfOldKeys } from './s3-refusal.js';
import { escapeKey, presign, queryOf, type S3Query } from './s3-signature.js';
import type { Store, Transport, TransportAnswer, TransportRequest } from './store.js';

/** How long a signed address is good: longer than anybody waits for the begin of an answer. */
const EXPIRY_SECONDS = 3600;

/** Every refusal. */
const REFUSALS = [...REDIRECTS, ...Array.from({ length: 100 }, (_, index) => 400 + index)];

type Method = 'DELETE' | 'GET' | 'HEAD' | 'POST' | 'PUT';

/** A request for the object of a place. */
interface ObjectRequest extends Omit<TransportRequest, 'url' | 'method'> {
  readonly method: Method;
  readonly place: string;
  readonly query?: S3Query;
}

/**
 * A bucket of Amazon S3 or of a server that speaks as it does. Each place is an object, whose address says by itself who asks.
 *
 * @param address `s3://bucket/prefix`, which may hold a key id and its secret as user and password.
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openS3Store(address: URL, transport: Transport): Store {
  const { fetcher, client, env = process.env, clock = machineClock, partBytes = PART_BYTES } = transport;
  const { bucket, prefix, credentials: own } = readS3Address(address);
  endpointOf(env); // what is wrong with it is told before anything is built
  const login = transport.aws ?? openAwsLogin(transport);

  function unsignedAddress(place: string, { region, endpoint }: AwsSettings): URL {
    return new URL(`${baseOf(bucket, region, endpoint)}/${escapeKey(prefix + decodeURIComponent(place))}`);
  }

  function addressFor(place: string, settings: AwsSettings, method: Method, query: S3Query = {}): string {
    const url = unsignedAddress(place, settings);
    const { region, credentials } = settings;
    if (credentials !== undefined) {
      return presign(url, { method, query, region, credentials, atSeconds: clock(), expirySeconds: EXPIRY_SECONDS });
    }
    url.search = queryOf(query);
    return url.href;
  }

  /** @param again whether that is the second time: with other keys. */
  async function telling<T>(
    place: string,
    method: Method,
    query: S3Query | undefined,
    work: (url: string) => Promise<T>,
    again = false,
  ): Promise<T> {
    const settings = await login.settings(own);
    try {
      return await work(addressFor(place, settings, method, query));
    } catch (error) {
      const told = await explainRefusal(error, {
        writes: method !== 'GET' && method !== 'HEAD',
        settings,
        atSeconds: clock(),
        ask: async () =>
          client.send({ method: 'GET', url: addressFor(place, settings, 'GET'), headers: { range: 'bytes=0-0' }, accept: REFUSALS }),
      });
      if (again || own !== undefined || !isOfOldKeys(told)) throw told;
      if (!(await login.renew(settings.credentials))) throw told;
    }
    return telling(place, method, query, work, true);
  }

  const ask = ({ place, query, ...request }: ObjectRequest): Promise<TransportAnswer> =>
    telling(place, request.method, query, (url) => client.send({ ...request, url }));

  return {
    name: printedAddress(address.href),
    get: ({ place, ...request }) => telling(place, 'GET', undefined, (url) => download(fetcher, { ...request, url })),
    has: async (place) => (await ask({ place, method: 'HEAD', accept: [404, 410] })).status < 300,
    async put(place, file) {
      const { size: sizeBytes } = await stat(file);
      if (sizeBytes <= partBytes) await ask({ place, method: 'PUT', body: { file } });
      else {
        const { href: name } = unsignedAddress(place, await login.settings(own));
        await putInParts({ name, ask: (request) => ask({ place, ...request }), file, sizeBytes, partBytes });
      }
    },
  };
}

/** What the key of an object is put behind. The certificate of AWS is for one label below its own name. */
function baseOf(bucket: string, region: string, endpoint: URL | undefined): string {
  if (endpoint !== undefined) return `${endpoint.origin}${endpoint.pathname.replace(/\/+$/, '')}/${bucket}`;
  const server = awsHost('s3', region);
  return bucket.includes('.') ? `https://${server}/${bucket}` : `https://${bucket}.${server}`;
}
