import { isIctError } from '@ict/plugin-api';
import { printedAddress } from './address.js';
import { entriesOfJson, isWord } from './answers.js';
import { isNearby, readKeys, REFUSALS, type AwsAsker, type AwsKeys, type NoAwsKeys } from './aws-keys.js';
import { noLogin, settingOf, type AwsProfile, type Environment } from './aws-profile.js';
import type { TransportAnswer } from './store.js';

/** Those of AWS's tools: most machines are no instances, and on some of them nobody even refuses. */
const DEFAULT_SECONDS = 1;
const DEFAULT_ATTEMPTS = 1;

const SERVERS: Readonly<Record<string, string>> = { ipv4: 'http://169.254.169.254', ipv6: 'http://[fd00:ec2::254]' };

/** How long a token for questions is good: until these questions were asked. */
const TOKEN_SECONDS = '60';

/** What an instance of EC2 knows: keys of its role, and its region. */
export interface InstanceMetadata extends AwsKeys {
  /** Absent: it does not say. */
  readonly region?: string;
}

/**
 * Keys of the role of an instance of EC2, by version 2 of its metadata. That nobody answers is no failure: most machines are none.
 *
 * @param region whether it is to be asked, too.
 * @throws `ICT_REMOTE_CACHE_LOGIN` for settings of which nothing can be made; the signal's reason.
 * @see "Use the Instance Metadata Service" of the user guide of Amazon EC2
 */
export async function keysOfInstance(asker: AwsAsker, profile: AwsProfile, region: boolean): Promise<InstanceMetadata | NoAwsKeys> {
  const { env, clock, signal } = asker;
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return { missing: 'AWS_EC2_METADATA_DISABLED is true' };
  const server = serverOf(env, profile);
  const source = `the metadata of this instance at ${printedAddress(server.href)}`;
  const ask = asking(asker, server);
  try {
    const granted = await ask('PUT', 'latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS });
    if (granted.status >= 300 || !isWord(granted.text)) return { missing: `${source} gave no token (status ${granted.status})` };
    const token = { 'x-aws-ec2-metadata-token': granted.text };
    const roles = await ask('GET', 'latest/meta-data/iam/security-credentials/', token);
    const role = roles.text.split('\n')[0]?.trim() ?? '';
    if (roles.status === 404) return { missing: `${source} says that it has no role` };
    if (roles.status >= 300 || !/^[\w+=,.@-]+$/.test(role)) return { missing: `${source} named no role (status ${roles.status})` };
    const given = await ask('GET', `latest/meta-data/iam/security-credentials/${role}`, token);
    if (given.status >= 300) return { missing: `${source} gave no keys (status ${given.status})` };
    const { AccessKeyId: keyId, SecretAccessKey: secret, Token: sessionToken, Expiration: expires } = entriesOfJson(given.text);
    const credentials = readKeys({ keyId, secret, sessionToken, expires }, source, clock());
    // The keys are good without.
    const place = region ? await ask('GET', 'latest/meta-data/placement/region', token).catch(() => undefined) : undefined;
    signal?.throwIfAborted();
    const known = place !== undefined && place.status < 300 && /^[\w-]+$/.test(place.text) ? { region: place.text } : {};
    return { credentials, source, ...known };
  } catch (failure) {
    signal?.throwIfAborted();
    if (isIctError(failure) && failure.code === 'ICT_REMOTE_CACHE_LOGIN') throw failure;
    return { missing: `${source} did not answer within ${secondsOf(env)} s; in a container it may, where its hop limit is 2` };
  }
}

function asking({ nearby, env, signal }: AwsAsker, server: URL) {
  const attempts = numberOf(env, 'AWS_METADATA_SERVICE_NUM_ATTEMPTS') ?? DEFAULT_ATTEMPTS;
  return async (method: 'GET' | 'PUT', path: string, headers: Readonly<Record<string, string>>): Promise<TransportAnswer> => {
    for (let left = attempts - 1; ; left -= 1) {
      const limit = AbortSignal.timeout(secondsOf(env) * 1000);
      const until = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      try {
        const url = new URL(path, server).href;
        return await nearby.send({ method, url, headers, accept: REFUSALS, once: true, reads: true, signal: until });
      } catch (failure) {
        if (left <= 0) throw failure;
        signal?.throwIfAborted();
      }
    }
  };
}

function secondsOf(env: Environment): number {
  return numberOf(env, 'AWS_METADATA_SERVICE_TIMEOUT') ?? DEFAULT_SECONDS;
}

/** @throws `ICT_REMOTE_CACHE_LOGIN` */
function numberOf(env: Environment, variable: string): number | undefined {
  const text = env[variable];
  if (!text) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text) && Number(text) > 0 && Number(text) <= 3600) return Number(text);
  throw noLogin(`${variable} is no number that can be used`, 'Set a number above 0 and up to 3600, or nothing.', { variable });
}

function serverOf(env: Environment, profile: AwsProfile): URL {
  const setting = (name: string): string | undefined => env[`AWS_${name.toUpperCase()}`] || settingOf(profile, name)?.value;
  const mode = setting('ec2_metadata_service_endpoint_mode') ?? 'ipv4';
  const text = setting('ec2_metadata_service_endpoint') ?? SERVERS[mode.toLowerCase()];
  if (text === undefined) {
    const hint = 'Set AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE to IPv4 or IPv6.';
    throw noLogin('the mode of the metadata of this instance is neither IPv4 nor IPv6', hint, {
      setting: 'ec2_metadata_service_endpoint_mode',
    });
  }
  const url = URL.canParse(text) ? new URL(`${text.replace(/\/+$/, '')}/`) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || isNearby(url)) && `${url.username}${url.password}${url.search}${url.hash}` === '')
    return url;
  const hint = 'Write https://, or http:// before an address of this machine or that of EC2: 169.254.169.254, [fd00:ec2::254].';
  throw noLogin(`${printedAddress(text)} may not be asked for the metadata of this instance`, hint, {
    setting: 'ec2_metadata_service_endpoint',
  });
}
