import { printedAddress } from './address.js';
import type { AwsLogin } from './aws-login.js';
import { readS3Address } from './s3-address.js';

/** How a bucket is asked, as it is told: without the keys themselves. */
export interface BucketLogin {
  readonly region: string;
  /** Absent: AWS's own servers. */
  readonly endpoint?: string;
  /** Where the keys come from; absent where nobody knows any. */
  readonly source?: string;
  /** Why there are none: what each source lacks. */
  readonly missing: readonly string[];
}

/**
 * How the bucket at an address would be asked. What gives keys is asked for them, and the bucket for nothing.
 *
 * @param address `s3://bucket/prefix`
 * @throws as `settings` of a login does; `ICT_REMOTE_CACHE_ADDRESS`
 */
export async function bucketLogin(address: string, login: AwsLogin): Promise<BucketLogin> {
  const { credentials } = readS3Address(new URL(address));
  const { region, endpoint, source, missing } = await login.settings(credentials);
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint: printedAddress(endpoint.href) }),
    ...(source === undefined ? {} : { source }),
    missing,
  };
}
