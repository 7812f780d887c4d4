import { taggedReferences } from '@ict/cache';
import { canonicalJson, isSha256Digest } from '@ict/integrity';
import { hasCode, type IctError, type Json } from '@ict/plugin-api';
import { count, faultOf, is, oneOf, shape, type Check } from './plugins/value-check.js';

const digest = is('a SHA-256 digest', (value) => typeof value === 'string' && isSha256Digest(value));

/** A reference to a blob. */
export const blobOutput = shape({ kind: oneOf('blob'), digest, sizeBytes: count });

/** A layer as the output of a step. */
export const layerOutput = shape({ kind: oneOf('layer'), digest, entries: count, sizeBytes: count });

const reference = shape({ digest });

/**
 * What is wrong with an output that was stored, in words; undefined when nothing is. Digests and signatures show that it is what its maker wrote down, and not that
 * this was right.
 *
 * @param expected what the step gives; absent for one of which only layers and blobs are known, wherever they are in it.
 */
export function outputFault(output: Json, expected?: Check): string | undefined {
  for (const one of taggedReferences(output)) {
    const fault = faultOf(one, one.kind === 'blob' ? blobOutput : reference);
    if (fault !== undefined) return `of a ${one.kind} in it, ${fault}`;
  }
  return expected && faultOf(output, expected);
}

/** Why an output of another machine cannot be stored here: it is nested too deep, for example. Of what is stored that is known. */
export function canonicalFault(output: Json): string | undefined {
  try {
    canonicalJson(output);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'ICT_INTEGRITY_JSON')) throw error;
    return (error as IctError).message;
  }
}
