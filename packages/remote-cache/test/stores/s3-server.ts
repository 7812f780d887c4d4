import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { Store, Transport } from '../../src/stores/store.js';
import { openStore } from '../../src/stores/store.js';
import { NOW, world } from '../world.js';

export const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
/** With characters that addresses escape. */
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY=EXAMPLEKEY';
export const REGION = 'eu-central-1';

/** What the server answers instead of what it has. */
export interface Refusal {
  readonly status: number;
  /** Does what was asked for all the same. */
  readonly done?: boolean;
  /** The whole answer. */
  readonly page?: string;
  readonly code?: string;
  readonly region?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that keeps objects of all buckets in memory, for who signs requests. */
export interface S3Server {
  readonly url: string;
  /** By `bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** `METHOD bucket/key` of each request, with what else of its address is no signature. */
  readonly asked: string[];
  /** Addresses as they were asked for. */
  readonly addresses: string[];
  /** Of those who sign. */
  readonly secrets: Map<string, string>;
  /** Buckets that are read without a signature. */
  readonly open: Set<string>;
  /** Parts by their numbers, of uploads that neither became an object nor ended, by `bucket/key?uploadId`. */
  readonly uploads: Map<string, Map<number, Buffer>>;
  /** By which it checks signatures; default: always {@link NOW}. */
  setClock(clock: () => number): void;
  /** Answers so what it would grant. */
  refuse(how: ((method: string, asked: string) => Refusal | undefined) | undefined): void;
  close(): Promise<void>;
}

/** Who signed a request, as the server finds it: from what came over the wire alone. @returns the code of a refusal in its place. */
function checkSignature(
  request: IncomingMessage,
  secrets: ReadonlyMap<string, string>,
  now: number,
): { readonly code: string } | undefined {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const pairs = query.split('&').map((pair) => pair.split('=') as [string, string]);
  const given = new Map(pairs.map(([name, value]) => [name, decodeURIComponent(value)]));
  const [keyId = '', day = '', region = '', service = '', end = ''] = (given.get('X-Amz-Credential') ?? '').split('/');
  if (!secrets.has(keyId)) return { code: 'InvalidAccessKeyId' };
  if (region !== REGION) return { code: 'AuthorizationQueryParametersError' };
  const time = given.get('X-Amz-Date') ?? '';
  const [, year, month, date, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const signedAt = Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`) / 1000;
  const age = now - signedAt;
  if (!(age >= 0 && age < Number(given.get('X-Amz-Expires')) && Number(given.get('X-Amz-Expires')) <= 604_800))
    return { code: 'AccessDenied' };
  const names = (given.get('X-Amz-SignedHeaders') ?? '').split(';');
  const unsigned = pairs.filter(([name]) => name !== 'X-Amz-Signature').toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  hash.update(`${request.method}\n${path}\n${unsigned.map((pair) => pair.join('=')).join('&')}\n`);
  for (const name of names) hash.update(`${name}:${String(request.headers[name])}\n`);
  hash.update(`\n${names.join(';')}\nUNSIGNED-PAYLOAD`);
  let key: Buffer = Buffer.from(`AWS4${secrets.get(keyId)}`);
  for (const part of [day, region, service, end]) key = createHmac('sha256', key).update(part).digest();
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/${service}/${end}\n${hash.digest('hex')}`;
  const good = createHmac('sha256', key).update(text).digest('hex') === given.get('X-Amz-Signature');
  return good && service === 's3' && end === 'aws4_request' ? undefined : { code: 'SignatureDoesNotMatch' };
}

function pageOf({ code, region }: Pick<Refusal, 'code' | 'region'>): string {
  if (code === undefined) return '';
  const place = region === undefined ? '' : `<Region>${region}</Region>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>of ${KEY_ID}</Message>${place}</Error>`;
}

/** Bytes of a part that is not the last one, at least: more than this server would take as one. */
const LEAST_PART = 5;

/** Uploads in parts: as strict as the strictest of servers, which wants all parts but the last of one size. */
function inParts(
  uploads: Map<string, Map<number, Buffer>>,
  objects: Map<string, Buffer>,
  method: string,
  name: string,
  query: URLSearchParams,
  body: Buffer,
): [status: number, body: string, etag?: string] {
  if (query.has('uploads')) {
    // With characters that addresses escape.
    const id = `id+/${uploads.size + 1}=`;
    uploads.set(`${name}?${id}`, new Map());
    return [200, `<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`];
  }
  const id = `${name}?${query.get('uploadId')}`;
  const parts = uploads.get(id);
  if (parts === undefined) return [404, pageOf({ code: 'NoSuchUpload' })];
  const tagOf = (part: Buffer): string => `"${createHash('md5').update(part).digest('hex')}&"`;
  if (method === 'DELETE') uploads.delete(id);
  else if (method === 'PUT') {
    parts.set(Number(query.get('partNumber')), body);
    return [200, '', tagOf(body)];
  } else {
    const wanted = [...body.toString().matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag><\/Part>/g)];
    const unescape = (text: string): string => text.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)));
    const taken = wanted.map(([, number, tag = '']) => ({ part: parts.get(Number(number)), tag: unescape(tag) }));
    if (taken.some(({ part, tag }) => part === undefined || tagOf(part) !== tag)) return [400, pageOf({ code: 'InvalidPart' })];
    const [first, ...rest] = taken.map(({ part }) => part ?? Buffer.alloc(0));
    if ([first, ...rest].slice(0, -1).some((part) => part?.length !== first?.length || part.length < LEAST_PART)) {
      return [400, pageOf({ code: 'EntityTooSmall' })];
    }
    objects.set(name, Buffer.concat([first ?? Buffer.alloc(0), ...rest]));
    uploads.delete(id);
    return [200, '\n \n<CompleteMultipartUploadResult><ETag>"whole-2"</ETag></CompleteMultipartUploadResult>'];
  }
  return [204, ''];
}

export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  const addresses: string[] = [];
  const secrets = new Map([[KEY_ID, SECRET]]);
  const open = new Set<string>();
  const uploads = new Map<string, Map<number, Buffer>>();
  let refusal: ((method: string, asked: string) => Refusal | undefined) | undefined;
  let clock = (): number => NOW;
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const [name = '', query = ''] = url.split('?').map((part, index) => (index === 0 ? decodeURIComponent(part).slice(1) : part));
    const plain = query.split('&').filter((pair) => pair !== '' && !pair.startsWith('X-Amz-'));
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // the client broke off
    }
    const told = `${method} ${name}${plain.length === 0 ? '' : '?'}${plain.join('&')}`;
    asked.push(told);
    addresses.push(url);
    response.sendDate = false;
    response.setHeader('date', new Date(NOW * 1000).toUTCString());
    const anonymous = !query.includes('X-Amz-');
    const granted = anonymous && (method === 'GET' || method === 'HEAD') && open.has(name.split('/')[0] ?? '');
    const fault = granted ? undefined : anonymous ? { code: 'AccessDenied' } : checkSignature(request, secrets, clock());
    const answer: Refusal | undefined =
      fault === undefined ? refusal?.(method, told) : { status: fault.code === 'AuthorizationQueryParametersError' ? 400 : 403, ...fault };
    const object = objects.get(name);
    const send = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(method === 'HEAD' ? undefined : body);
    };
    for (const [header, value] of Object.entries(answer?.headers ?? {})) response.setHeader(header, value);
    const parameters = new URLSearchParams(plain.join('&'));
    const work = (): [status: number, body: string, etag?: string] =>
      inParts(uploads, objects, method, name, parameters, Buffer.concat(pieces));
    if (answer !== undefined) {
      if (answer.done === true) work();
      send(answer.status, answer.page ?? pageOf({ region: REGION, ...answer }));
    } else if (plain.length > 0) {
      const [status, body, etag] = work();
      if (etag !== undefined) response.setHeader('etag', etag);
      send(status, body);
    } else if (method === 'PUT') {
      objects.set(name, Buffer.concat(pieces));
      send(200, '');
    } else if (object === undefined) send(404, pageOf({ code: 'NoSuchKey' }));
    else send(200, object);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    uploads,
    asked,
    addresses,
    secrets,
    open,
    setClock: (other) => (clock = other),
    refuse: (how) => (refusal = how),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export let s3: S3Server;

/** A server of each test, beside its world. */
export function useS3(): void {
  beforeEach(async () => {
    s3 = await startS3();
  });
  afterEach(() => s3.close());
}

/** A store of the server, by keys of the environment. */
export function s3StoreAt(
  address = 's3://bucket/ict',
  env: Readonly<Record<string, string | undefined>> = {},
  transport: Partial<Transport> = {},
): Store {
  const keys = { AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET, AWS_REGION: REGION, AWS_ENDPOINT_URL_S3: s3.url };
  const alone = { HOME: world.root, AWS_EC2_METADATA_DISABLED: 'true' };
  return openStore(address, { ...world.transport, env: { ...alone, ...keys, ...env }, clock: () => NOW, ...transport });
}
