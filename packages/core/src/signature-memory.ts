import { canonicalJson, digestOf } from '@ict/integrity';
import type { Json, Memo, Verifier } from '@ict/plugin-api';

const DAY_SECONDS = 86_400;

/**
 * Remembers verdicts on signatures, by message, keyrings and day: an unchanged signed root is not verified again at each build,
 * and a key or signature that expires is noticed the next day. Only good verdicts are kept.
 */
export function rememberSignatures(verifier: Verifier, memo: Memo, clock: () => number): Verifier {
  return {
    digestFile: (file, algorithm) => verifier.digestFile(file, algorithm),
    checkParts: (checks) => verifier.checkParts(checks),
    detached: (content, signature, keyrings, options) => verifier.detached(content, signature, keyrings, options),
    clearsigned: async (message, keyrings, options) => {
      const question: Json = {
        message: digestOf(message),
        keyrings: digestOf(canonicalJson(keyrings.map((keyring) => digestOf(keyring)))),
        legacy: options?.legacyCrypto ?? false,
        day: Math.floor((options?.atSeconds ?? clock()) / DAY_SECONDS),
      };
      const known = await memo.get('clearsigned', question);
      if (known !== undefined) return known as unknown as Awaited<ReturnType<Verifier['clearsigned']>>;
      const verdict = await verifier.clearsigned(message, keyrings, options);
      if (verdict.good) await memo.set('clearsigned', question, verdict as unknown as Json);
      return verdict;
    },
  };
}
