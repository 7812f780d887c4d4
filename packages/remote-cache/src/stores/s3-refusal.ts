import { fromErrorRecord, hasCode, isIctError, toErrorRecord, type IctError } from '@ict/plugin-api';
import { printedAddress } from './address.js';
import type { AwsSettings } from './aws-settings.js';
import type { TransportAnswer } from './store.js';

/** Codes of S3 that say more than their status. */
const MEANINGS: Readonly<Record<string, string>> = {
  ExpiredToken: 'the session token is too old',
  InvalidAccessKeyId: 'it knows no such key id',
  InvalidToken: 'the session token is none',
  NoSuchBucket: 'there is no such bucket',
  NoSuchUpload: 'the upload of its parts was ended by others',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  SignatureDoesNotMatch: 'the secret is not that of the key id',
  TokenRefreshRequired: 'the session token is too old',
};

/** Codes of what is asked of a bucket in the name of another region. */
const OF_REGIONS: ReadonlySet<string> = new Set([
  'AuthorizationHeaderMalformed',
  'AuthorizationQueryParametersError',
  'IllegalLocationConstraintException',
  'InvalidRegionName',
  'PermanentRedirect',
]);

/** Codes of keys that ended, or were taken back, before the clock of this machine said so. */
const OF_OLD_KEYS: ReadonlySet<string> = new Set(['ExpiredToken', 'InvalidAccessKeyId', 'InvalidToken', 'TokenRefreshRequired']);

/** Codes that speak of keys. */
const OF_KEYS: ReadonlySet<string> = new Set([...OF_OLD_KEYS, 'SignatureDoesNotMatch']);

/** How far a clock may be off: S3 takes no more. */
const SKEW_SECONDS = 15 * 60;

/** What was asked in vain. */
export interface RefusedRequest {
  readonly writes: boolean;
  readonly settings: AwsSettings;
  /** Now, seconds since 1970. */
  readonly atSeconds: number;
  /** Asks for the object in short, and takes every answer. */
  readonly ask: () => Promise<TransportAnswer>;
}

/**
 * A failure of the transport, with what S3 says of it, and without the query of its address. What S3 says comes with an answer that clients of files do
 * not read, or in none (to HEAD): so it is asked for.
 */
export async function explainRefusal(failure: unknown, request: RefusedRequest): Promise<unknown> {
  if (!isIctError(failure)) return failure;
  const record = toErrorRecord(failure);
  const { url, answeredBy } = record.facts;
  const answer = isRefusal(failure) ? await request.ask().catch(() => undefined) : undefined; // the failure is told without
  const reasons = isRefusal(failure) ? reasonsOf(failure, request, answer) : [];
  const message = typeof url === 'string' ? record.message.replaceAll(url, printedAddress(url)) : record.message;
  const named = Object.entries({ url, answeredBy }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const code = refusalCode(answer?.text ?? '');
  const facts = {
    ...record.facts,
    ...Object.fromEntries(named.map(([name, address]) => [name, printedAddress(address)])),
    ...(code !== undefined && Object.hasOwn(MEANINGS, code) ? { answer: code } : {}),
  };
  return fromErrorRecord({ ...record, message: [message, ...reasons].join('; '), facts }, failure);
}

/** The code by which a page of S3 tells a refusal, whatever the status that it comes with. @returns undefined for a page that tells none. */
export function refusalCode(page: string): string | undefined {
  return /<Code>(\w{1,64})<\/Code>/.exec(page)?.[1];
}

/** Whether S3 refused keys that were good once, as {@link explainRefusal} tells it: others may be to be had. */
export function isOfOldKeys(failure: unknown): boolean {
  return isIctError(failure) && OF_OLD_KEYS.has(String(failure.facts['answer']));
}

/** What a code says to people. */
export function meaningOf(code: string): string {
  const meaning = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  return meaning === undefined ? `S3 calls it ${code}` : `${meaning} (${code})`;
}

/** How far the clock of this machine is from that of a server, as it is told. @returns undefined for what a server takes. */
export function clockSkewOf(headers: TransportAnswer['headers'], atSeconds: number): string | undefined {
  const offSeconds = Math.abs(Date.parse(headers['date'] ?? '') / 1000 - atSeconds);
  return offSeconds > SKEW_SECONDS
    ? `the clock of this machine is ${Math.round(offSeconds / 60)} minutes from that of the server`
    : undefined;
}

/** Whether S3 refused, as it does for a bucket of another region, too: with a redirect to nowhere. */
function isRefusal(failure: IctError): boolean {
  const { status } = failure.facts;
  if (hasCode(failure, 'ICT_FETCH_REDIRECT')) return true;
  return hasCode(failure, 'ICT_FETCH_STATUS') && typeof status === 'number' && status < 500 && status !== 429;
}

function noKeys({ missing }: AwsSettings): string {
  return ['no keys were found for it', ...(missing.length === 0 ? [] : [missing.join(', ')])].join(': ');
}

function reasonsOf(
  failure: IctError,
  { writes, settings, atSeconds }: RefusedRequest,
  answer: TransportAnswer | undefined,
): readonly string[] {
  const { headers = {}, text = '' } = answer ?? {};
  const code = refusalCode(text);
  const whose = settings.source === undefined ? [] : [`its keys are those of ${settings.source}`];
  if (code !== undefined && Object.hasOwn(MEANINGS, code)) return [meaningOf(code), ...(OF_KEYS.has(code) ? whose : [])];
  const region = /^[\w-]{1,64}$/.exec(headers['x-amz-bucket-region'] ?? '')?.[0] ?? /<Region>([\w-]{1,64})<\/Region>/.exec(text)?.[1];
  if (region !== undefined && region !== settings.region) {
    return [`the region of the bucket is ${region}, not ${settings.region}: set AWS_REGION=${region}`];
  }
  const said = code === undefined ? [] : [meaningOf(code)];
  const leadsNowhere = answer?.status === 301 && headers['location'] === undefined;
  if (leadsNowhere || (code !== undefined && OF_REGIONS.has(code))) {
    return [...said, `perhaps the region of the bucket is not ${settings.region}: set AWS_REGION`];
  }
  if (failure.facts['status'] !== 403) return said;
  const skew = clockSkewOf(headers, atSeconds);
  if (skew !== undefined) return [...said, skew];
  const missing = writes
    ? 'perhaps its user may not write there (s3:PutObject)'
    : 'perhaps its user may not read there (s3:GetObject), or it is not there, which is told only to who may list the bucket (s3:ListBucket)';
  return [...said, ...(settings.credentials === undefined ? [noKeys(settings)] : whose), missing];
}
