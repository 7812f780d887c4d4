import { canonicalJson, digestOf } from '@ict/integrity';
import type { Json, Memo, SignatureResult, Verifier } from '@ict/plugin-api';
import { SIGNATURE_POLICY } from '@ict/verify';

const DAY_SECONDS = 86_400;

/** A good verdict, and the last day on which it was given, in days since 1970. */
interface Remembered {
  readonly day: number;
  readonly verdict: SignatureResult;
}

/**
 * Remembers verdicts on signatures, by message and keyrings: an unchanged signed root is not verified again at each build, and a key or
 * signature that expires is noticed the next day. Only good verdicts are kept. They hold on all days before, too, on which a clock that is wrong,
 * or is put right, finds itself: what had not expired then had not expired earlier.
 *
 * @param policy by which the verifier judges: what was accepted by another is asked anew.
 */
export function rememberSignatures(verifier: Verifier, memo: Memo, clock: () => number, policy = SIGNATURE_POLICY): Verifier {
  return {
    digestFile: (file, algorithm) => verifier.digestFile(file, algorithm),
    checkParts: (checks) => verifier.checkParts(checks),
    detached: (content, signature, keyrings, options) => verifier.detached(content, signature, keyrings, options),
    clearsigned: async (message, keyrings, options) => {
      const question: Json = {
        message: digestOf(message),
        keyrings: digestOf(canonicalJson(keyrings.map((keyring) => digestOf(keyring)))),
        legacy: options?.legacyCrypto ?? false,
        policy,
      };
      const day = Math.floor((options?.atSeconds ?? clock()) / DAY_SECONDS);
      const known = (await memo.get('clearsigned', question)) as Remembered | undefined;
      if (known !== undefined && known.day >= day) return known.verdict;
      const verdict = await verifier.clearsigned(message, keyrings, options);
      if (verdict.good) await memo.set('clearsigned', question, { day, verdict } as unknown as Json);
      return verdict;
    },
  };
}
