import { decisiveFault, normalFingerprint, refusal } from '@ict/plugin-api';
import type { RepositorySpec, SignatureResult } from '@ict/plugin-api';
import { inSentence } from '@ict/package-index';

/** Why no signature counts: foreign keys, expired ones and signatures that are not good need different remedies. */
export interface Distrust {
  readonly kind: 'unknown-key' | 'expired-key' | 'signature';
  /** The end of a sentence: who signed, and whose signatures count. */
  readonly reason: string;
  readonly facts: {
    /** Key ids, or fingerprints where they are known, of those who signed. */
    readonly issuers: readonly string[];
    /** Fingerprints of the keys whose signatures count; absent when nobody tells. */
    readonly accepted?: readonly string[];
    readonly failures: readonly string[];
  };
}

/**
 * @param results of all signatures of a file, none of which counts.
 * @param others reasons beside those of the results: then it is not a matter of keys alone.
 */
export function distrustOf(results: readonly SignatureResult[], repository: RepositorySpec, others: readonly string[] = []): Distrust {
  const fault = decisiveFault(results);
  const failures = unique([...results.map(refusal), ...others]);
  const issuers = unique(results.flatMap((result) => (result.good ? result.signers : result.issuers)));
  const accepted = repository.fingerprints?.map(normalFingerprint) ?? results.find(({ keys }) => keys !== undefined)?.keys;
  const facts = { issuers, ...(accepted === undefined ? {} : { accepted }), failures };
  const foreign = others.length === 0 && fault === 'unknown-key';
  if (!foreign) return { kind: fault === 'expired-key' ? fault : 'signature', reason: failures.join('; '), facts };
  const problems = unique(results.flatMap((result) => keyringProblems(result)));
  const reason = [
    `it was made by ${inSentence(
      issuers.map((issuer) => `key ${issuer}`),
      'and',
    )}, ${tellAccepted(accepted)}`,
    ...problems,
  ];
  return { kind: 'unknown-key', reason: reason.join('; '), facts };
}

function tellAccepted(accepted: readonly string[] | undefined): string {
  if (accepted === undefined || accepted.length === 0) return 'and the keyrings of the repository hold no such key';
  return `and the repository accepts ${inSentence(accepted, 'and')} only`;
}

/** Failures that are of no signature. */
function keyringProblems({ failures, issuers }: SignatureResult): readonly string[] {
  return failures.filter((failure) => !issuers.some((issuer) => failure.startsWith(`${issuer}: `)));
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
