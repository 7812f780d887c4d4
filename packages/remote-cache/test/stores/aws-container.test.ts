import { describe, expect, it } from 'vitest';
import type { TransportAnswer, TransportRequest } from '../../src/stores/store.js';
import { aws, keyOf, keysJson, refusalOf, secretOf, SECRET_MARK, tokenOf, useAws } from './aws-world.js';

useAws();

/** Variables of an agent that is asked at `/container`. */
const agent = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container?for=ict`,
  ...more,
});

/** Clients that keep what they are asked, and answer with keys. */
function recording() {
  const told: [by: string, request: TransportRequest][] = [];
  const client = (by: string) => ({
    send: async (request: TransportRequest): Promise<TransportAnswer> => {
      told.push([by, request]);
      return { status: 200, headers: {}, text: keysJson('ID', aws.now + 3600), url: request.url };
    },
  });
  return { told, clients: { client: client('through proxies'), nearby: client('nearby') } };
}

describe('a container', () => {
  it('has keys of what runs it', async () => {
    const { credentials, source } = await aws.login(agent({ AWS_CONTAINER_AUTHORIZATION_TOKEN: `Basic ${tokenOf('agent')}` })).settings();
    expect(credentials).toEqual({
      keyId: 'CONTAINER1',
      secret: secretOf('CONTAINER1'),
      sessionToken: tokenOf('CONTAINER1'),
      expiresAtSeconds: aws.now + 3600,
    });
    expect(source).toBe(`${aws.url}/container (AWS_CONTAINER_CREDENTIALS_FULL_URI)`);
    expect(aws.asked.map(({ what, headers }) => [what, headers.authorization])).toEqual([
      ['GET /container?for=ict', `Basic ${tokenOf('agent')}`],
    ]);
  });

  it('reads the file of its token each time, before the variable', async () => {
    const tokens = {
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'other',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: aws.write('token', `${tokenOf('1')}\n`),
    };
    const login = aws.login(agent(tokens));
    expect(await keyOf(login)).toBe('CONTAINER1');
    aws.write('token', tokenOf('2'));
    aws.now += 3500;
    expect(await keyOf(login)).toBe('CONTAINER2');
    expect(aws.asked.map(({ headers }) => headers.authorization)).toEqual([tokenOf('1'), tokenOf('2')]);
  });

  it.each([
    ['http://127.0.0.1:99/x', 'nearby'],
    ['http://127.1.2.3/x', 'nearby'],
    ['http://[::1]:80/x', 'nearby'],
    ['http://localhost/x', 'nearby'],
    ['http://169.254.170.2/v2', 'nearby'],
    ['http://169.254.170.23/v1/credentials', 'nearby'],
    ['http://[fd00:ec2::23]/v1/credentials', 'nearby'],
    ['https://keys.example/x', 'through proxies'],
  ])('is asked at %s, %s', async (url, by) => {
    const { told, clients } = recording();
    await aws.login({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url }, clients).settings();
    expect(told).toMatchObject([[by, { method: 'GET', url: new URL(url).href }]]);
  });

  it.each([
    'http://keys.example/x',
    'http://169.254.170.2.example/x',
    'http://10.0.0.1/x',
    'http://169.254.1.1/x',
    'http://[fd00::1]/x',
    'ftp://127.0.0.1/x',
    `http://me:${SECRET_MARK}@127.0.0.1/x`,
    'keys',
  ])('is not asked at %s', async (url) => {
    const { told, clients } = recording();
    const failure = await refusalOf(aws.login({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url }, clients).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', facts: { variable: 'AWS_CONTAINER_CREDENTIALS_FULL_URI' } });
    expect(told).toEqual([]);
  });

  it.each(['/v2/credentials/1', 'v2/credentials/1'])('of ECS is asked at %s, whatever else is set', async (path) => {
    const { told, clients } = recording();
    await aws.login(agent({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path }), clients).settings();
    expect(told).toMatchObject([['nearby', { url: 'http://169.254.170.2/v2/credentials/1' }]]);
  });

  it('of ECS is asked nowhere else', async () => {
    const { told, clients } = recording();
    await refusalOf(aws.login({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '@keys.example/x' }, clients).settings());
    expect(told.filter(([, { url }]) => !url.startsWith('http://169.254.170.2/'))).toEqual([]);
  });

  it.each([
    ['a refusal', { status: 403, text: SECRET_MARK }, 'status 403'],
    ['a redirect', { status: 307, headers: { location: 'http://keys.example/' } }, 'status 307'],
    ['no JSON', { text: SECRET_MARK }, 'something else than keys'],
    ['no keys', { text: JSON.stringify({ AccessKeyId: SECRET_MARK }) }, 'something else than keys'],
    [
      'keys that are old',
      { text: '{"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"2020-01-01T00:00:00Z"}' },
      'were good until 2020',
    ],
    ['failures', { status: 500 }, 'gave none'],
    ['silence', 'never', 'gave none'],
  ] as const)('is refused with %s of its agent', async (_what, answer, said) => {
    aws.answer('GET /container', answer);
    const client = answer === 'never' ? aws.impatient : aws.client;
    const failure = await refusalOf(aws.login(agent(), { client }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', message: expect.stringContaining(said) as string });
    expect(failure.message).toContain(`${aws.url}/container (AWS_CONTAINER_CREDENTIALS_FULL_URI)`);
  });

  it.each([
    ['cannot be read', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', '/absent/token'],
    ['ends a line', 'AWS_CONTAINER_AUTHORIZATION_TOKEN', `${SECRET_MARK}\nx: y`],
  ])('is not asked with a token that %s', async (_what, variable, value) => {
    expect(await refusalOf(aws.login(agent({ [variable]: value })).settings())).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
    expect(aws.asked).toEqual([]);
  });
});
