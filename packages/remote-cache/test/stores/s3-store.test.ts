import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createFetcher } from '@ict/fetch';
import type { EventBody } from '@ict/plugin-api';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RemoteResult } from '../../src/record.js';
import { openAwsLogin } from '../../src/stores/aws-login.js';
import { openStore } from '../../src/stores/store.js';
import { blobPath, KEY, NOW, OTHER_KEY, recordPath, TYPE, useWorld, world } from '../world.js';
import { KEY_ID, REGION, s3, s3StoreAt, SECRET, useS3 } from './s3-server.js';

useWorld();
useS3();

const PLACE = 'v1/blobs/sha256/ab/abcd.zst';
const content = Buffer.from('content of a layer '.repeat(10_000));
const result: RemoteResult = { output: 'made', archives: {}, tool: 'ict 0.1.0' };

async function read(store: ReturnType<typeof s3StoreAt>, place = PLACE): Promise<string> {
  return readFileSync(((await store.get({ place, maxBytes: 1000 })) as { file: string }).file, 'utf8');
}

describe('an address', () => {
  /** The address that a store asks for. */
  async function addressOf(
    method: 'GET' | 'HEAD' | 'PUT',
    base: string,
    place: string,
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<string> {
    let asked = '';
    const store = openStore(base, {
      fetcher: {
        fetch: async ({ url }) => {
          asked = url;
          return Promise.reject(new Error('enough'));
        },
      },
      client: {
        send: async ({ url }) => {
          asked = url;
          return { status: 200, headers: {}, text: '', url };
        },
      },
      env: {
        HOME: world.root,
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        ...env,
      },
      clock: () => Date.UTC(2026, 1, 3, 4, 5, 6) / 1000,
    });
    if (method === 'GET') await store.get({ place, maxBytes: 1 }).catch(() => undefined);
    else if (method === 'HEAD') await store.has(place);
    else await store.put(place, world.blob(Buffer.from('x')).file);
    return asked;
  }

  // Of `generate_presigned_url` of botocore 1.29.27, with the signature s3v4, these keys and this time.
  it.each([
    {
      method: 'GET',
      base: 's3://examplebucket/prefix',
      place: PLACE,
      env: { AWS_REGION: 'eu-central-1' },
      expected: 'https://examplebucket.s3.eu-central-1.amazonaws.com/prefix/v1/blobs/sha256/ab/abcd.zst',
      signature: 'edad3ff1600f20d983e9b79b1ecc47a279b9e8016449974cf2d5076aae27198d',
    },
    {
      method: 'PUT',
      base: `s3://examplebucket/${encodeURIComponent("a b/ü~(1)'*!+&=?#%@:;,$")}`,
      place: 'x.json',
      env: { AWS_REGION: 'us-west-2' },
      expected: 'https://examplebucket.s3.us-west-2.amazonaws.com/a%20b/%C3%BC~%281%29%27%2A%21%2B%26%3D%3F%23%25%40%3A%3B%2C%24/x.json',
      signature: '6bd0616c13b677655ab7a87fe65f581a849883d508a991d8deca5d8509027a33',
    },
    {
      method: 'HEAD',
      base: 's3://dots.in.name',
      place: 'v1/x',
      env: { AWS_SESSION_TOKEN: 'FwoGZXIvYXdzEB4aDH+/=&' },
      expected: 'https://s3.us-east-1.amazonaws.com/dots.in.name/v1/x',
      signature: 'a10cfafff53796e3e38ccfadfe65a25d5ca06eec8db043a9dbb97d5be1037b9d',
    },
    {
      method: 'HEAD',
      base: 's3://examplebucket',
      place: 'v1/x',
      env: { AWS_REGION: 'garage', AWS_ENDPOINT_URL: 'http://127.0.0.1:3900/' },
      expected: 'http://127.0.0.1:3900/examplebucket/v1/x',
      signature: '96af71e465b1fc5d939c0b0aa6c2e8ae31e16c28580d727969acd55cb9211048',
    },
    {
      method: 'PUT',
      base: 's3://examplebucket/p/',
      place: 'v1/x',
      env: { AWS_REGION: 'auto', AWS_SESSION_TOKEN: 'short/lived+token==', AWS_ENDPOINT_URL_S3: 'https://account.r2.example:8443/s3' },
      expected: 'https://account.r2.example:8443/s3/examplebucket/p/v1/x',
      signature: '74b39d3d74aa13c7f357eda66f979196f87a609b2f4134dce5b7e9df18ffe645',
    },
    {
      method: 'GET',
      base: 's3://examplebucket/',
      place: 'v1/x',
      env: { AWS_REGION: 'cn-north-1' },
      expected: 'https://examplebucket.s3.cn-north-1.amazonaws.com.cn/v1/x',
      signature: '4affe5ed0873a04840ce0903477de44a35c35b8c6b037b993bf4ab369ac71728',
    },
  ] as const)('$method of $base with $env is as others sign it', async ({ method, base, place, env, expected, signature }) => {
    const asked = new URL(await addressOf(method, base, place, env));
    expect(asked.origin + asked.pathname).toBe(expected);
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `AKIAIOSFODNN7EXAMPLE/20260203/${'AWS_REGION' in env ? env.AWS_REGION : 'us-east-1'}/s3/aws4_request`,
      'X-Amz-Date': '20260203T040506Z',
      'X-Amz-Expires': '3600',
      ...('AWS_SESSION_TOKEN' in env ? { 'X-Amz-Security-Token': env.AWS_SESSION_TOKEN } : {}),
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': signature,
    });
  });

  it.each([
    ['s3://', 'names no bucket'],
    ['s3:///prefix', 'names no bucket'],
    ['s3://ab', 'names no bucket'],
    ['s3://Upper-Case', 'names no bucket'],
    ['s3://under_score', 'names no bucket'],
    ['s3://two..dots', 'names no bucket'],
    ['s3://192.0.2.1/x', 'names no bucket'],
    [`s3://${'a'.repeat(64)}`, 'names no bucket'],
    ['s3://localhost:9000/bucket', 'AWS_ENDPOINT_URL_S3'],
    ['s3://bucket/a?hidden=1', '%3F'],
    ['s3://bucket/a#hidden', '%23'],
    ['s3://bucket/%zz', '%25'],
    ['s3://bucket/a%2F..%2Fb', 'prefix'],
    ['s3://hidden@bucket', 'half'],
    ['s3://:hidden@bucket', 'half'],
  ])('%s is none', (address, said) => {
    const failure = thrown(() => s3StoreAt(address));
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_ADDRESS', kind: 'invalid' });
    expect(`${failure.message} ${failure.hint}`).toContain(said);
    expect(JSON.stringify([failure, failure.message])).not.toContain('hidden');
  });

  it.each(['minio:9000', 'minio.example', 'ftp://minio.example', 'https://me:hidden@minio.example', 'https://minio.example/?hidden'])(
    'of a server is not %s',
    (endpoint) => {
      for (const variable of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) {
        const failure = thrown(() => s3StoreAt('s3://bucket', { AWS_ENDPOINT_URL_S3: '', [variable]: endpoint }));
        expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_ADDRESS', kind: 'invalid', facts: { source: variable } });
        expect(JSON.stringify([failure, failure.message])).not.toContain('hidden');
      }
    },
  );

  it('is printed without key id and secret', () => {
    expect(s3StoreAt(`s3://${KEY_ID}:${encodeURIComponent(SECRET)}@bucket/ict`).name).toBe('s3://bucket/ict');
  });
});

function thrown(work: () => unknown): Error & { readonly hint?: string } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('a bucket', () => {
  it('has what was put there, as an object of that name', async () => {
    const store = s3StoreAt();
    expect(await store.has(PLACE)).toBe(false);
    expect(await store.get({ place: PLACE, maxBytes: 100 })).toBeUndefined();
    await store.put(PLACE, world.blob(Buffer.from('first')).file);
    expect(s3.objects).toEqual(new Map([[`bucket/ict/${PLACE}`, Buffer.from('first')]]));
    expect(await store.has(PLACE)).toBe(true);
    expect(await read(store)).toBe('first');
    await store.put(PLACE, world.blob(Buffer.from('second')).file);
    expect(await read(store)).toBe('second');
    expect(s3.asked.map((each) => each.split(' ')[0])).toEqual(['HEAD', 'GET', 'PUT', 'HEAD', 'GET', 'PUT', 'GET']);
  });

  it.each(['s3://bucket', 's3://bucket/', 's3://bucket//'])('may have no prefix: %s', async (address) => {
    await s3StoreAt(address).put(PLACE, world.blob(Buffer.from('first')).file);
    expect([...s3.objects.keys()]).toEqual([`bucket/${PLACE}`]);
  });

  it('may have a prefix, and places, of any characters', async () => {
    const store = s3StoreAt("s3://bucket/a%20b/(%C3%BC)'*!+%2B&=%3F%25");
    await store.put('v1/records/id/a%3Ab/x.json', world.blob(Buffer.from('first')).file);
    expect([...s3.objects.keys()]).toEqual(["bucket/a b/(ü)'*!++&=?%/v1/records/id/a:b/x.json"]);
    expect(await read(store, 'v1/records/id/a%3Ab/x.json')).toBe('first');
  });

  it('gives nothing that is larger than was asked for', async () => {
    s3.objects.set(`bucket/ict/${PLACE}`, Buffer.alloc(101));
    expect(await s3StoreAt().get({ place: PLACE, maxBytes: 100 })).toEqual({ fault: 'it is larger than 100 bytes' });
  });

  it('is read by everybody, when it is open to everybody', async () => {
    s3.open.add('bucket');
    s3.objects.set(`bucket/ict/${PLACE}`, Buffer.from('first'));
    const store = s3StoreAt('s3://bucket/ict', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
    expect(await read(store)).toBe('first');
    expect(await store.has(PLACE)).toBe(true);
    expect(s3.addresses).toEqual([`/bucket/ict/${PLACE}`, `/bucket/ict/${PLACE}`]);
    await expect(store.put(PLACE, world.blob(Buffer.from('x')).file)).rejects.toMatchObject({
      code: 'ICT_FETCH_STATUS',
      message: expect.stringContaining('no keys were found for it: AWS_ACCESS_KEY_ID is not set, ') as string,
    });
  });

  it('takes keys of the address before others, and then no session token', async () => {
    s3.secrets.set('OTHER', 'another/secret+');
    const store = s3StoreAt('s3://OTHER:another%2Fsecret%2B@bucket/ict', { AWS_SESSION_TOKEN: 'of others' });
    expect(await store.has(PLACE)).toBe(false);
    expect(s3.addresses[0]).toContain('OTHER%2F20231114');
    expect(s3.addresses[0]).not.toContain('Token');
  });

  it('takes keys, region and server of a profile, which is read once', async () => {
    mkdirSync(join(world.root, '.aws'));
    writeFileSync(join(world.root, '.aws/credentials'), `[ci]\naws_access_key_id = ${KEY_ID}\naws_secret_access_key = ${SECRET}\n`);
    writeFileSync(join(world.root, '.aws/config'), `[profile ci]\nregion = ${REGION}\nendpoint_url = ${s3.url}\n`);
    const env = { HOME: world.root, AWS_PROFILE: 'ci', AWS_EC2_METADATA_DISABLED: 'true' };
    const store = openStore('s3://bucket/ict', { ...world.transport, env, clock: () => NOW });
    await store.put(PLACE, world.blob(Buffer.from('first')).file);
    writeFileSync(join(world.root, '.aws/credentials'), 'nothing of this kind');
    expect(await read(store)).toBe('first');
  });

  it('is asked by the clock of this machine, when there is no other', async () => {
    const env = {
      HOME: world.root,
      AWS_ACCESS_KEY_ID: KEY_ID,
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: s3.url,
    };
    const [before, day] = [Date.now(), (time: number) => new Date(time).toISOString().slice(0, 10).replaceAll('-', '')];
    await openStore('s3://bucket', { ...world.transport, env })
      .has(PLACE)
      .catch(() => undefined);
    expect([day(before), day(Date.now())]).toContain(/X-Amz-Date=(\d{8})T/.exec(s3.addresses[0] ?? '')?.[1]);
  });

  it('follows to where the server leads', async () => {
    s3.objects.set(`bucket/ict/${PLACE}`, Buffer.from('elsewhere'));
    const gate = createServer((request, response) => {
      const target = `${s3.url}${request.url}`;
      response.writeHead(307, { location: target }).end();
    });
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
    s3.open.add('bucket');
    const endpoint = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
    const keyless = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_ENDPOINT_URL_S3: endpoint };
    try {
      expect(await read(s3StoreAt('s3://bucket/ict', keyless))).toBe('elsewhere');
    } finally {
      gate.closeAllConnections();
      gate.close();
    }
  });
});

describe('keys that end', () => {
  /** A server of keys that last for 10 minutes; each that it gives is known to the bucket. */
  async function keysUntil(work: (env: Readonly<Record<string, string>>) => Promise<void>): Promise<readonly string[]> {
    const given: string[] = [];
    const agent = createServer((_request, response) => {
      const [keyId, secret] = [`KEY${given.length + 1}`, `secret-${given.length + 1}`];
      given.push(keyId);
      s3.secrets.set(keyId, secret);
      const expires = new Date((now + 600) * 1000).toISOString();
      response.end(JSON.stringify({ AccessKeyId: keyId, SecretAccessKey: secret, Expiration: expires }));
    });
    await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
    try {
      await work({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_CONTAINER_CREDENTIALS_FULL_URI: url });
    } finally {
      agent.closeAllConnections();
      agent.close();
    }
    return given;
  }

  let now = NOW;
  beforeEach(() => {
    now = NOW;
  });
  const clock = (): number => now;
  const whoAsked = (): readonly (string | undefined)[] => s3.addresses.map((address) => /X-Amz-Credential=(\w+)%2F/.exec(address)?.[1]);
  const large = Buffer.from('a layer of 37 bytes, sent in 4 parts.');

  it('are renewed while a file is sent in parts', async () => {
    const given = await keysUntil(async (env) => {
      s3.refuse(() => {
        const old = now >= NOW + 600 && s3.addresses.at(-1)?.includes('KEY1') === true;
        now += 200;
        return old ? { status: 500 } : undefined;
      });
      s3.setClock(clock);
      await s3StoreAt('s3://bucket/ict', env, { clock, partBytes: 10 }).put(PLACE, world.blob(large).file);
    });
    expect(s3.objects.get(`bucket/ict/${PLACE}`)?.equals(large)).toBe(true);
    expect(given).toEqual(['KEY1', 'KEY2']);
    expect(whoAsked()).toEqual(['KEY1', 'KEY1', 'KEY1', 'KEY2', 'KEY2', 'KEY2']);
  });

  it('before the clock of this machine says so are replaced, and the request made again', async () => {
    const given = await keysUntil(async (env) => {
      const store = s3StoreAt('s3://bucket/ict', env, { clock, partBytes: 10 });
      await store.has(PLACE);
      s3.refuse(() => (s3.addresses.at(-1)?.includes('KEY1') === true ? { status: 400, code: 'ExpiredToken' } : undefined));
      await store.put(PLACE, world.blob(large).file);
      expect(await read(store)).toBe(large.toString());
    });
    expect(given).toEqual(['KEY1', 'KEY2']);
    expect(s3.objects.get(`bucket/ict/${PLACE}`)?.equals(large)).toBe(true);
  });

  it('of which the others are refused, too, are asked for no more', async () => {
    const given = await keysUntil(async (env) => {
      s3.refuse(() => ({ status: 400, code: 'ExpiredToken' }));
      await expect(s3StoreAt('s3://bucket/ict', env, { clock }).has(PLACE)).rejects.toMatchObject({
        code: 'ICT_FETCH_STATUS',
        message: expect.stringContaining('the session token is too old') as string,
      });
    });
    expect(given).toEqual(['KEY1', 'KEY2']);
  });

  it('are those of all stores that share them', async () => {
    const given = await keysUntil(async (env) => {
      const all = { HOME: world.root, AWS_REGION: REGION, AWS_ENDPOINT_URL_S3: s3.url, ...env };
      const aws = openAwsLogin({ client: world.transport.client, env: all, clock });
      const stores = ['s3://bucket/ict', 's3://other'].map((address) => s3StoreAt(address, env, { clock, aws }));
      await Promise.all(stores.map((store) => store.has(PLACE)));
    });
    expect(given).toEqual(['KEY1']);
    expect(whoAsked()).toEqual(['KEY1', 'KEY1']);
  });
});

describe('a remote cache', () => {
  it('has records once they were put', async () => {
    const upload = world.upload({ store: s3StoreAt() });
    expect(await upload.find(TYPE, KEY)).toBeUndefined();
    await upload.putRecord(TYPE, KEY, result);
    expect(await upload.find(TYPE, KEY)).toEqual(result);
    const cache = world.cache({ stores: [s3StoreAt()] });
    expect(await cache.find(TYPE, KEY)).toEqual(result);
    expect(await cache.find(TYPE, OTHER_KEY)).toBeUndefined();
    expect([...s3.objects.keys()]).toEqual([`bucket/ict${recordPath(world.signer)}`]);
    expect(world.events).toEqual([]);
    expect(world.left()).toEqual([]);
  });

  it('has blobs, which are sent once', async () => {
    const { ref, file } = world.blob(content);
    const upload = world.upload({ store: s3StoreAt() });
    expect(await upload.putBlob(ref, file)).toBeGreaterThan(0);
    expect(await world.upload({ store: s3StoreAt() }).putBlob(ref, file)).toBe(0);
    expect(s3.asked).toEqual(['HEAD', 'PUT', 'HEAD'].map((method) => `${method} bucket/ict${blobPath(ref)}`));
    const fetched = await world.cache({ stores: [s3StoreAt()] }).fetch(ref);
    expect(readFileSync(fetched ?? '').equals(content)).toBe(true);
    expect(world.events).toEqual([]);
  });

  it('with a damaged blob is told, and mended', async () => {
    const { ref, file } = world.blob(content);
    s3.objects.set(`bucket/ict${blobPath(ref)}`, Buffer.from('damaged'));
    const reader = world.cache({ stores: [s3StoreAt()] });
    expect(await reader.fetch(ref)).toBeUndefined();
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_BLOB']);
    await world.upload({ store: s3StoreAt(), reader }).putBlob(ref, file);
    expect(await world.cache({ stores: [s3StoreAt()] }).fetch(ref)).toBeDefined();
  });
});

describe('secrets are not told', () => {
  const token = 'session/token+of==nobody';
  const secrets = [KEY_ID, SECRET, encodeURIComponent(SECRET), token, encodeURIComponent(token)];

  /** All text of errors, with their causes. */
  function textOf(value: unknown): string {
    if (!(value instanceof Error)) return JSON.stringify(value) ?? '';
    return [value.message, value.stack, JSON.stringify(value), textOf(value.cause)].join('\n');
  }

  function expectNoSecret(text: string): void {
    for (const secret of secrets) expect(text).not.toContain(secret);
    for (const address of s3.addresses) {
      const signature = /X-Amz-Signature=(\w{64})/.exec(address)?.[1];
      expect(signature).toBeDefined();
      expect(text).not.toContain(signature);
    }
  }

  const addresses = [
    ['of the environment', 's3://bucket/ict', { AWS_SESSION_TOKEN: token }],
    ['of the address', `s3://${KEY_ID}:${encodeURIComponent(SECRET)}@bucket/ict`, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }],
  ] as const;

  it.each(addresses.flatMap(([of, address, env]) => [301, 400, 403, 404, 500].map((status) => ({ of, address, env, status }))))(
    'by errors of uploads: keys $of, status $status',
    async ({ address, env, status }) => {
      s3.refuse(() => ({ status, code: 'SignatureDoesNotMatch' }));
      const { ref, file } = world.blob(content);
      const upload = world.upload({ store: s3StoreAt(address, env) });
      const failures = await Promise.all(
        [upload.putRecord(TYPE, KEY, result), upload.putBlob(ref, file)].map((each) => each.catch((error: unknown) => error)),
      );
      expect(failures[0]).toMatchObject({ code: 'ICT_REMOTE_CACHE_UPLOAD', facts: { url: 's3://bucket/ict', status } });
      expect((failures[0] as Error).message.includes('its keys are those of')).toBe(status < 500);
      expectNoSecret(failures.map(textOf).join('\n'));
      expect(s3.addresses.length).toBeGreaterThan(2);
    },
  );

  it.each(addresses)('by warnings: keys %s', async (_of, address, env) => {
    s3.refuse(() => ({ status: 403, code: 'AccessDenied' }));
    const cache = world.cache({ stores: [s3StoreAt(address, env)] });
    expect(await cache.find(TYPE, KEY)).toBeUndefined();
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
    expectNoSecret(JSON.stringify(world.events));
  });

  it.each(addresses)('by events of downloads: keys %s', async (_of, address, env) => {
    const { ref, file } = world.blob(content);
    await world.upload({ store: s3StoreAt() }).putBlob(ref, file);
    s3.addresses.length = 0;
    let failures = 1;
    s3.refuse(() => ((failures -= 1) < 0 ? undefined : { status: 503 }));
    const events: EventBody[] = [];
    const timer = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0 };
    const [directory, temporary] = [join(world.root, 'fetch'), join(world.root, 'downloads')];
    const fetcher = createFetcher({ directory, temporary, env: {}, timer, signal: world.signal, emit: (event) => events.push(event) });
    try {
      const keys = { AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET, AWS_REGION: REGION, AWS_ENDPOINT_URL_S3: s3.url };
      const store = openStore(address, { ...world.transport, fetcher, env: { HOME: world.root, ...keys, ...env }, clock: () => NOW });
      expect(await world.cache({ stores: [store] }).fetch(ref)).toBeDefined();
    } finally {
      await fetcher.close();
    }
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['fetch.retry', 'fetch.progress', 'fetch.done']));
    expectNoSecret(JSON.stringify(events));
  });
});
