import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { isIctError } from '@ict/plugin-api';

/** Time, injected so that tests never wait. */
export interface Timer {
  /** Milliseconds from any fixed point. */
  now(): number;
  /** Waits; rejects with the signal's reason when it aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Between 0 and 1, to spread retries of many clients. */
  random(): number;
}

/** The time of this machine. */
export const realTimer: Timer = {
  now: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    try {
      await wait(milliseconds, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
  random: Math.random,
};

export interface RetryPolicy {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Wait before the first retry; doubles each time. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
}

/** How patient downloads are when nobody says otherwise: five attempts within about eight seconds of waiting. */
export const DEFAULT_RETRY: RetryPolicy = { retries: 4, delayMs: 500, maxDelayMs: 20_000 };

/** Failures that another attempt may cure. Everything else is final. */
const transient = new Set(['ICT_FETCH_CONNECTION', 'ICT_FETCH_STALLED', 'ICT_FETCH_TRUNCATED']);
/** Beside all of 500 and above. */
const transientStatus = new Set([408, 425, 429]);

export function isTransient(error: unknown): boolean {
  if (!isIctError(error)) return false;
  if (transient.has(error.code)) return true;
  const { status } = error.facts;
  return error.code === 'ICT_FETCH_STATUS' && typeof status === 'number' && (transientStatus.has(status) || status >= 500);
}

/**
 * How long to wait before retry number `retry` (from 1): exponential, with up to a quarter taken off at random, never shorter
 * than what the server asked for with Retry-After, and never longer than `maxDelayMs`.
 */
export function retryDelay(retry: number, policy: RetryPolicy, random: number, retryAfterMs = 0): number {
  const exponential = policy.delayMs * 2 ** (retry - 1) * (1 - random / 4);
  return Math.min(policy.maxDelayMs, Math.max(exponential, retryAfterMs));
}

/** Milliseconds of a Retry-After header (seconds, or an HTTP date); undefined when absent or unreadable. RFC 9110, 10.2.3. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * How long to wait after a failure, as {@link retryDelay} says it.
 *
 * @param failure what it says of a Retry-After is heeded.
 */
export function delayAfter(failure: unknown, retry: number, policy: RetryPolicy, timer: Timer): number {
  const asked = isIctError(failure) ? failure.facts['retryAfterMs'] : undefined;
  return retryDelay(retry, policy, timer.random(), typeof asked === 'number' ? asked : 0);
}

/**
 * The result of the first attempt that succeeds, of as many as the policy allows.
 *
 * @throws the failure that is final or the last, or the signal's reason.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { retry, timer, signal }: { readonly retry: RetryPolicy; readonly timer: Timer; readonly signal: AbortSignal },
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (failure) {
      signal.throwIfAborted();
      if (failures > retry.retries || !isTransient(failure)) throw failure;
      await timer.sleep(delayAfter(failure, failures, retry, timer), signal);
    }
  }
}
