import { expect, it } from 'vitest';
import { signedForm } from '../../src/stores/sts-signature.js';

const keys = { keyId: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const text = 'Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx&RoleSessionName=s';

// Of `SigV4Auth` of botocore 1.43.11, with this form, these keys and this time.
it.each([
  [keys, 'content-type;host;x-amz-date', 'b208184b9a699000a50cbeb0e89603461e6a0dddf2923e9d2291d68665cdcedb'],
  [
    { ...keys, sessionToken: 'short/lived+token==' },
    'content-type;host;x-amz-date;x-amz-security-token',
    '153b06dbb3730e8ef68592a589ec60551f57a9b3ef25157c1134f18210913e98',
  ],
])('a form of %j is signed as others sign it', (credentials, names, signature) => {
  const atSeconds = Date.UTC(2026, 1, 3, 4, 5, 6) / 1000;
  const url = new URL('https://sts.eu-central-1.amazonaws.com/');
  const { authorization, headers } = signedForm(url, text, { region: 'eu-central-1', credentials, atSeconds });
  const scope = 'AKIAIOSFODNN7EXAMPLE/20260203/eu-central-1/sts/aws4_request';
  expect(authorization).toBe(`AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${signature}`);
  expect(headers).toEqual({
    'content-type': 'application/x-www-form-urlencoded',
    'x-amz-date': '20260203T040506Z',
    ...('sessionToken' in credentials ? { 'x-amz-security-token': credentials.sessionToken } : {}),
  });
});
