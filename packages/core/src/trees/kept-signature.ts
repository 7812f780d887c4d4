import { machineStart } from '@ict/integrity';
import type { LayerSignature } from '@ict/sandbox';

/** What the file system said of a layer's files when they were last known to be good. */
export interface KeptSignature extends LayerSignature {
  /** In which run of the machine; absent when they were read back in a later one, and in what earlier versions stored. */
  readonly boot?: string;
}

/** Nobody flushes the files of a layer: what the file system says of them may be on the disk before what they hold. */
export function signedNow(signature: LayerSignature): KeptSignature {
  const boot = machineStart();
  return boot === undefined ? signature : { ...signature, boot };
}

/** Whether the machine started after a layer was signed: it may have crashed before the files were on the disk, and have left zeros in them. Never of a lent layer (`cached-layers.ts`). */
export function mayBeLost({ boot }: KeptSignature): boolean {
  return boot !== undefined && boot !== machineStart();
}

/**
 * The signature of a layer whose every byte was found to be right.
 *
 * @param before what was kept of it: files that are still the same, and were signed before the machine started, were read from the disk.
 */
export function signedAgain(before: KeptSignature, signature: LayerSignature): KeptSignature {
  return signature.digest === before.digest && mayBeLost(before) ? signature : signedNow(signature);
}

/** The signature of a layer that was moved, and else left alone: it was signed in no other run than before. */
export function signedElsewhere({ boot }: KeptSignature, { digest, entries }: LayerSignature): KeptSignature {
  return { digest, entries, ...(boot === undefined ? {} : { boot }) };
}

/** Whether something that was read is a signature. */
export function isKeptSignature(value: unknown): value is KeptSignature {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, boot } = value as Readonly<Record<string, unknown>>;
  return typeof digest === 'string' && (boot === undefined || typeof boot === 'string');
}
