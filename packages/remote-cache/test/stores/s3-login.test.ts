import { expect, it } from 'vitest';
import { bucketLogin } from '../../src/stores/s3-login.js';
import { aws, refusalOf, secretOf, SECRET_MARK, useAws } from './aws-world.js';

useAws();

const ADDRESS = 's3://caches/ict';

it('says where keys come from and who is asked with them, and tells none', async () => {
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container`, AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL_S3: aws.url };
  const found = await bucketLogin(ADDRESS, aws.login(env));
  expect(found).toEqual({
    region: 'eu-central-1',
    endpoint: `${aws.url}/`,
    source: expect.stringContaining('AWS_CONTAINER_CREDENTIALS_FULL_URI') as string,
    missing: [],
  });
  expect(JSON.stringify(found)).not.toContain(SECRET_MARK);
  expect(aws.asked.map(({ what }) => what)).toEqual(['GET /container']);
});

it('says what each source lacks', async () => {
  const found = await bucketLogin(ADDRESS, aws.login());
  expect(found).toEqual({ region: 'us-east-1', missing: expect.arrayContaining(['AWS_ACCESS_KEY_ID is not set']) as string[] });
});

it('looks for no others than those of the address', async () => {
  const found = await bucketLogin(`s3://ID:${encodeURIComponent(secretOf('ID'))}@caches`, aws.login());
  expect(found).toEqual({ region: 'us-east-1', source: 'the address of the cache', missing: [] });
});

it('fails as a build would', async () => {
  const halves = aws.login({ AWS_ACCESS_KEY_ID: 'ID' });
  expect(await refusalOf(bucketLogin(ADDRESS, halves))).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
});
