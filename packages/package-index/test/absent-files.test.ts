import { IctError } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { AbsentFiles, nameAbsent } from '../src/absent-files.js';

const absence = (url: string): IctError =>
  new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${url} is needed`, hint: 'Fetch it.', facts: { url } });

it('tells of all that is absent, in the order in which it was asked for, whoever failed first', async () => {
  const absent = new AbsentFiles();
  const slow = new Promise<never>((_, reject) => setImmediate(() => reject(absence('http://a.test/slow'))));
  const found = await Promise.all([
    absent.without(slow),
    absent.without(Promise.resolve('here')),
    absent.without(Promise.reject(nameAbsent(absence('http://a.test/by-hash/1'), 'Packages.xz of repository "main"'))),
  ]);
  expect(found).toEqual([undefined, 'here', undefined]);
  expect(() => absent.refuse()).toThrow(
    expect.objectContaining({
      code: 'ICT_FETCH_OFFLINE',
      kind: 'offline',
      hint: 'Fetch it.',
      facts: { urls: ['http://a.test/slow', 'http://a.test/by-hash/1'] },
      problems: [
        { code: 'ICT_FETCH_OFFLINE', message: 'http://a.test/slow', severity: 'error' },
        { code: 'ICT_FETCH_OFFLINE', message: 'Packages.xz of repository "main"', severity: 'error' },
      ],
    }),
  );
});

it('adds what several found to be absent, and keeps a single failure as it is', async () => {
  const gathered = async (...urls: readonly string[]): Promise<void> => {
    const absent = new AbsentFiles();
    for (const url of urls) await absent.without(Promise.reject(absence(url)));
    absent.refuse();
  };
  await expect(gathered('one')).rejects.toMatchObject({ message: 'one is needed', problems: [] });
  await expect(gathered()).resolves.toBeUndefined();
  const all = new AbsentFiles();
  await all.without(gathered('one', 'two'));
  await all.without(gathered('three'));
  expect(() => all.refuse()).toThrow(
    expect.objectContaining({
      facts: { urls: ['one', 'two', 'three'] },
      problems: ['one', 'two', 'three'].map((message) => expect.objectContaining({ message })),
    }),
  );
});

it('leaves other failures alone', async () => {
  const other = new IctError('ICT_FETCH_NOT_FOUND', 'network', { message: 'it is not there' });
  await expect(new AbsentFiles().without(Promise.reject(other))).rejects.toBe(other);
  expect(nameAbsent(other, 'Packages.xz')).toBe(other);
});
