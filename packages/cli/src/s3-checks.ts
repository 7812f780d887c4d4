import { bareAddress, isIctError } from '@ict/plugin-api';
import { bucketLogin, type AwsLogin } from '@ict/remote-cache';
import { check, type HostCheck } from '@ict/sandbox';
import type { Surroundings } from './session.js';
import type { Settings } from './settings.js';

const REMEDY =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (sudo -E keeps them), or name a profile with AWS_PROFILE; ' +
  'docs/configuration.md has all sources under "Keys of a bucket"';

/**
 * Where the keys of remote caches on S3 come from, or what each source lacks: one check for each bucket that is configured. Who gives keys is asked
 * for them, as by a build; the buckets are not. A build does without remote caches, so none is required.
 *
 * @throws the signal's reason.
 */
export async function bucketChecks(
  { remoteCache: { urls, upload }, engine: { network } }: Settings,
  env: Surroundings['env'],
  signal: AbortSignal,
): Promise<readonly HostCheck[]> {
  const addresses = [...urls, ...(upload === undefined ? [] : [upload.url])].filter((url) => new URL(url).protocol === 's3:');
  if (addresses.length === 0) return [];
  const { openBucketLogins } = await import('@ict/core');
  const { aws, close } = openBucketLogins({ ...(network === undefined ? {} : { network }), env, signal });
  try {
    return await Promise.all([...new Set(addresses)].map((address) => bucketCheck(address, aws, signal)));
  } finally {
    await close();
  }
}

async function bucketCheck(address: string, aws: AwsLogin, signal: AbortSignal): Promise<HostCheck> {
  const told = (ok: boolean, detail: string, remedy = ''): HostCheck => ({ ...check('remote cache', ok, detail, remedy), required: false });
  const name = bareAddress(address);
  try {
    const { region, endpoint, source, missing } = await bucketLogin(address, aws);
    const where = endpoint === undefined ? `region ${region}` : `region ${region} at ${endpoint}`;
    if (source !== undefined) return told(true, `${name} is asked with the keys of ${source}; ${where}`);
    return told(false, `No keys were found for ${name}, ${where}: ${missing.join(', ')}`, REMEDY);
  } catch (error) {
    signal.throwIfAborted();
    if (!isIctError(error)) throw error;
    return told(false, `${name}: ${error.message}`, error.hint);
  }
}
