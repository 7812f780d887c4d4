import { remoteCacheError } from '../errors.js';
import { printedAddress } from './address.js';
import { noLogin, readAwsProfile, type AwsProfile, type Environment } from './aws-profile.js';
import type { AwsCredentials } from './s3-signature.js';

/** How a bucket is asked. */
export interface AwsSettings {
  readonly region: string;
  /** Absent: AWS's own servers. */
  readonly endpoint?: URL;
  /** Absent: nobody knows any; what everybody may read can be read. */
  readonly credentials?: AwsCredentials;
}

/** What a profile may have instead of keys, and AWS's own tools make keys of. */
const DETOURS = ['role_arn', 'sso_session', 'sso_start_url', 'credential_process', 'web_identity_token_file', 'login_session'];

/**
 * What variables say, or else the profile of AWS's tools.
 *
 * @param own keys that count whatever these say.
 * @throws `ICT_REMOTE_CACHE_LOGIN`; `ICT_REMOTE_CACHE_ADDRESS` for an endpoint or a region that is none.
 */
export async function readAwsSettings(env: Environment, own: AwsCredentials | undefined): Promise<AwsSettings> {
  const given = own ?? keysOf(env);
  const profile = await readAwsProfile(env);
  const setting = (name: string): string | undefined => profile.config.get(name) || profile.credentials.get(name);
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || setting('region') || 'us-east-1';
  if (!/^[\w-]+$/.test(region)) throw unusable('The region of S3', 'is none', 'Write its short name, such as eu-central-1.', {});
  const endpoint = endpointOf(env) ?? readEndpoint(setting('endpoint_url'), `endpoint_url of the profile "${profile.name}"`);
  const credentials = given ?? keysOfProfile(profile);
  return { region, ...(endpoint === undefined ? {} : { endpoint }), ...(credentials === undefined ? {} : { credentials }) };
}

/**
 * The server that the environment names.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function endpointOf(env: Environment): URL | undefined {
  return readEndpoint(env['AWS_ENDPOINT_URL_S3'], 'AWS_ENDPOINT_URL_S3') ?? readEndpoint(env['AWS_ENDPOINT_URL'], 'AWS_ENDPOINT_URL');
}

function readEndpoint(text: string | undefined, source: string): URL | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '') return url;
  const printed = printedAddress(text);
  throw unusable(
    `${printed} (${source})`,
    'is not the address of a server of S3',
    'Write http:// or https://, its name and its port alone.',
    {
      url: printed,
      source,
    },
  );
}

function unusable(what: string, fault: string, hint: string, facts: Readonly<Record<string, unknown>>): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', { message: `${what} ${fault}`, hint, facts });
}

function keysOf(env: Environment): AwsCredentials | undefined {
  const [keyId, secret] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!keyId && !secret) return undefined;
  if (!keyId || !secret) {
    const missing = keyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw noLogin(`${missing} is not set, and its other half is`, 'Set both, or none.', { variable: missing });
  }
  return withToken({ keyId, secret }, env['AWS_SESSION_TOKEN']);
}

function keysOfProfile({ name, credentials, config }: AwsProfile): AwsCredentials | undefined {
  const section = [credentials, config].find((each) => each.get('aws_access_key_id') || each.get('aws_secret_access_key'));
  const [keyId, secret] = [section?.get('aws_access_key_id'), section?.get('aws_secret_access_key')];
  if (keyId && secret) return withToken({ keyId, secret }, section?.get('aws_session_token'));
  if (section !== undefined) {
    const missing = keyId ? 'aws_secret_access_key' : 'aws_access_key_id';
    throw noLogin(`the profile "${name}" has no ${missing}, but its other half`, 'Write both, or none.', { profile: name });
  }
  const detour = DETOURS.find((each) => config.has(each) || credentials.has(each));
  if (detour === undefined) return undefined;
  const hint = `Let AWS's own tool make keys of it: eval "$(aws configure export-credentials --profile ${name} --format env)".`;
  throw noLogin(`the profile "${name}" has ${detour} instead of keys`, hint, { profile: name, setting: detour });
}

function withToken(keys: Pick<AwsCredentials, 'keyId' | 'secret'>, sessionToken: string | undefined): AwsCredentials {
  return sessionToken ? { ...keys, sessionToken } : keys;
}
