import { describe, expect, it } from 'vitest';
import { aws, keyOf, lastForm, refusalOf, secretOf, tokenOf, useAws } from './aws-world.js';

useAws();

const keysOf = (name: string): string => `aws_access_key_id = ${name}\naws_secret_access_key = ${secretOf(name)}\n`;
const ROLE = 'role_arn = arn:aws:iam::123456789012:role/builder\n';

/** A program that prints keys, as a line of a profile. */
function program(name: string): string {
  const file = aws.write(`keys-${name}.json`, JSON.stringify({ Version: 1, AccessKeyId: name, SecretAccessKey: secretOf(name) }));
  return `credential_process = cat ${file}\n`;
}

const variables = { AWS_ACCESS_KEY_ID: 'VARIABLE', AWS_SECRET_ACCESS_KEY: secretOf('VARIABLE') };

describe('of several sources', () => {
  it('the first counts, as with the command-line tool of AWS', async () => {
    const identity = { AWS_ROLE_ARN: 'arn:aws:iam::1:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: aws.write('token', tokenOf('identity')) };
    const container = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` };
    const parts = { role: `${ROLE}credential_source = Environment\n`, program: program('PROGRAM'), keys: keysOf('CONFIG') };
    const steps: [expected: RegExp, env: object, credentials: string, config: string][] = [
      [/^VARIABLE$/, { ...variables, ...identity, ...container }, keysOf('FILE'), parts.role + parts.program + parts.keys],
      [/^STS\d$/, { ...identity, ...container }, keysOf('FILE'), parts.program + parts.keys],
      [/^FILE$/, container, keysOf('FILE'), parts.program + parts.keys],
      [/^PROGRAM$/, container, '', parts.program + parts.keys],
      [/^CONFIG$/, container, '', parts.keys],
      [/^CONTAINER\d$/, container, '', ''],
      [/^INSTANCE\d$/, {}, '', ''],
    ];
    for (const [expected, env, credentials, config] of steps) {
      aws.write('.aws/credentials', `[default]\n${credentials}`);
      aws.write('.aws/config', `[default]\nregion = eu-west-1\n${config}`);
      expect(await keyOf(aws.login({ ...aws.instance, ...env }))).toMatch(expected);
    }
  });

  it('the role of a profile comes before a web identity and before keys of files', async () => {
    aws.write('.aws/credentials', `[default]\n${keysOf('FILE')}[other]\n${keysOf('OTHER')}`);
    aws.write('.aws/config', `[default]\n${ROLE}source_profile = other\n`);
    const env = { AWS_ROLE_ARN: 'arn:x', AWS_WEB_IDENTITY_TOKEN_FILE: aws.write('token', tokenOf('identity')) };
    expect(await keyOf(aws.login(env))).toBe('STS1');
    expect(lastForm()).toMatchObject({ Action: 'AssumeRole', RoleArn: 'arn:aws:iam::123456789012:role/builder' });
  });

  it('one that is set and fails ends the search', async () => {
    aws.write('.aws/credentials', `[default]\n${keysOf('FILE')}`);
    const env = { AWS_ROLE_ARN: 'arn:x', AWS_WEB_IDENTITY_TOKEN_FILE: `${aws.home}/absent` };
    const failure = await refusalOf(keyOf(aws.login(env)));
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', facts: { place: 'AWS_WEB_IDENTITY_TOKEN_FILE' } });
  });

  it('none has keys, and each is told', async () => {
    const { credentials, missing } = await aws.login().settings();
    expect(credentials).toBeUndefined();
    expect(missing).toEqual([
      'AWS_ACCESS_KEY_ID is not set',
      'AWS_WEB_IDENTITY_TOKEN_FILE is not set',
      `the profile "default" is not in ${aws.home}/.aws/credentials or ${aws.home}/.aws/config`,
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set',
      'AWS_EC2_METADATA_DISABLED is true',
    ]);
    expect(aws.asked).toEqual([]);
  });
});

describe('variables', () => {
  it('may say until when they are good', async () => {
    const until = (seconds: number): Readonly<Record<string, string>> => ({
      ...variables,
      AWS_CREDENTIAL_EXPIRATION: new Date((aws.now + seconds) * 1000).toISOString(),
    });
    expect((await aws.login(until(60)).settings()).credentials).toMatchObject({ expiresAtSeconds: aws.now + 60 });
    const old = await refusalOf(aws.login(until(0)).settings());
    expect(old).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', facts: { source: 'AWS_ACCESS_KEY_ID', until: '2023-11-14T22:13:20Z' } });
  });

  it('may hold nothing that ends a line', async () => {
    const failure = await refusalOf(aws.login({ ...variables, AWS_SESSION_TOKEN: `${tokenOf('x')}\nx: y` }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
  });
});

describe('the role of a profile', () => {
  it('is taken with keys of another, which sign what is asked', async () => {
    aws.write('.aws/credentials', `[base]\n${keysOf('BASE')}aws_session_token = ${tokenOf('base')}\n`);
    const more = 'role_session_name = ci\nexternal_id = e&x\nduration_seconds = 900\n';
    aws.write('.aws/config', `[profile ci]\n${ROLE}source_profile = base\nregion = eu-west-3\n${more}`);
    const { credentials, source, region } = await aws.login({ AWS_PROFILE: 'ci' }).settings();
    expect(credentials).toEqual({
      keyId: 'STS1',
      secret: secretOf('STS1'),
      sessionToken: tokenOf('STS1'),
      expiresAtSeconds: aws.now + 3600,
    });
    expect({ source, region }).toEqual({
      source: `the role of the profile "ci" (line 2 of ${aws.home}/.aws/config), taken with the profile "base" (line 2 of ${aws.home}/.aws/credentials)`,
      region: 'eu-west-3',
    });
    expect(lastForm()).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::123456789012:role/builder',
      RoleSessionName: 'ci',
      ExternalId: 'e&x',
      DurationSeconds: '900',
    });
    expect(aws.asked[0]?.headers).toMatchObject({
      authorization: expect.stringContaining('Credential=BASE/20231114/eu-west-3/sts/aws4_request') as string,
      'x-amz-security-token': tokenOf('base'),
    });
  });

  it.each([
    ['a profile with keys beside its role, which are taken', `[a]\n`, `[profile a]\n${ROLE}source_profile = a\n`, 1],
    ['a chain of roles', `[c]\n`, `[profile a]\n${ROLE}source_profile = b\n[profile b]\n${ROLE}source_profile = c\n`, 2],
    [
      'a role of whose profile keys come first',
      `[b]\n`,
      `[profile a]\n${ROLE}source_profile = b\n[profile b]\n${ROLE}source_profile = x\n`,
      1,
    ],
  ])('may be of %s', async (_what, section, config, requests) => {
    aws.write('.aws/credentials', `${section}${keysOf('BASE')}`);
    aws.write('.aws/config', config);
    expect(await keyOf(aws.login({ AWS_PROFILE: 'a' }))).toBe(`STS${requests}`);
    expect(aws.asked[0]?.headers.authorization).toContain('Credential=BASE/');
    if (requests > 1) expect(aws.asked[1]?.headers.authorization).toContain('Credential=STS1/');
  });

  it.each([
    ['Environment', variables, 'VARIABLE'],
    ['EcsContainer', { AWS_CONTAINER_CREDENTIALS_FULL_URI: '/container' }, 'CONTAINER1'],
    ['Ec2InstanceMetadata', {}, 'INSTANCE1'],
  ])('may be taken with keys of %s', async (source, env, keyId) => {
    aws.write('.aws/config', `[profile a]\n${ROLE}credential_source = ${source}\n`);
    const full = Object.entries(env).map(([name, value]) => [name, value.startsWith('/') ? aws.url + value : value] as const);
    const chosen = { AWS_PROFILE: 'a', ...aws.instance, ...Object.fromEntries(full) };
    const { credentials } = await aws.login(chosen).settings();
    if (source === 'Environment') expect(credentials?.keyId).toBe('VARIABLE');
    else expect(aws.asked.at(-1)?.headers.authorization).toContain(`Credential=${keyId}/`);
  });

  it.each([
    ['nobody whose keys it is taken with', ROLE, 'neither', 2],
    ['two of them', `${ROLE}source_profile = b\ncredential_source = Environment\n`, 'both', 2],
    ['a profile that is nowhere', `${ROLE}source_profile = b\n`, 'nowhere', 3],
    ['itself, without keys', `${ROLE}source_profile = a\n`, 'leads back', 3],
    ['a profile that leads back', `${ROLE}source_profile = c\n[profile c]\n${ROLE}source_profile = a\n`, 'leads back', 6],
    ['a profile without keys', `${ROLE}source_profile = c\n[profile c]\nregion = x\n`, 'without keys', 3],
    ['a source that is none', `${ROLE}credential_source = Elsewhere\n`, 'names no source', 3],
    ['a source without keys', `${ROLE}credential_source = Environment\n`, 'AWS_ACCESS_KEY_ID is not set', 3],
    ['a device', `${ROLE}source_profile = c\nmfa_serial = arn:x\n`, 'mfa_serial', 4],
    ['a login', `sso_session = x\nsso_account_id = 1\n`, 'sso_session', 2],
    ['a login of the console', `login_session = x\n`, 'login_session', 2],
    ['a token without a role', `web_identity_token_file = /x\n`, 'without role_arn', 2],
  ])('is refused with %s, with its file and line', async (_what, config, said, line) => {
    aws.write('.aws/config', `[profile a]\n${config}`);
    const failure = await refusalOf(aws.login({ AWS_PROFILE: 'a' }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', facts: { file: `${aws.home}/.aws/config`, line } });
    expect(failure.message).toContain(said);
    expect(failure.message).toContain(`line ${line} of ${aws.home}/.aws/config`);
  });

  it.each(['sso_session', 'sso_start_url', 'login_session', 'mfa_serial'])('says how %s may be had', async (setting) => {
    aws.write('.aws/config', `[profile a]\n${ROLE.repeat(setting === 'mfa_serial' ? 1 : 0)}source_profile = b\n${setting} = x\n`);
    const { hint } = await refusalOf(aws.login({ AWS_PROFILE: 'a' }).settings());
    expect(hint).toContain('credential_process = aws configure export-credentials --profile a --format process');
  });

  it('that needs a login is not missed where keys are', async () => {
    aws.write('.aws/credentials', `[a]\n${keysOf('FILE')}`);
    aws.write('.aws/config', `[profile a]\nsso_session = x\n`);
    expect(await keyOf(aws.login({ AWS_PROFILE: 'a' }))).toBe('FILE');
  });
});

describe('a web identity', () => {
  it('is what variables say, and asks without a signature', async () => {
    const env = {
      AWS_ROLE_ARN: 'arn:x',
      AWS_ROLE_SESSION_NAME: 'pod',
      AWS_WEB_IDENTITY_TOKEN_FILE: aws.write('token', `${tokenOf('pod')}\n`),
    };
    expect((await aws.login(env).settings()).source).toBe('AWS_WEB_IDENTITY_TOKEN_FILE');
    expect(lastForm()).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:x',
      RoleSessionName: 'pod',
      WebIdentityToken: tokenOf('pod'),
    });
    expect(aws.asked.map(({ what, headers }) => [what, headers.authorization])).toEqual([['POST /', undefined]]);
  });

  it('is that of a profile, and of the profile that another names', async () => {
    const file = aws.write('token', tokenOf('identity'));
    aws.write('.aws/config', `[profile a]\n${ROLE}source_profile = b\n[profile b]\n${ROLE}web_identity_token_file = ${file}\n`);
    expect(await keyOf(aws.login({ AWS_PROFILE: 'b' }))).toBe('STS1');
    expect(lastForm()).toMatchObject({ WebIdentityToken: tokenOf('identity'), RoleSessionName: `ict-${aws.now}` });
    expect(await keyOf(aws.login({ AWS_PROFILE: 'a' }))).toBe('STS3');
    expect(lastForm()['Action']).toBe('AssumeRole');
  });

  it.each([
    ['no role', {}, tokenOf('x'), 'AWS_ROLE_ARN is not'],
    ['an empty token', { AWS_ROLE_ARN: 'arn:x' }, '\n', 'is empty'],
    ['two tokens', { AWS_ROLE_ARN: 'arn:x' }, `${tokenOf('x')}\n${tokenOf('y')}`, 'something else than a token'],
  ])('is refused with %s', async (_what, env, token, said) => {
    const failure = await refusalOf(aws.login({ ...env, AWS_WEB_IDENTITY_TOKEN_FILE: aws.write('token', token) }).settings());
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', message: expect.stringContaining(said) as string });
  });
});
