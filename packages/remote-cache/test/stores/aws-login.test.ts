import { describe, expect, it } from 'vitest';
import { aws, keyOf, refusalOf, secretOf, useAws } from './aws-world.js';

useAws();

const container = (): Readonly<Record<string, string>> => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` });

describe('keys', () => {
  it('are asked for once, whoever waits for them', async () => {
    const login = aws.login(container());
    expect(await Promise.all([keyOf(login), keyOf(login), keyOf(login)])).toEqual(['CONTAINER1', 'CONTAINER1', 'CONTAINER1']);
    expect(await keyOf(login)).toBe('CONTAINER1');
    expect(aws.asked).toHaveLength(1);
  });

  it.each([
    [3600, 3299, 3300],
    [600, 449, 450],
    [8, 5, 6],
  ])('that last %i s are renewed after more than %i s, once', async (lifetime, still, then) => {
    aws.lifetime = lifetime;
    const login = aws.login(container());
    const begin = aws.now;
    expect(await keyOf(login)).toBe('CONTAINER1');
    aws.now = begin + still;
    expect(await keyOf(login)).toBe('CONTAINER1');
    aws.now = begin + then;
    expect(await Promise.all([keyOf(login), keyOf(login)])).toEqual(['CONTAINER2', 'CONTAINER2']);
    expect(aws.asked).toHaveLength(2);
  });

  it('that cannot be renewed are used to their end, and asked for now and then', async () => {
    const login = aws.login(container());
    const begin = aws.now;
    await keyOf(login);
    aws.answer('GET /container', { status: 403 });
    aws.now = begin + 3400;
    expect(await keyOf(login)).toBe('CONTAINER1');
    expect(await keyOf(login)).toBe('CONTAINER1');
    expect(aws.asked).toHaveLength(2);
    aws.now += 30;
    expect(await keyOf(login)).toBe('CONTAINER1');
    expect(aws.asked).toHaveLength(3);
    aws.now = begin + 3600;
    expect(await refusalOf(login.settings())).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', facts: { status: 403 } });
  });

  it('of an instance that is silent for a while are used to their end, with its region, and then renewed', async () => {
    const login = aws.login({ ...aws.instance, AWS_METADATA_SERVICE_TIMEOUT: '0.1' });
    const begin = aws.now;
    expect(await login.settings()).toMatchObject({ region: 'eu-north-1', credentials: { keyId: 'INSTANCE1' } });
    aws.answer('PUT /latest/api/token', 'never');
    aws.now = begin + 3301;
    expect(await login.settings()).toMatchObject({ region: 'eu-north-1', credentials: { keyId: 'INSTANCE1' } });
    aws.answer('PUT /latest/api/token', { text: 'metadata-token==' });
    aws.answer('GET /latest/meta-data/placement/region', 'never');
    aws.now += 30;
    expect(await login.settings()).toMatchObject({ region: 'eu-north-1', credentials: { keyId: 'INSTANCE2' } });
    aws.answer('PUT /latest/api/token', 'never');
    aws.now += 3600;
    expect(await refusalOf(login.settings())).toMatchObject({ message: expect.stringContaining('nowhere') as unknown });
  });

  it('that could not be had are asked for again', async () => {
    aws.answer('GET /container', { status: 403 });
    const login = aws.login(container());
    await refusalOf(login.settings());
    aws.answer('GET /container', { text: `{"AccessKeyId":"LATER","SecretAccessKey":"${secretOf('LATER')}"}` });
    expect(await keyOf(login)).toBe('LATER');
  });

  it('that were refused are replaced, once for all who were refused', async () => {
    const login = aws.login(container());
    const { credentials } = await login.settings();
    expect(await Promise.all([login.renew(credentials), login.renew(credentials)])).toEqual([true, true]);
    expect(await login.renew(credentials)).toBe(true);
    expect(await keyOf(login)).toBe('CONTAINER2');
    expect(aws.asked).toHaveLength(2);
  });

  it('that nobody replaces stay refused', async () => {
    const login = aws.login({ AWS_ACCESS_KEY_ID: 'ID', AWS_SECRET_ACCESS_KEY: secretOf('ID') });
    expect(await login.renew((await login.settings()).credentials)).toBe(false);
  });

  it('of files are read again when they were refused', async () => {
    const keys = (name: string): string => `[default]\naws_access_key_id = ${name}\naws_secret_access_key = ${secretOf(name)}\n`;
    aws.write('.aws/credentials', keys('FIRST'));
    const login = aws.login();
    const { credentials } = await login.settings();
    aws.write('.aws/credentials', keys('SECOND'));
    expect(await keyOf(login)).toBe('FIRST');
    expect(await login.renew(credentials)).toBe(true);
    expect(await keyOf(login)).toBe('SECOND');
  });

  it('of an address need no others', async () => {
    const own = { keyId: 'own', secret: 'own' };
    const settings = await aws.login(container()).settings(own);
    expect(settings).toEqual({ region: 'us-east-1', credentials: own, source: 'the address of the cache', missing: [] });
    expect(aws.asked).toEqual([]);
  });
});
