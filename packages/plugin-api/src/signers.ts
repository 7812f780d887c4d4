import type { SignatureFault, SignatureResult } from './context.js';
import type { RepositorySpec } from './distribution.js';

/** A fingerprint without blanks, in upper-case hex. */
export function normalFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(' ', '').toUpperCase();
}

/**
 * Signers that count for a repository: of a good signature, those whose fingerprint the repository pins, or all when it pins none.
 *
 * @returns upper-case hex fingerprints; empty when the signature does not count.
 */
export function acceptedSigners(result: SignatureResult, { fingerprints }: Pick<RepositorySpec, 'fingerprints'>): readonly string[] {
  if (!result.good) return [];
  const pinned = fingerprints?.map(normalFingerprint);
  return pinned === undefined ? result.signers : result.signers.filter((signer) => pinned.includes(signer));
}

/** Why a signature does not count, for messages. */
export function refusal(result: SignatureResult): string {
  if (result.good) return `it was made by ${result.signers.join(', ')}, which the repository does not pin`;
  return result.failures.join('; ') || 'it carries no signature';
}

/**
 * The fault that says what helps where no signature counts: `unsigned` or `unknown-key` when that is all that is wrong, `expired-key` when a
 * renewed key may help, else `other`. What is good and does not count was made by a key that the repository does not pin, a foreign one.
 *
 * @param results of all signatures of a file.
 */
export function decisiveFault(results: readonly SignatureResult[]): SignatureFault {
  const faults = new Set(
    results.flatMap((result): readonly SignatureFault[] => (result.good ? ['unknown-key'] : (result.faults ?? ['other']))),
  );
  if (faults.has('expired-key')) return 'expired-key';
  const [first = 'other'] = faults;
  return faults.size === 1 ? first : 'other';
}
