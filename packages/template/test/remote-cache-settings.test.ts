import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigOptions, describeConfig, loadConfig } from '../src/configuration/config.js';
import { options } from './config-options.js';

const transport = { timeoutMs: 'a while' };

describe('remote caches', () => {
  const urls = 'urls: [https://c.example]';
  const keys = 'trusted_keys: [c.pub]';
  const upload = 'upload_url: https://c.example';
  const signing = 'signing_key: c.key';
  const loadWith = async (members: readonly string[], env: ConfigOptions['env'] = {}) =>
    loadConfig(await options({ 'cwd/image-composer-tool.yml': `remote_cache:\n${members.map((one) => `  ${one}\n`).join('')}` }, { env }));

  it.each([[[]], [[keys]], [[urls, keys]], [[upload, signing]], [[keys, upload, signing]], [[urls, keys, upload, signing]]])(
    'may have %j',
    async (members) => {
      expect((await loadWith(members)).problems).toEqual([]);
    },
  );

  it.each([
    [[urls], [2, 'remote_cache.urls', 'remote_cache.trusted_keys']],
    [
      [keys, upload],
      [3, 'remote_cache.upload_url', 'remote_cache.signing_key'],
    ],
    [
      [keys, urls, signing],
      [4, 'remote_cache.signing_key', 'remote_cache.upload_url'],
    ],
  ] as const)('%j are not enough', async (members, [line, key, missing]) => {
    const { config, problems } = await loadWith(members);
    expect(config).toBeUndefined();
    expect(problems).toMatchObject([
      {
        code: 'ICT_CONFIG_INCOMPLETE',
        position: { line, column: 3 },
        message: expect.stringMatching(`^${key} is set, and ${missing} is`) as string,
      },
    ]);
  });

  it('take what is missing from a variable, and say so of one that lacks it', async () => {
    const key = { ICT_REMOTE_CACHE_TRUSTED_KEYS: 'k.pub' };
    expect((await loadWith([urls], key)).problems).toEqual([]);
    const { problems } = await loadWith([], { ICT_REMOTE_CACHE_URLS: 'https://c.example', ICT_REMOTE_CACHE_SIGNING_KEY: 'k' });
    expect(problems.map(({ code, position }) => [code, position])).toEqual([
      ['ICT_CONFIG_INCOMPLETE', undefined],
      ['ICT_CONFIG_INCOMPLETE', undefined],
    ]);
  });

  it('have lists of all sources joined, the strongest first, and paths that count from where they stand', async () => {
    const given = await options(
      {
        'cwd/image-composer-tool.yml': `remote_cache: { urls: [https://b.example, https://a.example/], trusted_keys: [keys/b.pub, /a.pub] }\n`,
        'etc/config.yml': `remote_cache: { ${upload}, ${signing}, trusted_keys: [~/c.pub] }\n`,
      },
      { env: { ICT_REMOTE_CACHE_URLS: 'https://a.example', ICT_REMOTE_CACHE_TRUSTED_KEYS: 'a.pub' } },
    );
    const { config } = await loadConfig(given);
    expect(config?.remoteCache).toEqual({
      urls: ['https://a.example', 'https://b.example'],
      trustedKeys: [path.join(given.cwd, 'a.pub'), path.join(given.cwd, 'keys/b.pub'), '/a.pub', path.join(given.home, 'c.pub')],
      upload: { url: 'https://c.example', signingKey: path.join(path.dirname(given.cwd), 'etc/c.key') },
    });
  });

  it('are described without credentials', async () => {
    const secret = 'https://me:secret@c.example/x';
    const rows = describeConfig(
      await loadWith([`urls: ['${secret}', https://d.example]`, keys, `upload_url: '${secret}'`, signing]),
      transport,
    );
    expect(rows.filter(({ key }) => /^remote_cache\.u/.test(key))).toMatchObject([
      { value: ['https://c.example/x', 'https://d.example'], text: 'https://c.example/x, https://d.example' },
      { value: 'https://c.example/x', text: 'https://c.example/x' },
    ]);
    expect(JSON.stringify(rows)).not.toContain('secret');
  });

  it.each([
    'oci://me:secret@c.example/a/b',
    'oci+http://localhost:5000/a',
    'file:///srv/cache',
    's3://bucket',
    's3://id:se%2Fcret@bucket/a/b',
    's3://my.bucket-1/Any/Prefix%20here',
    'oci://c.example:5000/a_b/c--d.e',
  ])('take the address %j', async (url) => {
    const { problems, config } = await loadWith([`urls: ['${url}']`, keys, `upload_url: '${url}'`, signing]);
    expect(problems).toEqual([]);
    expect(config?.remoteCache).toMatchObject({ urls: [url], upload: { url } });
  });

  it.each([
    'ftp://me:secret@c.example',
    'file://c.example/srv',
    'oci://me:secret@',
    'oci://me:secret@c.example/a?b',
    's3://me:secret@',
    's3://me:secret@bucket/a?b',
    's3://me:secret@bucket/a b',
    's3:me:secret@bucket',
    'me:secret@c.example',
    'oci://me:secret@c.example',
    'oci://me:secret@c.example/Upper',
    'oci+http://me:secret@c.example/a//b',
    'oci://me:secret@c.example/a:tag',
    'oci://me:secret%zz@c.example/a',
    's3://me:secret@Upper',
    's3://me:secret@bucket:9000/a',
    's3://me:secret@bucket/%zz',
    's3://me:secret@bucket/a%2F..%2Fb',
    's3://secret@bucket',
    'file:///',
    'file:///srv%2Fcache',
    'file:///srv%00',
    'https://me:secret@c.example/?a',
    'https://me:secret@c.example/#a',
    'https://me:secret@',
    '/srv/cache',
    '',
  ])('refuse the address %j', async (url) => {
    const { problems } = await loadWith([`urls: ['${url}']`, keys, `upload_url: '${url}'`, signing]);
    expect(problems.map(({ code, position }) => [code, position?.line])).toEqual([
      ['ICT_DOCUMENT_BAD_VALUE', 2],
      ['ICT_DOCUMENT_BAD_VALUE', 4],
    ]);
    if (url === '') return;
    const env = { ICT_REMOTE_CACHE_URLS: `https://d.example ${url}`, ICT_REMOTE_CACHE_UPLOAD_URL: url };
    const fromVariables = await loadWith([keys, signing], env);
    expect(fromVariables.problems.map(({ code }) => code)).toEqual(['ICT_CONFIG_ENVIRONMENT', 'ICT_CONFIG_ENVIRONMENT']);
    expect(JSON.stringify(fromVariables.problems)).not.toContain('me:secret');
  });
});
