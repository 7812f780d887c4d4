import { X509Certificate } from 'node:crypto';
import { readBounded, readPrivateKey } from '@ict/integrity';
import type { SecureBootSpec } from '@ict/plugin-api';
import { imageError, signProgram, type ProgramSigner } from '@ict/image-parts';
import { diskError } from './errors.js';

/** Where the certificate lies on the EFI system partition (DER), for whoever enrols it. */
export const CERTIFICATE_PATH = '/loader/keys/db.cer';

/** Keys are much smaller. */
const MAX_KEY_BYTES = 64 * 1024;

/** The certificate of a template, DER. */
export function certificateOf({ certificate }: SecureBootSpec): Buffer {
  return Buffer.from(certificate, 'base64');
}

/**
 * Reads the key that signs boot files. It is held in memory alone.
 *
 * @throws `ICT_DISK_SIGNING_KEY` when the file is no longer what it was as the template was read.
 */
export async function readSigner(secureBoot: SecureBootSpec): Promise<ProgramSigner> {
  const { keyFile } = secureBoot;
  const certificate = certificateOf(secureBoot);
  const unfit = (why: string, cause?: unknown): Error =>
    diskError('ICT_DISK_SIGNING_KEY', {
      message: `boot files cannot be signed: ${keyFile} ${why}`,
      hint: 'Leave keys and certificates as they are while a build runs, and build again.',
      facts: { file: keyFile },
      cause,
    });
  const content = await readBounded(keyFile, MAX_KEY_BYTES).catch((cause: unknown) => {
    throw unfit('can no longer be read', cause);
  });
  const reading = readPrivateKey(content);
  if (reading.kind !== 'key' || !new X509Certificate(certificate).checkPrivateKey(reading.key))
    throw unfit('is no longer the key of the certificate');
  return { key: reading.key, certificate };
}

/** Signs a program in its file. @throws `ICT_IMAGE_BOOT_PROGRAM` for one that cannot be signed; `target` names it. */
export async function signBootFile(file: string, target: string, signer: ProgramSigner): Promise<void> {
  await signProgram(file, signer, (reason) =>
    imageError('ICT_IMAGE_BOOT_PROGRAM', {
      message: `${target} cannot be signed for Secure Boot: ${reason}`,
      hint: 'It has to be a program for UEFI as the distribution brings it: let nothing of the template replace it.',
      facts: { path: target },
    }),
  );
}
