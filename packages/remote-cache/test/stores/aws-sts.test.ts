import { describe, expect, it } from 'vitest';
import type { TransportAnswer, TransportRequest } from '../../src/stores/store.js';
import { aws, keysXml, refusalOf, SECRET_MARK, tokenOf, useAws } from './aws-world.js';

useAws();

const identity = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  AWS_ROLE_ARN: 'arn:x',
  AWS_WEB_IDENTITY_TOKEN_FILE: aws.write('token', tokenOf('pod')),
  ...more,
});

const page = (code: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${SECRET_MARK}</Message></Error></ErrorResponse>`;

describe('STS', () => {
  it.each([
    ['ExpiredTokenException', 400, 'the token is too old (ExpiredTokenException)'],
    ['InvalidIdentityToken', 400, 'the token is none that AWS believes'],
    ['AccessDenied', 403, 'it may not be taken by who asks'],
    ['SignatureDoesNotMatch', 403, 'the clock of this machine is wrong'],
    ['RegionDisabledException', 403, 'does not use that region'],
    ['Unheard', 400, 'it calls it Unheard'],
  ])('that says %s is understood', async (code, status, said) => {
    aws.answer('POST /', { status, text: page(code) });
    const failure = await refusalOf(aws.login(identity()).settings());
    expect(failure).toMatchObject({
      code: 'ICT_REMOTE_CACHE_LOGIN',
      kind: 'network',
      facts: { role: 'arn:x', place: 'AWS_ROLE_ARN', url: `${aws.url}/`, status, answer: code },
    });
    expect(failure.message).toContain(said);
  });

  it('whose clock is another says so', async () => {
    aws.answer('POST /', { status: 403, text: page('AccessDenied'), headers: { date: new Date((aws.now + 3600) * 1000).toUTCString() } });
    expect((await refusalOf(aws.login(identity()).settings())).message).toContain('60 minutes from that of the server');
  });

  it.each([
    ['a page without a code', { status: 403, text: SECRET_MARK }, 'status 403'],
    ['a redirect, which would take the token elsewhere', { status: 308, headers: { location: '/elsewhere' } }, 'status 308'],
    ['no keys', { text: `<AccessKeyId>${SECRET_MARK}</AccessKeyId>` }, 'something else than keys'],
    ['keys that are old', { text: keysXml('OLD', 0) }, 'were good until 1970'],
    ['failures', { status: 503 }, 'status 503'],
    ['silence', 'never', 'stopped sending'],
  ] as const)('that answers with %s gives none', async (_what, answer, said) => {
    aws.answer('POST /', answer);
    const client = answer === 'never' ? aws.impatient : aws.client;
    const failure = await refusalOf(aws.login(identity(), { client }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', message: expect.stringContaining(said) as string });
    expect(aws.asked.map(({ what }) => what)).not.toContain('POST /elsewhere');
  });

  it.each([
    [{ AWS_REGION: 'eu-west-1' }, 'https://sts.eu-west-1.amazonaws.com/'],
    [{ AWS_REGION: 'cn-north-1' }, 'https://sts.cn-north-1.amazonaws.com.cn/'],
    [{}, 'https://sts.us-east-1.amazonaws.com/'],
    [{ AWS_ENDPOINT_URL: 'https://minio.example:9000' }, 'https://minio.example:9000/'],
    [{ AWS_ENDPOINT_URL_STS: 'https://sts.example', AWS_ENDPOINT_URL: 'https://minio.example' }, 'https://sts.example/'],
  ])('is asked by %j at %s, by proxies', async (env, url) => {
    const told: string[] = [];
    const client = {
      send: async (request: TransportRequest): Promise<TransportAnswer> => {
        told.push(request.url);
        return { status: 200, headers: {}, text: keysXml('ID', aws.now + 3600), url: request.url };
      },
    };
    const nearby = { send: () => Promise.reject(new Error('nobody is near')) };
    await aws.login(identity({ AWS_ENDPOINT_URL_STS: '', ...env }), { client, nearby }).settings();
    expect(told).toEqual([url]);
  });

  it('is not asked without TLS, but on this machine', async () => {
    const client = { send: () => Promise.reject(new Error('somebody was asked')) };
    const failure = await refusalOf(aws.login(identity({ AWS_ENDPOINT_URL_STS: 'http://sts.example' }), { client }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', message: expect.stringContaining('would not be secret') as string });
  });
});
