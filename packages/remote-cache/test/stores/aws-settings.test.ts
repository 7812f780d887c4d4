import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { IctError } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAwsLogin } from '../../src/stores/aws-login.js';
import type { AwsCredentials } from '../../src/stores/s3-signature.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ict-aws-'));
});

afterEach(() => rmSync(home, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(home, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Whoever asks a server fails: nothing here needs one. */
const nobody = { send: () => Promise.reject(new Error('somebody was asked')) };

async function settings(env: Readonly<Record<string, string>> = {}, own?: AwsCredentials): Promise<object> {
  const login = openAwsLogin({ client: nobody, env: { HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env } });
  const { region, endpoint, credentials } = await login.settings(own);
  return { region, ...(endpoint === undefined ? {} : { endpoint }), ...(credentials === undefined ? {} : { credentials }) };
}

async function failureOf(env: Readonly<Record<string, string>> = {}): Promise<IctError> {
  return (await settings(env).then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: unknown) => error,
  )) as IctError;
}

const KEYS = 'aws_access_key_id = ID\naws_secret_access_key = se/cr+et=\n';
const credentials = { keyId: 'ID', secret: 'se/cr+et=' };

it('are anonymous, in the first region, without any', async () => {
  expect(await settings()).toEqual({ region: 'us-east-1' });
  expect(await settings({ AWS_REGION: '', AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_PROFILE: '' })).toEqual({
    region: 'us-east-1',
  });
});

describe('of the environment', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'ID', AWS_SECRET_ACCESS_KEY: 'se/cr+et=' };

  it('come before those of profiles', async () => {
    write(
      '.aws/credentials',
      '[default]\naws_access_key_id=other\naws_secret_access_key=other\naws_session_token=other\nendpoint_url=http://o.example',
    );
    write('.aws/config', '[default]\nregion=other\n');
    const env = {
      ...keys,
      AWS_REGION: 'a',
      AWS_DEFAULT_REGION: 'b',
      AWS_ENDPOINT_URL_S3: 'http://c.example',
      AWS_ENDPOINT_URL: 'http://d.example',
    };
    expect(await settings(env)).toEqual({ region: 'a', endpoint: new URL('http://c.example'), credentials });
    expect(await settings({ AWS_DEFAULT_REGION: 'b', AWS_ENDPOINT_URL: 'http://d.example' })).toEqual({
      region: 'b',
      endpoint: new URL('http://d.example'),
      credentials: { keyId: 'other', secret: 'other', sessionToken: 'other' },
    });
  });

  it('have a session token', async () => {
    expect(await settings({ ...keys, AWS_SESSION_TOKEN: 'token' })).toMatchObject({
      credentials: { ...credentials, sessionToken: 'token' },
    });
  });

  it.each(Object.keys(keys))('are refused without %s', async (variable) => {
    const failure = await failureOf({ ...keys, [variable]: '' });
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', facts: { variable } });
    expect(failure.message).not.toContain('se/cr');
  });

  it.each(['eu central', 'x.example/', 'a/b'])('are refused with the region %j', async (region) => {
    expect(await failureOf({ AWS_REGION: region })).toMatchObject({ code: 'ICT_REMOTE_CACHE_ADDRESS' });
  });
});

describe('of files', () => {
  it.each([
    ['the default', {}, `[default]\n${KEYS}`, '[default]\nregion = a\n'],
    ['the default as a profile', {}, `[default]\n${KEYS}`, '[default]\nregion = b\n[profile default]\nregion = a\n'],
    [
      'that of AWS_PROFILE',
      { AWS_PROFILE: 'my ci' },
      `[default]\nx=y\n[my ci]\n${KEYS}`,
      '[default]\nregion = b\n[profile "my ci"]\nregion = a\n',
    ],
    ['keys in the config alone', {}, '', `[default]\nregion=a\n${KEYS}`],
    ['a region beside the keys', {}, `[default]\n${KEYS}region=a`, ''],
    [
      'comments, blanks and odd case',
      {},
      `# c\n; c\n\n [other]\n`.replace(' [', '[') + `[default] ; c\r\n${KEYS.replaceAll('\n', ' # c\r\n').replace('aws_a', 'AWS_A')}`,
      '[default]\n\tregion :  a\t',
    ],
    ['indented settings', {}, `[default]\n${KEYS.replace(/^/gm, '  ').trimEnd()}`, '[default]\n  region = a\n  output = json'],
    [
      'nested settings, which are not ours',
      {},
      `[default]\n${KEYS}`,
      '[default]\nregion = a\ns3 =\n  region = b\n  endpoint_url = http://b.example\nservices = x\n[services x]\ns3 =\n  endpoint_url = http://c.example\n',
    ],
  ])('are %s', async (_what, env, credentialsText, config) => {
    write('.aws/credentials', credentialsText);
    write('.aws/config', config);
    expect(await settings(env)).toEqual({ region: 'a', credentials });
  });

  it('may lie elsewhere', async () => {
    const env = { AWS_SHARED_CREDENTIALS_FILE: write('keys', `[default]\n${KEYS}aws_session_token = t\n`), AWS_CONFIG_FILE: '~/set' };
    write('set', '[default]\nregion = a\nendpoint_url = https://s.example:9000\n');
    expect(await settings(env)).toEqual({
      region: 'a',
      endpoint: new URL('https://s.example:9000'),
      credentials: { ...credentials, sessionToken: 't' },
    });
  });

  it('never mix the keys of two files', async () => {
    write('.aws/credentials', `[default]\n${KEYS}`);
    write('.aws/config', '[default]\naws_access_key_id = O\naws_secret_access_key = O\naws_session_token = other\n');
    expect(await settings()).toEqual({ region: 'us-east-1', credentials });
  });

  it.each([
    ['a profile that is nowhere', { AWS_PROFILE: 'absent' }, `[default]\n${KEYS}`, /credentials nor .*config has the profile "absent"/],
    ['one half of a key', {}, '[default]\naws_secret_access_key = se/cret\n', /no aws_access_key_id.*line 2 of .*credentials/],
    ['the other half', {}, '[default]\n\naws_access_key_id = se/cret\n', /no aws_secret_access_key.*line 3 of .*credentials/],
    ['a line that is no setting', {}, '[default]\naws_access_key_id = ID\nse/cret\n', /line 3 of .*credentials/],
    ['a setting of no section', {}, 'aws_secret_access_key = se/cret\n', /line 1 of .*credentials/],
    ['a section that does not end', {}, '[se/cret\n', /line 1 of .*credentials/],
    ['something else', {}, '{"secret": "se/cret"}', /line 1 of .*credentials/],
  ])('are refused with %s', async (_what, env, text, said) => {
    write('.aws/credentials', text);
    const failure = await failureOf(env);
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', message: expect.stringMatching(said) as string });
    expect(JSON.stringify([failure, failure.message, failure.hint, String(failure.cause)])).not.toContain('se/cret');
  });

  it('are refused when they cannot be read', async () => {
    const loop = 'x'.repeat(300); // no name of a file is so long
    expect(await failureOf({ AWS_CONFIG_FILE: join(home, loop) })).toMatchObject({
      code: 'ICT_REMOTE_CACHE_LOGIN',
      cause: expect.objectContaining({ code: 'ENAMETOOLONG' }) as Error,
    });
  });

  it('are refused with a server that is no address', async () => {
    write('.aws/config', '[default]\nendpoint_url = s.example:9000\n');
    expect(await failureOf()).toMatchObject({
      code: 'ICT_REMOTE_CACHE_ADDRESS',
      kind: 'invalid',
      facts: { source: 'endpoint_url of the profile "default"' },
    });
  });
});

it('take keys of the address before all others', async () => {
  write('.aws/credentials', `[default]\naws_access_key_id = ID\n`);
  const own = { keyId: 'own', secret: 'own' };
  expect(await settings({ AWS_ACCESS_KEY_ID: 'half', AWS_SESSION_TOKEN: 't' }, own)).toEqual({
    region: 'us-east-1',
    credentials: own,
  });
});
