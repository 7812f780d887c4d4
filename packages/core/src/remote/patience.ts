import type { FetcherOptions } from '@ict/fetch';
import type { EngineOptions } from '../engine-api.js';

/** Whatever a remote cache has can be made: a server that is gone or slow should cost little time. What is configured may be less. */
const PATIENCE = { retries: 1, connectMs: 10_000, headersMs: 30_000, bodyMs: 20_000 };

/** A layer of some hundred MB that comes more slowly takes hours: longer than to make it. */
const LEAST_BYTES_PER_SECOND = 64 * 1024;

/** How patient requests to remote caches are, at most. */
export function inBrief({
  retry,
  timeouts,
}: Pick<FetcherOptions, 'retry' | 'timeouts'>): Required<Pick<FetcherOptions, 'retry' | 'timeouts'>> {
  const { retries, ...waits } = PATIENCE;
  const least = (name: keyof typeof waits): number => Math.min(waits[name], timeouts?.[name] ?? Infinity);
  return {
    retry: { ...retry, retries: Math.min(retries, retry?.retries ?? retries) },
    timeouts: {
      connectMs: least('connectMs'),
      headersMs: least('headersMs'),
      bodyMs: least('bodyMs'),
      leastBytesPerSecond: LEAST_BYTES_PER_SECOND,
    },
  };
}

/** How patient transfers are as it is configured: one time limit for all that they wait for. */
export function patience({ retries, timeoutMs }: NonNullable<EngineOptions['network']> = {}): Pick<FetcherOptions, 'retry' | 'timeouts'> {
  return {
    ...(retries === undefined ? {} : { retry: { retries } }),
    ...(timeoutMs === undefined ? {} : { timeouts: { connectMs: timeoutMs, headersMs: timeoutMs, bodyMs: timeoutMs } }),
  };
}
