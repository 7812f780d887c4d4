import { describe, expect, it } from 'vitest';
import { aws, keyOf, refusalOf, secretOf, SECRET_MARK, tokenOf, useAws } from './aws-world.js';

useAws();

const ROLES = 'GET /latest/meta-data/iam/security-credentials/';
const KEYS = `${ROLES}builder`;
const TOKEN = 'PUT /latest/api/token';
const PLACE = 'GET /latest/meta-data/placement/region';

const instance = (more: Readonly<Record<string, string>> = {}) => aws.login({ ...aws.instance, ...more });

describe('an instance', () => {
  it('has keys of its role, and a region, which are asked for with a token', async () => {
    expect(await instance().settings()).toEqual({
      region: 'eu-north-1',
      credentials: {
        keyId: 'INSTANCE1',
        secret: secretOf('INSTANCE1'),
        sessionToken: tokenOf('INSTANCE1'),
        expiresAtSeconds: aws.now + 3600,
      },
      source: `the metadata of this instance at ${aws.url}/`,
      missing: [],
    });
    expect(aws.asked.map(({ what }) => what)).toEqual([TOKEN, ROLES, KEYS, PLACE]);
    expect(aws.asked[0]?.headers['x-aws-ec2-metadata-token-ttl-seconds']).toMatch(/^\d+$/);
    expect(new Set(aws.asked.slice(1).map(({ headers }) => headers['x-aws-ec2-metadata-token']))).toEqual(new Set(['metadata-token==']));
  });

  it.each<Readonly<Record<string, string>>>([{ AWS_REGION: 'eu-west-1' }, { AWS_ENDPOINT_URL_S3: 'http://minio.example' }])(
    'is not asked for a region with %j',
    async (env) => {
      expect((await instance(env).settings()).region).toBe('AWS_REGION' in env ? 'eu-west-1' : 'us-east-1');
      expect(aws.asked.map(({ what }) => what)).toEqual([TOKEN, ROLES, KEYS]);
    },
  );

  it('may be named by the profile', async () => {
    aws.write('.aws/config', `[default]\nec2_metadata_service_endpoint = ${aws.url}\n`);
    expect(await keyOf(aws.login({ AWS_EC2_METADATA_DISABLED: '' }))).toBe('INSTANCE1');
  });

  it.each([
    ['', 'http://169.254.169.254/latest/api/token'],
    ['IPv6', 'http://[fd00:ec2::254]/latest/api/token'],
  ])('is asked where it is on EC2, without any proxy: mode "%s"', async (mode, expected) => {
    const asked: string[] = [];
    const nearby = {
      send: ({ url }: { readonly url: string }) => {
        asked.push(url);
        return Promise.reject(new Error('nobody is there'));
      },
    };
    const client = { send: () => Promise.reject(new Error('a proxy may be asked')) };
    const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: mode };
    expect((await aws.login(env, { client, nearby }).settings()).credentials).toBeUndefined();
    expect(asked).toEqual([expected]);
  });

  it.each([
    ['that has no role', ROLES, { status: 404 }, 'has no role'],
    ['whose role is no name', ROLES, { text: '<html>' }, 'named no role'],
    ['that gives no token', TOKEN, { status: 403 }, 'gave no token (status 403)'],
    ['that is none', TOKEN, { text: '<html>\nlogin' }, 'gave no token'],
    ['that leads elsewhere', TOKEN, { status: 307, headers: { location: 'http://keys.example/' } }, 'gave no token'],
    ['that gives no keys', KEYS, { status: 404 }, 'gave no keys (status 404)'],
    ['in trouble', ROLES, { status: 500 }, 'did not answer'],
    ['out of reach', TOKEN, 'never', 'hop limit'],
  ] as const)('%s is as if it were not there', async (_what, asked, answer, said) => {
    aws.answer(asked, answer);
    const { credentials, missing } = await instance({ AWS_METADATA_SERVICE_TIMEOUT: '0.2' }).settings();
    expect(credentials).toBeUndefined();
    expect(missing.at(-1)).toContain(said);
  });

  it('is asked as often as is said', async () => {
    aws.answer(TOKEN, { status: 503 });
    await instance({ AWS_METADATA_SERVICE_NUM_ATTEMPTS: '3' }).settings();
    expect(aws.asked.map(({ what }) => what)).toEqual([TOKEN, TOKEN, TOKEN]);
  });

  it.each([
    ['something else than keys', JSON.stringify({ Code: 'Failed', AccessKeyId: SECRET_MARK })],
    ['keys that are old', '{"AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"2020-01-01T00:00:00Z"}'],
  ])('is refused with %s', async (_what, text) => {
    aws.answer(KEYS, { text });
    expect(await refusalOf(instance().settings())).toMatchObject({
      code: 'ICT_REMOTE_CACHE_LOGIN',
      facts: { source: expect.any(String) as string },
    });
  });

  it.each([
    ['a server without TLS elsewhere', { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://metadata.example' }],
    ['a server that is no address', { AWS_EC2_METADATA_SERVICE_ENDPOINT: '127.0.0.1' }],
    ['a mode that is none', { AWS_EC2_METADATA_SERVICE_ENDPOINT: '', AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv5' }],
    ['a time that is none', { AWS_METADATA_SERVICE_TIMEOUT: 'long' }],
    ['no attempt', { AWS_METADATA_SERVICE_NUM_ATTEMPTS: '0' }],
  ])('is refused with %s', async (_what, env) => {
    expect(await refusalOf(instance(env).settings())).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network' });
    expect(aws.asked).toEqual([]);
  });

  it('is not waited for once the build ends', async () => {
    const [abort, reason] = [new AbortController(), new Error('enough')];
    const nearby = {
      send: () => {
        abort.abort(reason);
        return Promise.reject(new Error('ended'));
      },
    };
    const login = aws.login(aws.instance, { nearby, signal: abort.signal });
    await expect(login.settings()).rejects.toBe(reason);
  });
});
