import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../src/stores/store.js';
import { openStore } from '../../src/stores/store.js';
import { NOW, world } from '../world.js';

export const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
/** With characters that addresses escape. */
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY=EXAMPLEKEY';
export const REGION = 'eu-central-1';

/** What the server answers instead of what it has. */
export interface Refusal {
  readonly status: number;
  readonly code?: string;
  readonly region?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that keeps objects of all buckets in memory, for who signs requests. */
export interface S3Server {
  readonly url: string;
  /** By `bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** `METHOD bucket/key` of each request. */
  readonly asked: string[];
  /** Addresses as they were asked for. */
  readonly addresses: string[];
  /** Of those who sign. */
  readonly secrets: Map<string, string>;
  /** Buckets that are read without a signature. */
  readonly open: Set<string>;
  /** Answers so what it would grant. */
  refuse(how: ((method: string) => Refusal | undefined) | undefined): void;
  close(): Promise<void>;
}

/** Who signed a request, as the server finds it: from what came over the wire alone. @returns the code of a refusal in its place. */
function checkSignature(request: IncomingMessage, secrets: ReadonlyMap<string, string>): { readonly code: string } | undefined {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const pairs = query.split('&').map((pair) => pair.split('=') as [string, string]);
  const given = new Map(pairs.map(([name, value]) => [name, decodeURIComponent(value)]));
  const [keyId = '', day = '', region = '', service = '', end = ''] = (given.get('X-Amz-Credential') ?? '').split('/');
  if (!secrets.has(keyId)) return { code: 'InvalidAccessKeyId' };
  if (region !== REGION) return { code: 'AuthorizationQueryParametersError' };
  const time = given.get('X-Amz-Date') ?? '';
  const [, year, month, date, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const signedAt = Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`) / 1000;
  const age = NOW - signedAt;
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

export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  const addresses: string[] = [];
  const secrets = new Map([[KEY_ID, SECRET]]);
  const open = new Set<string>();
  let refusal: ((method: string) => Refusal | undefined) | undefined;
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const [name = ''] = url.split('?').map((part) => decodeURIComponent(part).slice(1));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    asked.push(`${method} ${name}`);
    addresses.push(url);
    response.sendDate = false;
    response.setHeader('date', new Date(NOW * 1000).toUTCString());
    const anonymous = !url.includes('?');
    const granted = anonymous && method !== 'PUT' && open.has(name.split('/')[0] ?? '');
    const fault = granted ? undefined : anonymous ? { code: 'AccessDenied' } : checkSignature(request, secrets);
    const answer: Refusal | undefined =
      fault === undefined ? refusal?.(method) : { status: fault.code === 'AuthorizationQueryParametersError' ? 400 : 403, ...fault };
    const object = objects.get(name);
    const send = (status: number, body: Buffer | string): void => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(method === 'HEAD' ? undefined : body);
    };
    for (const [header, value] of Object.entries(answer?.headers ?? {})) response.setHeader(header, value);
    if (answer !== undefined) send(answer.status, pageOf({ region: REGION, ...answer }));
    else if (method === 'PUT') {
      objects.set(name, Buffer.concat(pieces));
      send(200, '');
    } else if (object === undefined) send(404, pageOf({ code: 'NoSuchKey' }));
    else send(200, object);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    asked,
    addresses,
    secrets,
    open,
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
export function s3StoreAt(address = 's3://bucket/ict', env: Readonly<Record<string, string | undefined>> = {}): Store {
  const keys = { AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET, AWS_REGION: REGION, AWS_ENDPOINT_URL_S3: s3.url };
  return openStore(address, { ...world.transport, env: { HOME: world.root, ...keys, ...env }, clock: () => NOW });
}
