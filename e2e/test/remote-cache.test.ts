import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RegistryServer, RemoteCacheServer } from '@ict/fixtures';
import type { RemoteTally } from '@ict/plugin-api';
import { stringify } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, miniTemplate, sound, stepsOf, type BuildPlaces, type IctOptions, type IctResult } from '../src/index.js';

const run = promisify(execFile);

let mini: Mini;
let server: RemoteCacheServer;
let registry: RegistryServer | undefined;
/** The template of most tests, built and uploaded by the first machine. */
let template: string;
let first: IctResult;
let second: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'remote-cache');
  server = await RemoteCacheServer.start(join(mini.root, 'storage'));
  for (const name of ['ours', 'theirs']) await sound(ict(['cache', 'keygen', key(name)]));
  template = await templateOf('first');
  second = await templateOf('second');
  first = await build(template, await mini.places(), uploading('ours'));
});
afterAll(async () => {
  await registry?.stop();
  await server.stop();
  await mini.close();
});
beforeEach(() => server.forget());

const key = (name: string): string => join(mini.root, `${name}.pem`);

/** A template with a layer of its own that says this; the layers below it are the same in all. */
function templateOf(text: string, more: object = {}): Promise<string> {
  return mini.template(stringify({ ...miniTemplate(), layers: [{ name: 'note', run: [`echo ${text} > /note`] }], ...more }));
}

/** A machine that believes somebody's results, and asks for them. */
function asking(...whose: readonly string[]): IctOptions {
  return {
    env: { ICT_REMOTE_CACHE_URLS: server.url, ICT_REMOTE_CACHE_TRUSTED_KEYS: whose.map((name) => `${key(name)}.pub`).join(':') },
  };
}

/** A machine that uploads what it makes. */
function uploading(who: string): IctOptions {
  return { env: { ICT_REMOTE_CACHE_UPLOAD_URL: server.url, ICT_REMOTE_CACHE_SIGNING_KEY: key(who) } };
}

async function build(file: string, places: BuildPlaces, options: IctOptions, args: readonly string[] = []): Promise<IctResult> {
  return sound(mini.buildTemplate(file, places, args, options));
}

/** Steps whose results came from the server. */
function brought({ events }: IctResult): readonly string[] {
  return events.flatMap((event) => (event.type === 'step.hit' && event.from === 'remote' ? [event.step] : []));
}

/** How many results were asked for, and how many of these came from the server. */
function tallyOf({ events }: IctResult): RemoteTally | undefined {
  return events.flatMap((event) => (event.type === 'build.done' ? [event.remote] : []))[0];
}

function warningsOf({ events }: IctResult): readonly string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
}

function downloads({ events }: IctResult): number {
  return events.filter(({ type }) => type === 'package.downloaded').length;
}

async function digestOfImage(result: IctResult): Promise<string> {
  return createHash('sha256')
    .update(await readFile(artifactOf(result, 'raw').path))
    .digest('hex');
}

/** The image of a template as a machine without any remote cache makes it. */
async function madeAlone(file: string): Promise<string> {
  return digestOfImage(await build(file, await mini.places(), {}));
}

/** What the server has below a path, by the files that it lies in. */
async function contents(prefix: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = (await server.files(prefix)).map((path) => server.fileOf(path));
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)));
}

async function putBack(files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [file, content] of files) await writeFile(file, content);
}

describe('a machine that has nothing', () => {
  it('gets the finished image, and no package', async () => {
    expect(first.events.find(({ type }) => type === 'cache.uploaded')).toMatchObject({ records: stepsOf(first, 'step.miss').length });
    const places = await mini.places();
    const result = await build(template, places, asking('ours'));
    expect(brought(result)).toEqual(['ict.image']);
    expect(stepsOf(result, 'step.miss')).toEqual([]);
    expect(downloads(result)).toBe(0);
    expect(tallyOf(result)).toEqual({ asked: 1, found: 1 });
    const told = result.events.flatMap((event) => (event.type === 'fetch.progress' || event.type === 'fetch.done' ? [event] : []));
    const fetched = told.filter(({ url }) => url.startsWith(server.url));
    expect(fetched.map(({ type }) => type)).toEqual(expect.arrayContaining(['fetch.progress', 'fetch.done']));
    expect(fetched.filter(({ from }) => from !== 'remote')).toEqual([]);
    expect(await digestOfImage(result)).toBe(await digestOfImage(first));
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));

    // It is this machine's own from now on.
    server.forget();
    const again = await build(template, places, asking('ours'));
    expect(stepsOf(again, 'step.hit')).toEqual(['ict.image']);
    expect(server.requests).toEqual([]);
    expect(tallyOf(again)).toBeUndefined();
  });

  it('says that others had nothing when it believes nobody whose results they have', async () => {
    const result = await build(template, await mini.places(), asking('theirs'));
    expect(tallyOf(result)).toEqual({ asked: stepsOf(result, 'step.miss').length, found: 0 });
  });

  it('makes of another template what differs, over layers of others, and fetches no package', async () => {
    const result = await build(second, await mini.places(), asking('ours'));
    expect(brought(result)).toEqual(expect.arrayContaining(['ict.base', 'ict.packages', 'ict.configure']));
    expect(stepsOf(result, 'step.miss')).toContain('ict.layer.note');
    expect(downloads(result)).toBe(0);
    expect(await digestOfImage(result)).toBe(await madeAlone(second));
  });

  it('fetches the packages of the one layer that nobody has', async () => {
    const file = await templateOf('first', miniTemplate({ system: { packages: ['mini-service', 'mini-aid'] } }));
    const result = await build(file, await mini.places(), asking('ours'));
    expect(brought(result)).toContain('ict.base');
    expect(stepsOf(result, 'step.miss')).toContain('ict.packages');
    const all = downloads(await build(file, await mini.places(), {}));
    expect(downloads(result)).toBeGreaterThan(0);
    expect(downloads(result)).toBeLessThan(all);
    expect(await digestOfImage(result)).toBe(await madeAlone(file));
  });

  it('downloads no layer of which nothing is made', async () => {
    const places = await mini.places();
    await build(template, places, asking('ours'), ['--no-image-cache']);
    expect(server.count('GET', '/v1/records')).toBeGreaterThan(5);
    const layers = await readdir(join(places.cache, '.ict/layers'), { recursive: true });
    expect(layers).toEqual([]);
  });
});

describe('what one machine makes, others get', () => {
  it.each([
    [
      'from a registry',
      async () => {
        const directory = join(mini.root, 'registry');
        await mkdir(directory);
        registry = await RegistryServer.start(directory);
        return `oci+http://${registry.host}/acme/ict-cache`;
      },
    ],
    ['from a directory', () => Promise.resolve(`file://${mini.root}/carried`)],
  ])('%s', async (what, start) => {
    const address = await start();
    const [file, other] = await Promise.all([templateOf(what), templateOf(`not ${what}`)]);
    const made = await build(file, await mini.places(), { env: { ...uploading('ours').env, ICT_REMOTE_CACHE_UPLOAD_URL: address } });
    const ask = { env: { ...asking('ours').env, ICT_REMOTE_CACHE_URLS: address } };

    const same = await build(file, await mini.places(), ask);
    expect(brought(same)).toEqual(['ict.image']);
    expect(await digestOfImage(same)).toBe(await digestOfImage(made));

    const changed = await build(other, await mini.places(), ask);
    expect(brought(changed)).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
    expect(downloads(changed)).toBe(0);
    expect(await digestOfImage(changed)).toBe(await madeAlone(other));
    expect([made, same, changed].flatMap(warningsOf)).toEqual([]);

    // Only a directory takes no network.
    const lock = artifactOf(made, 'raw').path.replace(/\.raw$/, '.lock.yml');
    const offline = await mini.buildTemplate(file, await mini.places(), ['--lock', lock, '--frozen', '--offline'], ask);
    if (!address.startsWith('file:')) expect(offline.status).toBe(6);
    else {
      expect(brought(await sound(Promise.resolve(offline)))).toEqual(['ict.image']);
      expect(await digestOfImage(offline)).toBe(await digestOfImage(made));
    }
  });
});

describe('what a server has is not believed', () => {
  it('when a stranger signed it, even in the place of somebody who is believed', async () => {
    const places = await mini.places();
    const strange = await templateOf('strange');
    await build(strange, places, uploading('theirs'));
    const [ours, theirs] = await Promise.all(['ours', 'theirs'].map(keyIdOf));
    for (const [file, content] of await contents(`/v1/records/${theirs}/`)) {
      const forged = file.replace(`/${theirs}/`, `/${ours}/`);
      await mkdir(dirname(forged), { recursive: true });
      await writeFile(forged, content, { flag: 'wx' }).catch(isThere);
    }
    const result = await build(strange, await mini.places(), asking('ours'));
    expect(brought(result)).not.toContain('ict.layer.note');
    expect(brought(result)).not.toContain('ict.image');
    expect(warningsOf(result)).toContain('ICT_REMOTE_CACHE_RECORD');
    expect(await digestOfImage(result)).toBe(await madeAlone(strange));
  });

  it('when it altered every file that it has: all is made here, and the upload puts it right', async () => {
    const file = await templateOf('altered');
    await build(file, await mini.places(), uploading('ours'));
    const whole = await contents('/v1/blobs/');
    for (const [blob, content] of whole) {
      const altered = Buffer.from(content);
      altered[altered.length >> 1] = (altered[altered.length >> 1] as number) ^ 1;
      await writeFile(blob, altered);
    }
    const result = await build(file, await mini.places(), { env: { ...asking('ours').env, ...uploading('ours').env } });
    expect(warningsOf(result)).toContain('ICT_REMOTE_CACHE_BLOB');
    expect(brought(result)).not.toContain('ict.image');
    expect(await digestOfImage(result)).toBe(await madeAlone(file));
    const found = result.events.flatMap((event) => (event.type === 'warning' ? (/v1\/blobs\/[^)]+/.exec(event.message) ?? []) : []));
    expect(found.length).toBeGreaterThan(1);
    for (const place of found) {
      const file = server.fileOf(`/${place}`);
      expect((await readFile(file)).equals(whole.get(file) as Buffer), place).toBe(true);
    }
    await putBack(whole);
  });

  it('when it lost a layer of which it has the record: that is made here', async () => {
    const file = await templateOf('lost');
    const other = await templateOf('lost-other');
    await build(file, await mini.places(), uploading('ours'));
    const whole = await contents('/v1/blobs/');
    for (const blob of whole.keys()) await rm(blob);
    const result = await build(other, await mini.places(), asking('ours'));
    expect(stepsOf(result, 'step.miss')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
    expect(await digestOfImage(result)).toBe(await madeAlone(other));
    await putBack(whole);
  });
});

describe('a server in trouble', () => {
  it('costs one warning when it refuses to be read, and one when it takes nothing', async () => {
    const file = await templateOf('refused');
    server.refuse(403);
    const result = await build(file, await mini.places(), { env: { ...asking('ours').env, ...uploading('theirs').env } });
    server.accept();
    expect(warningsOf(result).filter((code) => code.startsWith('ICT_REMOTE_CACHE_'))).toEqual([
      'ICT_REMOTE_CACHE_UNREACHABLE',
      'ICT_REMOTE_CACHE_UPLOAD',
    ]);
    expect(stepsOf(result, 'step.miss')).toContain('ict.base');
    expect(await digestOfImage(result)).toBe(await madeAlone(file));
  });

  it('costs one warning when nobody answers', async () => {
    const gone = { env: { ...asking('ours').env, ICT_REMOTE_CACHE_URLS: 'http://127.0.0.1:9/cache' } };
    const result = await build(template, await mini.places(), gone);
    expect(warningsOf(result).filter((code) => code.startsWith('ICT_REMOTE_CACHE_'))).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
    expect(await digestOfImage(result)).toBe(await digestOfImage(first));
  });

  it('costs one warning and one new start when it goes away before the layers came whose results it gave', async () => {
    const leaving = await leavingServer();
    const result = await build(second, await mini.places(), { env: { ...asking('ours').env, ICT_REMOTE_CACHE_URLS: leaving.url } });
    await leaving.stop();
    const taken = ['ict.base', 'ict.packages', 'ict.configure'];
    expect(brought(result)).toEqual(expect.arrayContaining(taken));
    expect(stepsOf(result, 'step.miss')).toEqual(expect.arrayContaining(taken));
    expect(warningsOf(result)).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
    expect(result.events.filter((event) => event.type === 'stage.start' && event.stage === 'compose')).toHaveLength(2);
    expect(await digestOfImage(result)).toBe(await madeAlone(second));
  });
});

it('is neither asked nor sent anything with --no-remote-cache, and with --offline', async () => {
  const places = await mini.places();
  const both = { env: { ...asking('ours').env, ...uploading('ours').env } };
  await build(await templateOf('private'), places, both, ['--no-remote-cache']);
  await build(await templateOf('offline'), places, both, ['--offline']);
  expect(server.requests).toEqual([]);
});

it('gets nothing of a build that knows a secret, which says so', async () => {
  const file = await mini.template(
    stringify({
      ...miniTemplate(),
      variables: { TOKEN: { secret: true } },
      layers: [{ name: 'note', env: { TOKEN: '${TOKEN}' }, run: ['echo "$TOKEN" > /note'] }],
    }),
  );
  const secret = { ICT_VAR_TOKEN: 'correct-horse' };
  const places = await mini.places();
  const result = await build(file, places, { env: { ...uploading('ours').env, ...secret } });
  expect(server.requests).toEqual([]);
  expect(warningsOf(result)).toEqual(['ICT_REMOTE_CACHE_SECRET']);
  // Nothing was to be sent.
  expect(warningsOf(await build(file, places, { env: { ...asking('ours').env, ...secret } }))).toEqual([]);
});

it('asks nobody for a plan', async () => {
  const { cache, work, temporary } = await mini.places();
  const directories = ['--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary];
  await sound(ict(['plan', template, ...directories, ...mini.flags()], asking('ours')));
  expect(server.requests).toEqual([]);
});

/** A server with the same records that hangs up, for good, as soon as it is asked for another file. */
async function leavingServer(): Promise<{ readonly url: string; stop(): Promise<unknown> }> {
  let left = false;
  const leaving = createServer((request, response) => {
    const path = request.url as string;
    left ||= path.startsWith('/v1/blobs/');
    if (left) request.socket.destroy();
    else
      readFile(server.fileOf(path)).then(
        (record) => response.end(record),
        () => response.writeHead(404).end(),
      );
  });
  await new Promise<void>((resolve) => leaving.listen(0, '127.0.0.1', resolve));
  const { port } = leaving.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((resolve) => leaving.close(resolve)) };
}

/** What was there already is another machine's own. */
function isThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** As openssl sees the key: the first digits of the digest of its 32 bytes. */
async function keyIdOf(name: string): Promise<string> {
  const { stdout } = await run('openssl', ['pkey', '-pubin', '-in', `${key(name)}.pub`, '-outform', 'DER'], { encoding: 'buffer' });
  return createHash('sha256').update(stdout.subarray(-32)).digest('hex').slice(0, 16);
}
