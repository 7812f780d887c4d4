import { createHash } from 'node:crypto';
import { FORM } from './answers.js';
import { scopeOf, signatureOf, type AwsCredentials } from './s3-signature.js';

/**
 * Headers and proof of a form that is sent to STS: AWS Signature Version 4 over the host and the text.
 *
 * @param url without a query.
 * @see "Authenticating Requests: Using the Authorization Header" of the API reference of Amazon S3, which STS has in common
 */
export function signedForm(
  url: URL,
  text: string,
  { region, credentials, atSeconds }: { readonly region: string; readonly credentials: AwsCredentials; readonly atSeconds: number },
): { readonly headers: Readonly<Record<string, string>>; readonly authorization: string } {
  const { keyId, secret, sessionToken } = credentials;
  const { time, scope } = scopeOf(atSeconds, region, 'sts');
  const headers = {
    'content-type': FORM,
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const signed = Object.entries({ ...headers, host: url.host }).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value}`);
  const hash = createHash('sha256').update(text).digest('hex');
  const signature = signatureOf(['POST', url.pathname, '', ...lines, '', names, hash].join('\n'), { time, scope }, secret);
  return {
    headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${[keyId, ...scope].join('/')}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
