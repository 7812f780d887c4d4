import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parse } from 'yaml';
import { digestOf } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { contentDigest } from '../../src/locks/lock-content.js';
import { formatLock, lockDigest, readLock, type Lock } from '../../src/locks/lock.js';
import { digest, entry, lock as bare } from '../support/small-lock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

const recommended = { ...entry, id: 'less:amd64', name: 'less', requestedBy: ['bash:amd64'], signer: 'ABCD' };
const sealed = (lock: Lock): Lock => ({ ...lock, content: contentDigest(lock) });
const lock = sealed({ ...bare, packages: [entry, recommended], tools: [{ ...entry, id: 'tar:amd64', name: 'tar' }] });

async function read(text: string): Promise<Lock | undefined> {
  const file = join(directory, 'x.lock.yml');
  await writeFile(file, text);
  return readLock(file);
}

describe('the content of a lock', () => {
  it('is told before what was resolved, and gives no other image', async () => {
    expect(await read(formatLock(lock))).toEqual(lock);
    expect(Object.keys(parse(formatLock(lock)) as Lock).slice(2, 5)).toEqual(['request', 'content', 'repositories']);
    expect(lockDigest(lock)).toBe(lockDigest({ ...lock, content: undefined }));
  });

  it.each<[string, Partial<Lock>]>([
    ['a package that was only recommended is gone', { packages: [entry] }],
    ['a tool is gone', { tools: [] }],
    ['there is one more', { packages: [...lock.packages, { ...entry, id: 'vim:amd64', name: 'vim' }] }],
    ['one has another version', { packages: [{ ...entry, version: '5.2-2' }, recommended] }],
    ['one has another digest', { packages: [entry, { ...recommended, digest: digestOf('less') }] }],
    ['one has another signer', { packages: [entry, { ...recommended, signer: 'ABCE' }] }],
    ['one is no tool but of the image', { packages: [...lock.packages, ...lock.tools], tools: [] }],
    ['the root of a repository is another', { repositories: lock.repositories.map((one) => ({ ...one, signers: [] })) }],
    ['it is for another target', { target: 'debian-debian12-x86_64' }],
    ['something else was asked', { request: digestOf('else') }],
    ['another plugin resolved it', { plugins: { deb: '2' } }],
    ['it is that of another lock', { content: digest }],
    ['it is no digest', { content: 'none' as Digest }],
  ])('tells at its line that %s', async (_what, change) => {
    const text = formatLock({ ...lock, ...change });
    await expect(read(text)).rejects.toMatchObject({
      code: 'ICT_LOCK_UNREADABLE',
      message: expect.stringMatching(/"content" is not the digest of what it holds: it was edited by hand, or merged/) as unknown,
      problems: [{ position: { line: text.slice(0, text.indexOf('content:')).split('\n').length } }],
    });
  });

  it('is missing from locks of earlier versions, which are read as they were', async () => {
    const { content, ...before } = lock;
    expect(content).toMatch(/^sha256:/);
    expect(await read(formatLock(before))).toEqual(before);
  });

  it('covers answers, which say more than the packages', async () => {
    expect(contentDigest({ ...bare, answers: { image: { a: ['bash:amd64'] }, tools: {}, essential: [] } })).not.toBe(
      contentDigest({ ...bare, answers: { image: { b: ['bash:amd64'] }, tools: {}, essential: [] } }),
    );
  });

  it('says nothing of facts that later versions may add', async () => {
    expect(await read(`${formatLock(lock)}later: 1\n`)).toMatchObject({ content: lock.content, later: 1 });
  });

  it('stays whatever texts a lock has, also with the ends of lines that version control gives it', async () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...' \n\t:#-|>\'"a\u2028\u0085é') }));
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (summary, windows) => {
        const telling = sealed({ ...lock, packages: [{ ...entry, summary }] });
        const written = formatLock(telling);
        expect(await read(windows ? written.replaceAll('\n', '\r\n') : written)).toEqual(telling);
      }),
      {
        examples: [
          [' \n', false],
          [' \n\n', true],
          ['a \n b\n', true],
        ],
      },
    );
  });
});
