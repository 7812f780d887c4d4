import { remoteCacheError } from '../errors.js';
import { printedAddress } from './address.js';
import { settingOf, type AwsProfile, type Environment } from './aws-profile.js';
import type { AwsCredentials } from './s3-signature.js';

/** How a bucket is asked. */
export interface AwsSettings {
  readonly region: string;
  /** Absent: AWS's own servers. */
  readonly endpoint?: URL;
  /** Absent: nobody knows any; what everybody may read can be read. */
  readonly credentials?: AwsCredentials;
  /** Where the keys come from, as it is told. */
  readonly source?: string;
  /** Why there are none: what each source lacks. */
  readonly missing: readonly string[];
}

/** The name of AWS's own server of a service. */
export function awsHost(service: 's3' | 'sts', region: string): string {
  return `${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** The region of who names none. */
export const DEFAULT_REGION = 'us-east-1';

/**
 * The region that variables or the profile name.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS` for one that is none.
 */
export function regionOf(env: Environment, profile: AwsProfile): string | undefined {
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || settingOf(profile, 'region')?.value;
  if (region === undefined || /^[\w-]+$/.test(region)) return region;
  throw unusable('The region of S3', 'is none', 'Write its short name, such as eu-central-1.', {});
}

/**
 * The server that the environment names.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function endpointOf(env: Environment, service: 'S3' | 'STS' = 'S3'): URL | undefined {
  const variable = `AWS_ENDPOINT_URL_${service}`;
  return readEndpoint(env[variable], variable, service) ?? readEndpoint(env['AWS_ENDPOINT_URL'], 'AWS_ENDPOINT_URL', service);
}

/**
 * The server that the environment names, or else the profile.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function endpointFor(service: 'S3' | 'STS', env: Environment, profile: AwsProfile): URL | undefined {
  const setting = settingOf(profile, 'endpoint_url')?.value;
  return endpointOf(env, service) ?? readEndpoint(setting, `endpoint_url of the profile "${profile.name}"`, service);
}

function readEndpoint(text: string | undefined, source: string, service: 'S3' | 'STS'): URL | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '') return url;
  const printed = printedAddress(text);
  throw unusable(
    `${printed} (${source})`,
    `is not the address of a server of ${service}`,
    'Write http:// or https://, its name and its port alone.',
    { url: printed, source },
  );
}

function unusable(what: string, fault: string, hint: string, facts: Readonly<Record<string, unknown>>): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', { message: `${what} ${fault}`, hint, facts });
}
