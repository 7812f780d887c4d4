import { isIctError } from '@ict/plugin-api';
import { readRegularFile } from '@ict/integrity';
import { printedAddress } from './address.js';
import { entriesOfJson } from './answers.js';
import { isNearby, readKeys, REFUSALS, type AwsAsker, type AwsKeys, type NoAwsKeys } from './aws-keys.js';
import { noLogin, type Environment } from './aws-profile.js';

/** Where ECS answers its containers. */
const ECS = 'http://169.254.170.2';

/**
 * Keys that a container gets of what runs it, as ECS and EKS (pod identity) have it.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`, but for variables that are not set; the signal's reason.
 * @see "Container credential provider" of the AWS SDKs and Tools Reference Guide
 */
export async function keysOfContainer({ client, nearby, env, clock, signal }: AwsAsker): Promise<AwsKeys | NoAwsKeys> {
  const server = serverOf(env);
  if (server === undefined) {
    return { missing: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set' };
  }
  const { url, variable } = server;
  const source = `${printedAddress(url.href)} (${variable})`;
  const authorization = await tokenOf(env);
  const asked = isNearby(url) ? nearby : client;
  const headers = { accept: 'application/json' };
  const answer = await asked
    .send({ method: 'GET', url: url.href, headers, accept: REFUSALS, ...(authorization === undefined ? {} : { authorization }) })
    .catch((failure: unknown) => {
      signal?.throwIfAborted();
      throw noLogin(
        `${source} gave none`,
        'Check the variable, and what runs the container.',
        { variable, code: codeOf(failure) },
        failure,
      );
    });
  if (answer.status >= 300) {
    const hint = 'Check the role of the container, and the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.';
    throw noLogin(`${source} answered with status ${answer.status}`, hint, { variable, status: answer.status });
  }
  const { AccessKeyId: keyId, SecretAccessKey: secret, Token: sessionToken, Expiration: expires } = entriesOfJson(answer.text);
  return { credentials: readKeys({ keyId, secret, sessionToken, expires }, source, clock()), source };
}

function codeOf(failure: unknown): string {
  return isIctError(failure) ? failure.code : 'unknown';
}

function serverOf(env: Environment): { readonly url: URL; readonly variable: string } | undefined {
  const [relative, full] = [env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'], env['AWS_CONTAINER_CREDENTIALS_FULL_URI']];
  if (!relative && !full) return undefined;
  const variable = relative ? 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' : 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
  const text = relative ? `${ECS}/${relative.replace(/^\//, '')}` : (full ?? '');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || isNearby(url)) && `${url.username}${url.password}` === '')
    return { url, variable };
  const hint =
    'Write https://, or http:// before an address of this machine or one of those that ECS and EKS have: 169.254.170.2, 169.254.170.23.';
  throw noLogin(`${printedAddress(text)} (${variable}) may not be asked: its answer would not be secret`, hint, { variable });
}

/** What a file says counts, and anew each time: EKS replaces it. */
async function tokenOf(env: Environment): Promise<string | undefined> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const variable = file ? 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' : 'AWS_CONTAINER_AUTHORIZATION_TOKEN';
  const token = file ? await readToken(file, variable) : env[variable];
  if (!token) return undefined;
  if (!/^[\x20-\x7e]+$/.test(token))
    throw noLogin(`the token of ${variable} has characters that no header may have`, 'Correct it.', { variable });
  return token;
}

/**
 * The token in a file, without the end of its line.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`
 */
export async function readToken(file: string, place: string): Promise<string> {
  let token: string;
  try {
    token = (await readRegularFile(file)).toString('utf8').trim();
  } catch (cause) {
    throw noLogin(
      `${file} (${place}) cannot be read`,
      'Correct the name, or let the user of this process read it.',
      { file, place },
      cause,
    );
  }
  if (token === '') throw noLogin(`${file} (${place}) is empty`, 'Have a token written there.', { file, place });
  return token;
}
