import { IctError } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContentRange, strongValidator } from '../src/download.js';
import { proxyEnvironment } from '../src/exchange.js';
import { redactUrl } from '../src/redact-url.js';
import { followRedirect } from '../src/redirect.js';
import { isTransient, parseRetryAfter, retryDelay } from '../src/retry.js';

describe('redactUrl', () => {
  it.each([
    ['http://ftp.debian.org/debian', 'http://ftp.debian.org/debian'],
    ['https://user:pass@h.example/p?a=1#f', 'https://h.example/p?a=1'],
    ['https://h.example/p?X-Amz-Signature=abc&a=1&Token=x', 'https://h.example/p?X-Amz-Signature=REDACTED&a=1&Token=REDACTED'],
    [
      'https://h.example/p?X-Amz-Credential=ID%2Fx&X-Amz-Date=d&X-Amz-Security-Token=t&X-Amz-Signature=abc',
      'https://h.example/p?X-Amz-Credential=REDACTED&X-Amz-Date=d&X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED',
    ],
    ['file:///srv/debian', 'file:///srv/debian'],
    ['no address with user:pass@', '(unreadable address)'],
    ['user:pass@h.example/p', '(unreadable address)'],
  ])('%s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  it('never shows a password', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        const secret = new URL(url);
        secret.username = 'someone';
        secret.password = 'hunter2hunter2';
        expect(redactUrl(secret)).not.toContain('hunter2hunter2');
      }),
      { numRuns: 30 },
    );
  });
});

describe('followRedirect', () => {
  const from = (...urls: string[]): URL[] => urls.map((url) => new URL(url));
  const strict = { allowDowngrade: false };

  it.each([
    ['/b?x#y', 'https://a.example/b?x'],
    ['b', 'https://a.example/dir/b'],
    ['//c.example/', 'https://c.example/'],
    ['https://u:p@a.example/z', 'https://a.example/z'],
  ])('resolves %s', (location, expected) => {
    expect(followRedirect(from('https://a.example/dir/a'), location, strict).href).toBe(expected);
  });

  it.each([
    ['https to http', from('https://a.example/'), 'http://a.example/'],
    ['no location', from('https://a.example/'), undefined],
    ['a loop that differs only in its fragment', from('https://a.example/1', 'https://a.example/2'), '/1#x'],
    ['a loop that differs only in its credentials', from('https://u:p@a.example/1', 'https://a.example/2'), '/1'],
    ['another scheme', from('https://a.example/'), 'data:,x'],
  ])('refuses %s', (_name, visited, location) => {
    expect(() => followRedirect(visited, location, strict)).toThrow(expect.objectContaining({ code: 'ICT_FETCH_REDIRECT' }) as Error);
  });

  it('allows https to http when told to, and http to https always', () => {
    expect(followRedirect(from('https://a.example/'), 'http://a.example/', { allowDowngrade: true }).protocol).toBe('http:');
    expect(followRedirect(from('http://a.example/'), 'https://a.example/', strict).protocol).toBe('https:');
  });
});

describe('retrying', () => {
  it.each([
    ['ICT_FETCH_CONNECTION', undefined, true],
    ['ICT_FETCH_STALLED', undefined, true],
    ['ICT_FETCH_TRUNCATED', undefined, true],
    ['ICT_FETCH_STATUS', 503, true],
    ['ICT_FETCH_STATUS', 599, true],
    ['ICT_FETCH_STATUS', 403, false],
    ['ICT_FETCH_NOT_FOUND', 404, false],
    ['ICT_FETCH_MISMATCH', undefined, false],
  ])('%s with status %s: %s', (code, status, expected) => {
    expect(isTransient(new IctError(code, 'network', { message: '', facts: { status } }))).toBe(expected);
    expect(isTransient(new Error(code))).toBe(false);
  });

  it('delays grow, stay within the bound and never fall below what the server asks', () => {
    const policy = { retries: 9, delayMs: 100, maxDelayMs: 5000 };
    expect([1, 2, 3, 9].map((retry) => retryDelay(retry, policy, 0))).toEqual([100, 200, 400, 5000]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(10_000), (retry, random, asked) => {
        const delay = retryDelay(retry, policy, random, asked);
        expect(delay).toBeLessThanOrEqual(policy.maxDelayMs);
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked, policy.maxDelayMs));
        expect(delay).toBeGreaterThanOrEqual(75);
      }),
    );
  });

  it.each([
    [undefined, undefined],
    ['5', 5000],
    ['soon', undefined],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 7000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ])('Retry-After %s', (header, expected) => {
    expect(parseRetryAfter(header, 3000)).toBe(expected);
  });
});

describe('headers', () => {
  it.each([
    [{ etag: '"a"' }, '"a"'],
    [{ etag: 'W/"a"' }, undefined],
    [{ etag: 'a' }, undefined],
    [{ 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' }, undefined],
    [{ 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT', date: 'Thu, 01 Jan 1970 00:00:59 GMT' }, undefined],
    [{ 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT', date: 'Thu, 01 Jan 1970 00:01:00 GMT' }, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [{ 'last-modified': 'yesterday', date: 'today' }, undefined],
  ])('strong validator of %j', (headers, expected) => {
    expect(strongValidator(headers as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['bytes 5-9/10', { start: 5, totalBytes: 10 }],
    ['bytes 5-9/*', { start: 5, totalBytes: undefined }],
    ['bytes */10', undefined],
    ['items 5-9/10', undefined],
    [undefined, undefined],
  ])('content range %s', (header, expected) => {
    expect(parseContentRange(header)).toEqual(expected);
  });

  it.each([
    [{}, {}],
    [{ http_proxy: 'http://p.example', HTTP_PROXY: 'http://q.example' }, { httpProxy: 'http://p.example' }],
    [
      { http_proxy: 'p.example:3128', https_proxy: '192.0.2.1:8080' },
      { httpProxy: 'http://p.example:3128', httpsProxy: 'http://192.0.2.1:8080' },
    ],
    [{ http_proxy: 'me:secret@p.example' }, { httpProxy: 'http://me:secret@p.example' }],
    [
      { http_proxy: '', HTTPS_PROXY: 'http://q.example', no_proxy: '*' },
      { httpsProxy: 'http://q.example', noProxy: '*' },
    ],
  ])('proxies of %j', (env, expected) => {
    expect(proxyEnvironment(env)).toEqual(expected);
  });
});
