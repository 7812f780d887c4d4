import { fromErrorRecord, hasCode, isIctError, toErrorRecord } from '@ict/plugin-api';
import type { MirrorCandidate } from './mirrors.js';
import { redactUrl } from './redact-url.js';
import { isTransient } from './retry.js';

/** What mirrors failed with, in the order in which they were tried. */
export type MirrorFailures = ReadonlyMap<MirrorCandidate, unknown>;

/** What {@link failOver} got, from whom, and who failed before. */
export interface Delivered<T> {
  readonly value: T;
  readonly by: MirrorCandidate;
  readonly failures: MirrorFailures;
}

/**
 * Asks one mirror after the other until one delivers. The first round is impatient: the next mirror is the better second attempt. When
 * none delivers, those that `again` names by their failure are asked once more, with all patience. One candidate alone is asked patiently
 * at once.
 *
 * @param attempt only a failure of the mirror, or of what came, or that --offline forbids, moves on to the next; any other is final.
 *   `before` is what the candidate failed with in the first round.
 * @throws the most telling failure, which then names every mirror that was tried.
 */
export async function failOver<T>(
  candidates: readonly MirrorCandidate[],
  attempt: (candidate: MirrorCandidate, patient: boolean, before?: unknown) => Promise<T>,
  signal: AbortSignal | undefined,
  again: (failure: unknown) => boolean = isTransient,
): Promise<Delivered<T>> {
  const failures = new Map<MirrorCandidate, unknown>();
  let round = candidates;
  for (const patient of candidates.length > 1 ? [false, true] : [true]) {
    for (const candidate of round) {
      try {
        const value = await attempt(candidate, patient, failures.get(candidate));
        failures.delete(candidate);
        return { value, by: candidate, failures };
      } catch (error) {
        signal?.throwIfAborted();
        if (!isOfMirror(error)) throw error;
        failures.set(candidate, error);
      }
    }
    round = candidates.filter((candidate) => again(failures.get(candidate)));
  }
  throw mostTelling(failures);
}

/** Whether another mirror may do better: what this machine or the request lacks is missing everywhere, but for a mirror that is a directory. */
export function isOfMirror(error: unknown): boolean {
  if (!isIctError(error)) return false;
  return error.kind === 'network' || error.kind === 'integrity' || error.code === 'ICT_FETCH_UNREADABLE' || isForbidden(error);
}

/** Whether a mirror was not asked because --offline forbids it: a directory may stand in, and nobody is to blame. */
export function isForbidden(error: unknown): boolean {
  return hasCode(error, 'ICT_FETCH_OFFLINE');
}

/** Content that is wrong says more than content that is absent, and that more than a mirror that cannot be reached, or may not be. */
function mostTelling(failures: MirrorFailures): unknown {
  const all = [...failures.values()];
  const telling =
    all.find((error) => isIctError(error) && error.kind === 'integrity') ??
    all.find((error) => hasCode(error, 'ICT_FETCH_NOT_FOUND')) ??
    all.findLast((error) => !isForbidden(error)) ??
    all.at(-1);
  if (failures.size < 2 || isForbidden(telling)) return telling;
  const record = toErrorRecord(telling);
  const mirrors = Array.from(failures, ([{ url }, error]) => {
    const { code, message } = toErrorRecord(error);
    return { url: redactUrl(url), code, message };
  });
  const tried = mirrors.map(({ url, message }) => `${url} (${message})`).join('; ');
  return fromErrorRecord({ ...record, message: `${record.message}; tried: ${tried}`, facts: { ...record.facts, mirrors } }, telling);
}
