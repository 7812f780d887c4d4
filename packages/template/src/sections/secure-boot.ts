import { X509Certificate } from 'node:crypto';
import { readBounded, readPrivateKey } from '@ict/integrity';
import type { SecureBootSpec } from '@ict/plugin-api';
import { findLocal } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { Report, SpecReports } from '../problems/report.js';
import { isPlaceholder } from './user.js';

const KEYS = ['secureBootDBKey', 'secureBootDBCrt', 'secureBootDBCer'] as const;
type Key = (typeof KEYS)[number];

/** Keys and certificates are much smaller. */
const MAX_BYTES = 64 * 1024;
/** What firmware accepts at least. */
const LEAST_BITS = 2048;
/** How to make what is asked for, for hints. */
const PAGE = 'docs/secure-boot.md shows how to make them.';

/**
 * Reads which key signs what the firmware starts, and checks that a build can sign with it: all three files are named or none, the key has no passphrase and is RSA, and both
 * certificates are that of the key and valid now. What is wrong with the files, and not with the template, only refuses a build. Whether the root is immutable does not matter.
 *
 * @param nowSeconds since 1970
 * @returns undefined when nothing is signed
 */
export async function readSecureBoot(
  merged: MergedTemplate,
  nowSeconds: number,
  { error, refuse }: SpecReports,
): Promise<SecureBootSpec | undefined> {
  const { immutability } = merged.template.systemConfig ?? {};
  const at = (key: Key): Path => ['systemConfig', 'immutability', key];
  const given = KEYS.filter((key) => immutability?.[key]);
  const [first] = given;
  if (immutability === undefined || first === undefined) return undefined;
  if (given.length < KEYS.length) {
    const missing = KEYS.filter((key) => !given.includes(key));
    const message = `boot files are signed with three files, of which the template leaves out ${missing.join(' and ')}`;
    error('ICT_TEMPLATE_SECURE_BOOT', at(first), message, 'Give all three, or none of them.');
  }
  const contents = new Map<Key, Buffer>();
  let keyFile = '';
  for (const key of given) {
    const named = immutability[key] as string;
    if (isPlaceholder(named)) {
      refuse('ICT_TEMPLATE_PLACEHOLDER', at(key), `${key} is the placeholder ${named}`, 'Give the path of the file.');
      continue;
    }
    const missing: unknown[] = [];
    const refuseMissing: Report = (...report) => {
      missing.push(report);
      refuse(...report);
    };
    const file = await findLocal(named, at(key), merged, refuseMissing, 'file');
    if (key === 'secureBootDBKey') keyFile = file;
    if (missing.length > 0) continue;
    const content = await readBounded(file, MAX_BYTES).catch((cause: NodeJS.ErrnoException) => cause);
    if (content instanceof Error)
      refuse('ICT_TEMPLATE_SECURE_BOOT', at(key), `${file} cannot be read (${content.code})`, 'Let who runs the build read it.');
    else contents.set(key, content);
  }
  const certificate = checkFiles(contents, nowSeconds, (key, message, hint) => refuse('ICT_TEMPLATE_SECURE_BOOT', at(key), message, hint));
  return { keyFile, certificate: certificate?.raw.toString('base64') ?? '' };
}

/** Reports what is wrong with the content of the files. @returns the certificate, when it can be read; nothing of the key is in any message. */
function checkFiles(
  contents: ReadonlyMap<Key, Buffer>,
  nowSeconds: number,
  refuse: (key: Key, message: string, hint: string) => void,
): X509Certificate | undefined {
  const certificates = (['secureBootDBCrt', 'secureBootDBCer'] as const).flatMap((key) => {
    const content = contents.get(key);
    if (content === undefined) return [];
    const certificate = parseCertificate(content);
    if (certificate === undefined) refuse(key, `${key} is no certificate (X.509)`, `Give one in PEM or DER. ${PAGE}`);
    return certificate === undefined ? [] : [{ key, certificate }];
  });
  for (const { key, certificate } of certificates) {
    const { validFromDate, validToDate } = certificate;
    const hint = 'Make another certificate of the same key, and enrol that.';
    const expired = validToDate.getTime() / 1000 < nowSeconds;
    if (expired) refuse(key, `the certificate of ${key} expired on ${day(validToDate)}`, hint);
    else if (validFromDate.getTime() / 1000 > nowSeconds)
      refuse(key, `the certificate of ${key} is not valid before ${day(validFromDate)}`, `Look at the clock of this machine. ${hint}`);
  }
  const [one, other] = certificates.map(({ certificate }) => certificate);
  if (one !== undefined && other !== undefined && !one.raw.equals(other.raw)) {
    const hint = 'Make one of the other: openssl x509 -in db.crt -outform DER -out db.cer';
    refuse('secureBootDBCer', 'secureBootDBCrt and secureBootDBCer are not the same certificate', hint);
  }
  const content = contents.get('secureBootDBKey');
  if (content === undefined) return one;
  const refuseKey = (message: string, hint: string): void => refuse('secureBootDBKey', message, hint);
  const reading = readPrivateKey(content);
  if (reading.kind === 'encrypted') {
    const hint = 'Write it without one, where only the build can read it: openssl pkey -in db.key -out plain.key';
    refuseKey('secureBootDBKey has a passphrase, for which nobody can be asked', hint);
  } else if (reading.kind === 'unreadable') {
    refuseKey('secureBootDBKey is no private key', `Give one in PEM or DER. ${PAGE}`);
  } else {
    const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: { modulusLength: bits = 0 } = {} } = reading.key;
    if (type !== 'rsa') refuseKey(`secureBootDBKey is a key of type ${type}, and firmware wants RSA`, PAGE);
    else if (bits < LEAST_BITS)
      refuseKey(`secureBootDBKey has ${bits} bits, and firmware wants at least ${LEAST_BITS}`, `Make another. ${PAGE}`);
    else if (one !== undefined && !one.checkPrivateKey(reading.key))
      refuseKey('secureBootDBKey is not the key of the certificate', 'Give the key that the certificate was made with.');
  }
  return one;
}

/** The certificate in some bytes, PEM or DER; undefined when there is none. */
function parseCertificate(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined;
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
