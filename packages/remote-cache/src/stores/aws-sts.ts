import { isIctError } from '@ict/plugin-api';
import { printedAddress } from './address.js';
import { FORM } from './answers.js';
import { isNearby, readKeys, REFUSALS, type AwsAsker } from './aws-keys.js';
import { noLogin } from './aws-profile.js';
import { awsHost } from './aws-settings.js';
import { clockSkewOf, refusalCode } from './s3-refusal.js';
import type { AwsCredentials } from './s3-signature.js';
import { signedForm } from './sts-signature.js';
import type { TransportAnswer } from './store.js';

/** Who gives keys of roles. */
export interface StsServer {
  readonly region: string;
  /** Absent: AWS's own. */
  readonly endpoint?: URL;
}

/** A role, and who may have it. */
export interface RoleRequest {
  readonly arn: string;
  /** Where it is named, as it is told. */
  readonly place: string;
  readonly sessionName?: string | undefined;
  readonly externalId?: string | undefined;
  readonly durationSeconds?: string | undefined;
  /** Keys of somebody who may take it, or a token of somebody whom AWS believes. */
  readonly by: { readonly credentials: AwsCredentials } | { readonly token: string };
}

/** Codes of STS that say more than their status, and what to do. */
const MEANINGS: Readonly<Record<string, readonly [meaning: string, hint: string]>> = {
  AccessDenied: ['it may not be taken by who asks', 'Check the trust policy of the role, and that its conditions hold for who asks.'],
  ExpiredToken: ['the token or the keys are too old', 'Get new ones.'],
  ExpiredTokenException: ['the token is too old', 'Get a new one.'],
  IDPCommunicationError: ['AWS could not ask who made the token', 'Try again later.'],
  IDPRejectedClaim: ['who made the token does not stand by it', 'Get a new one.'],
  InvalidClientTokenId: ['it does not know the key id', 'Correct the keys that the role is taken with.'],
  InvalidIdentityToken: [
    'the token is none that AWS believes',
    'Check the identity provider of the account, and for whom (audience) the token was made.',
  ],
  MalformedPolicyDocument: ['a policy of the role cannot be read', 'Correct it.'],
  PackedPolicyTooLarge: ['policies and tags of the session are too large', 'Have fewer.'],
  RegionDisabledException: ['the account does not use that region', 'Set AWS_REGION to one that it does.'],
  RequestExpired: ['the clock of this machine is wrong', 'Set it.'],
  SignatureDoesNotMatch: [
    'the secret is not that of the key id, or the clock of this machine is wrong',
    'Correct the keys, or set the clock.',
  ],
  ValidationError: ['a setting is none that it takes', 'Check role_arn, role_session_name, duration_seconds and external_id.'],
};

/**
 * Keys of a role, of STS.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`; the signal's reason.
 * @see "AssumeRole", "AssumeRoleWithWebIdentity" of the API reference of AWS STS
 */
export async function keysOfRole(role: RoleRequest, server: StsServer, asker: AwsAsker): Promise<AwsCredentials> {
  const { clock, client, nearby, signal } = asker;
  const url = server.endpoint ?? new URL(`https://${awsHost('sts', server.region)}/`);
  const name = printedAddress(url.href);
  const facts = { role: role.arn, place: role.place, url: name };
  if (url.protocol !== 'https:' && !isNearby(url)) {
    const hint = 'Name a server of STS by AWS_ENDPOINT_URL_STS, with https://.';
    throw noLogin(`${name} may not be asked for the role of ${role.place}: what is said would not be secret`, hint, facts);
  }
  const text = formOf(role, clock());
  const form =
    'credentials' in role.by
      ? signedForm(url, text, { region: server.region, credentials: role.by.credentials, atSeconds: clock() })
      : { headers: { 'content-type': FORM } };
  const asked = isNearby(url) ? nearby : client;
  const answer = await asked
    .send({ method: 'POST', url: url.href, body: { text }, accept: REFUSALS, ...form })
    .catch((failure: unknown) => {
      signal?.throwIfAborted();
      const reason = isIctError(failure) ? failure.message : 'it cannot be asked';
      throw noLogin(
        `the role of ${role.place} was not given: ${reason}`,
        'Check the network and AWS_REGION, or try again later.',
        facts,
        failure,
      );
    });
  if (answer.status >= 300) throw refused(answer, role, name, clock());
  const of = (tag: string): string | undefined => new RegExp(`<${tag}>\\s*([^<\\s]+)\\s*</${tag}>`).exec(answer.text)?.[1];
  const [keyId, secret, sessionToken, expires] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map(of);
  return readKeys({ keyId, secret, sessionToken, expires }, `${name} for the role of ${role.place}`, clock());
}

function formOf({ arn, sessionName, externalId, durationSeconds, by }: RoleRequest, atSeconds: number): string {
  return new URLSearchParams({
    Action: 'token' in by ? 'AssumeRoleWithWebIdentity' : 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: arn,
    RoleSessionName: sessionName ?? `ict-${atSeconds}`,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
    ...('token' in by ? { WebIdentityToken: by.token } : {}),
  }).toString();
}

/** What STS says beside the code may quote a token. */
function refused({ status, text, headers }: TransportAnswer, role: RoleRequest, name: string, atSeconds: number): Error {
  const code = refusalCode(text);
  const known = code !== undefined && Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  const [meaning, hint] = known ?? [code === undefined ? `it answered with status ${status}` : `it calls it ${code}`, 'Check the role.'];
  const called = known === undefined ? meaning : `${meaning} (${code})`;
  const skew = clockSkewOf(headers, atSeconds);
  const said = [`${name} did not give the role of ${role.place}`, ...(skew === undefined ? [called] : [called, skew])];
  return noLogin(said.join('; '), hint, {
    role: role.arn,
    place: role.place,
    url: name,
    status,
    ...(code === undefined ? {} : { answer: code }),
  });
}
