import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildOptions } from '@ict/core';
import { openStore } from '@ict/remote-cache';
import { expect, it } from 'vitest';
import { ict, report, temporaryDirectory, work } from './fixture.js';

const address = 'https://me:secret@cache.example/ict';

/** A directory with this configuration, and keys that it may name. */
async function configured(remoteCache: Readonly<Record<string, unknown>>): Promise<string> {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, 'keys'));
  await writeFile(join(cwd, 'keys/a.pub'), 'public a');
  await writeFile(join(cwd, 'b.pub'), 'public b');
  await writeFile(join(cwd, 'keys/a.key'), 'private a');
  await writeFile(join(cwd, 'image-composer-tool.yml'), JSON.stringify({ remote_cache: remoteCache }));
  return cwd;
}

const asked = { urls: [address], trusted_keys: ['keys/a.pub'] };
const uploaded = { upload_url: `${address}/`, signing_key: 'keys/a.key' };
const lost = { urls: [address], trusted_keys: ['lost.pub'], upload_url: address, signing_key: 'lost.key' };

async function build(cwd: string, argv: readonly string[] = work, env: Readonly<Record<string, string>> = {}) {
  let caches: BuildOptions['caches'];
  const run = await ict(['build', 'a.yml', ...argv], {
    cwd,
    env,
    engine: {
      build: async (_template, options) => {
        caches = options?.caches;
        return report;
      },
    },
  });
  return { ...run, caches };
}

it('ict build hands remote caches and the texts of their keys to the engine', async () => {
  const cwd = await configured({ ...asked, ...uploaded });
  const { status, options, caches } = await build(cwd, work, {
    ICT_REMOTE_CACHE_TRUSTED_KEYS: 'b.pub',
    ICT_REMOTE_CACHE_URLS: 'http://b.example',
  });
  expect([status, caches]).toEqual([0, {}]);
  expect(options?.remoteCache).toEqual({
    urls: ['http://b.example', address],
    trustedKeys: [
      { file: join(cwd, 'b.pub'), pem: 'public b' },
      { file: join(cwd, 'keys/a.pub'), pem: 'public a' },
    ],
    upload: { url: address, signingKey: { file: join(cwd, 'keys/a.key'), pem: 'private a' } },
  });
});

it.each([
  ['only to ask', asked, { urls: [address], trustedKeys: [{ pem: 'public a' }] }],
  ['only to upload', uploaded, { urls: [], trustedKeys: [], upload: { url: address, signingKey: { pem: 'private a' } } }],
])('ict build may have remote caches %s', async (_what, configuration, wanted) => {
  const { options } = await build(await configured(configuration));
  expect(options?.remoteCache).toMatchObject(wanted);
  expect(options?.remoteCache?.upload === undefined).toBe(configuration === asked);
});

it.each([
  ['without any', {}, work],
  ['with nothing but keys', { trusted_keys: ['lost.pub'] }, work],
  ['with --no-remote-cache', lost, [...work, '--no-remote-cache']],
  ['with --offline', lost, [...work, '--offline']],
  ['with --no-cache', lost, ['--no-cache', '--output', 'out', '--config', 'image-composer-tool.yml']],
])('ict build hands no remote cache over %s, and reads no key', async (_what, configuration, argv) => {
  const cwd = await configured(configuration);
  const { status, options } = await build(cwd, argv, argv === work ? {} : { ICT_WORK_DIR: join(cwd, 'work') });
  expect(status).toBe(0);
  expect(options).not.toHaveProperty('remoteCache');
});

it('ict build --offline hands over what lies in directories, and reads no key for others', async () => {
  const directory = 'file:///srv/ict';
  const argv = [...work, '--offline'];
  const one = await build(await configured({ ...asked, urls: [address, directory], ...uploaded, signing_key: 'lost.key' }), argv);
  expect(one.options?.remoteCache).toEqual({ urls: [directory], trustedKeys: [{ file: expect.any(String) as string, pem: 'public a' }] });
  const other = await build(await configured({ ...uploaded, upload_url: directory }), argv);
  expect(other.options?.remoteCache).toMatchObject({ urls: [], upload: { url: directory, signingKey: { pem: 'private a' } } });
});

it.each([
  ['--remote-cache', true],
  ['--no-remote-cache', false],
])('ict build tells the engine of %s', async (flag, remote) => {
  expect((await build(await configured(asked), [...work, flag])).caches).toEqual({ remote });
});

it.each([
  ['a trusted key', { ...asked, trusted_keys: ['keys/a.pub', 'lost.pub'] }, 'lost.pub', 'remote_cache.trusted_keys'],
  ['a signing key', { ...asked, ...uploaded, signing_key: 'keys' }, 'keys', 'remote_cache.signing_key'],
])('ict build does not begin without %s that it can read', async (_what, configuration, name, setting) => {
  const cwd = await configured(configuration);
  const { status, stdout, options } = await build(cwd, [...work, '--json']);
  expect(status).toBe(2);
  const error = { code: 'ICT_CLI_KEY_UNREADABLE', facts: { file: join(cwd, name), setting } };
  expect(JSON.parse(stdout.text)).toMatchObject({ type: 'build.failed', error });
  expect(options).toBeUndefined();
});

it('commands that do not build read no key', async () => {
  const { status, options } = await ict(['cache', 'warm', 'a.yml'], {
    cwd: await configured(lost),
    engine: { warm: async () => ({ target: 'acme-acme1-x86_64', packages: 1 }) },
  });
  expect(status).toBe(0);
  expect(options).not.toHaveProperty('remoteCache');
});

it('ict config shows remote caches without passwords, and sets them one after the other', async () => {
  const cwd = await configured(lost);
  const shown = await ict(['config', 'show', '--json'], { cwd });
  const { settings } = JSON.parse(shown.stdout.text) as { settings: readonly { readonly key: string; readonly value: unknown }[] };
  expect(Object.fromEntries(settings.filter(({ key }) => key.startsWith('remote_cache.')).map(({ key, value }) => [key, value]))).toEqual({
    'remote_cache.urls': ['https://cache.example/ict'],
    'remote_cache.trusted_keys': [join(cwd, 'lost.pub')],
    'remote_cache.upload_url': 'https://cache.example/ict',
    'remote_cache.signing_key': join(cwd, 'lost.key'),
  });
  const forPeople = await ict(['config', 'show', '--origin'], { cwd });
  expect(forPeople.stdout.text + shown.stdout.text).not.toContain('secret');

  const fresh = await temporaryDirectory();
  const set = (key: string, ...values: readonly string[]) =>
    ict(['config', 'set', '--project', `remote_cache.${key}`, ...values], { cwd: fresh });
  expect((await set('urls', address, 'http://b.example')).status).toBe(0);
  const half = await ict(['config', 'show', '--json'], { cwd: fresh });
  expect([half.status, JSON.parse(half.stdout.text)]).toMatchObject([2, { error: { problems: [{ code: 'ICT_CONFIG_INCOMPLETE' }] } }]);
  expect((await set('trusted_keys', 'a.pub')).status).toBe(0);
  expect((await ict(['config', 'get', 'remote_cache.urls'], { cwd: fresh })).stdout.text).toBe(
    'https://cache.example/ict, http://b.example\n',
  );
});

/** Addresses as people write them, and mistake them. */
const written = `
  http://c.example https://c.example/a/b/ https://c.example/%zz http:// ftp://c.example/a c.example/a
  oci://c.example/a oci+http://localhost:5000/a/b-c__d.e oci://me:se%2Fcret@c.example/a/ oci://docker.io/acme/ict oci://c.example/A/../b
  oci://c.example oci:///a oci://c.example/A oci://c.example/a:b oci://c.example/a//b oci://c.example/a___b oci://c.example/-a
  oci://me%zz@c.example/a oci://c.example:x/a oci://c.example/a/../B oci://c.example/a%20b oci+https://c.example/a
  s3://bucket s3://bucket/Prefix/ s3://id:se%2Fcret@my.bucket-1/a%20b s3://bucket// s3://bucket/a/../b
  s3:// s3:///a s3://ab s3://Bucket s3://192.0.2.1 s3://a..b s3://bucket:9000/a s3://id@bucket s3://:secret@bucket s3://${'a'.repeat(64)}
  s3://bucket/%zz s3://bucket/a%2F..%2Fb s3://bucket/a%2f
  file:///srv/ict file:///srv/a%20b file:/// file://// file:///srv%2Fict file:///srv%00 file://c.example/srv file:///..
`
  .trim()
  .split(/\s+/);

it.each(written)('ict config show refuses %s when a build would, and only then', async (url) => {
  const transport = { fetcher: { fetch: () => Promise.reject(new Error()) }, client: { send: () => Promise.reject(new Error()) }, env: {} };
  let opens = true;
  try {
    openStore(url, transport);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ICT_REMOTE_CACHE_ADDRESS' });
    opens = false;
  }
  const cwd = await configured({ ...asked, urls: [url] });
  const { status, stderr } = await ict(['config', 'show'], { cwd });
  expect(status, stderr.text).toBe(opens ? 0 : 2);
});
