import { DEFAULT_RETRY, DEFAULT_TIMEOUTS } from '@ict/fetch';
import { expect, it } from 'vitest';
import { inBrief } from '../../src/remote/patience.js';

it('remote caches are waited for less than mirrors, and have to be quicker', () => {
  const { retry, timeouts } = inBrief({});
  expect(retry.retries).toBeLessThan(DEFAULT_RETRY.retries);
  for (const name of ['connectMs', 'headersMs', 'bodyMs'] as const) expect(timeouts[name]).toBeLessThan(DEFAULT_TIMEOUTS[name]);
  expect(timeouts.leastBytesPerSecond).toBeGreaterThan(DEFAULT_TIMEOUTS.leastBytesPerSecond);
});

it('what is configured makes it less, and not more', () => {
  const long = 3_600_000;
  expect(inBrief({ retry: { retries: 100 }, timeouts: { connectMs: long, headersMs: long, bodyMs: long } })).toEqual(inBrief({}));
  expect(inBrief({ retry: { retries: 0 }, timeouts: { connectMs: 1, headersMs: 2, bodyMs: 3 } })).toMatchObject({
    retry: { retries: 0 },
    timeouts: { connectMs: 1, headersMs: 2, bodyMs: 3 },
  });
});
