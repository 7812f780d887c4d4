import { IctError, type ErrorKind } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { checkPackages } from '../../src/templates/package-check.js';
import { distribution } from '../support/sample-image.js';

const failing = (kind: ErrorKind, details: Partial<ConstructorParameters<typeof IctError>[2]> = {}) =>
  checkPackages('a.yml', { distribution }, async () => {
    throw new IctError('ACME_FAILED', kind, { message: 'failed', ...details });
  });

describe('checkPackages', () => {
  it('has nothing to say of packages that can be resolved', async () => {
    expect(await checkPackages('a.yml', { distribution }, async () => 'a lock')).toEqual({ problems: [] });
  });

  it('tells each problem of packages that cannot be resolved', async () => {
    const problems = [{ code: 'ACME_UNKNOWN', message: 'no package "sudoo"', severity: 'error' }] as const;
    expect(await failing('unsolvable', { problems })).toEqual({ problems });
    expect(await failing('invalid', { hint: 'Mend it.' })).toEqual({
      problems: [{ code: 'ACME_FAILED', message: 'failed', hint: 'Mend it.', severity: 'error' }],
    });
  });

  it('says how to get metadata that is not in the cache: not by the same command', async () => {
    const { problems, unread } = await failing('offline', {
      hint: 'Run the same command without --offline.',
      facts: { url: 'http://a/InRelease' },
    });
    expect([problems, unread?.code, unread?.kind, unread?.facts]).toEqual([
      [],
      'ICT_METADATA_NOT_CACHED',
      'offline',
      { url: 'http://a/InRelease' },
    ]);
    expect(unread?.hint).toContain('ict plan a.yml');
    const nameless = await checkPackages(undefined, { distribution }, () => Promise.reject(new IctError('X', 'offline', { message: 'x' })));
    expect(nameless.unread?.hint).toContain('ict plan TEMPLATE');
  });

  it.each<ErrorKind>(['integrity', 'usage', 'network', 'host'])('calls no template wrong for a failure of kind %s', async (kind) => {
    expect(await failing(kind)).toMatchObject({ problems: [], unread: { code: 'ACME_FAILED', kind } });
  });

  it.each<ErrorKind>(['interrupted', 'internal'])('hands on a failure of kind %s', async (kind) => {
    await expect(failing(kind)).rejects.toMatchObject({ code: 'ACME_FAILED' });
  });

  it('hands on what is no failure of ours', async () => {
    await expect(checkPackages('a.yml', { distribution }, () => Promise.reject(new TypeError('bug')))).rejects.toThrow(TypeError);
  });
});
