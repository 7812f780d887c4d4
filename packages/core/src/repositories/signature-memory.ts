import { canonicalJson, digestOf } from '@ict/integrity';
import type { Digest, Json, Memo, SignatureOptions, SignatureResult, Verifier } from '@ict/plugin-api';
import { SIGNATURE_POLICY } from '@ict/verify';

const DAY_SECONDS = 86_400;

/** A good verdict, and the last day on which it was given, in days since 1970. */
interface Remembered {
  readonly day: number;
  readonly verdict: SignatureResult;
}

/**
 * Remembers verdicts on signatures, by what is signed and keyrings: an unchanged signed root is not verified again at each build, and a key or
 * signature that expires is noticed the next day. Only good verdicts are kept. They hold on all days before, too, on which a clock that is wrong,
 * or is put right, finds itself: what had not expired then had not expired earlier.
 *
 * @param policy by which the verifier judges: what was accepted by another is asked anew.
 */
export function rememberSignatures(verifier: Verifier, memo: Memo, clock: () => number, policy = SIGNATURE_POLICY): Verifier {
  async function remembered(
    kind: 'clearsigned' | 'detached',
    signed: Readonly<Record<string, Digest>>,
    keyrings: readonly Uint8Array[],
    options: SignatureOptions | undefined,
    verify: () => Promise<SignatureResult>,
  ): Promise<SignatureResult> {
    const question: Json = {
      ...signed,
      keyrings: digestOf(canonicalJson(keyrings.map((keyring) => digestOf(keyring)))),
      legacy: options?.legacyCrypto ?? false,
      policy,
    };
    const day = Math.floor((options?.atSeconds ?? clock()) / DAY_SECONDS);
    const known = (await memo.get(kind, question)) as Remembered | undefined;
    if (known !== undefined && known.day >= day) return known.verdict;
    const verdict = await verify();
    if (verdict.good) await memo.set(kind, question, { day, verdict } as unknown as Json);
    return verdict;
  }

  return {
    digestFile: (file, algorithm) => verifier.digestFile(file, algorithm),
    checkParts: (checks) => verifier.checkParts(checks),
    detached: (content, signature, keyrings, options) => {
      const verify = () => verifier.detached(content, signature, keyrings, options);
      if (!(content instanceof Uint8Array)) return verify(); // part of a package, of which its own record tells
      return remembered('detached', { message: digestOf(content), signature: digestOf(signature) }, keyrings, options, verify);
    },
    clearsigned: (message, keyrings, options) =>
      remembered('clearsigned', { message: digestOf(message) }, keyrings, options, () => verifier.clearsigned(message, keyrings, options)),
  };
}
