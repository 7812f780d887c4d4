import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatLock, readLock } from '../../src/locks/lock.js';
import { entry, lock } from '../support/small-lock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('locks that are refused', () => {
  it.each([
    ['not YAML', '{'],
    ['of no known version', formatLock(lock).replace('lockVersion: 1', 'lockVersion: 0')],
    ['without a list', formatLock(lock).replace('tools: []', 'tools: none')],
    ['with a path that leaves the archive', formatLock(lock).replace('pool/bash.deb', '../../etc/passwd')],
    ['with an index outside its archive', formatLock(lock).replace('dists/by-hash/1', '/etc/passwd')],
    ['with an index without a size', formatLock(lock).replace('sizeBytes: 7', 'sizeBytes: many')],
    ['with an index without a digest of its text', formatLock(lock).replace(/plain:\n.*\n/, 'plain:\n')],
    ['with an unknown repository', formatLock(lock).replace('repository: main', 'repository: other')],
    ['empty', ''],
    ['without plugins', formatLock(lock).replace(/plugins:\n.*\n/, '')],
    ['with a package twice', formatLock({ ...lock, packages: [entry, { ...entry, version: '5.2-2' }] })],
    ['with a date that no calendar has', formatLock(lock).replace('dateSeconds: 1700000000', 'dateSeconds: 8640000000000001')],
    ['with a number that JSON has not', `${formatLock(lock)}more: .nan\n`],
    ['with a summary that is no text', formatLock(lock).replace('requires:', 'summary: 5\n    requires:')],
    ['with a signer that is no text', formatLock(lock).replace('requires:', 'signer: [AB]\n    requires:')],
    ['with a source that is no package', formatLock(lock).replace('requires:', 'source: bash\n    requires:')],
  ])('are so when %s', async (_what, text) => {
    const file = join(directory, 'x.lock.yml');
    await writeFile(file, text);
    await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it('are so when they are too large, or no file', async () => {
    const file = join(directory, 'large.lock.yml');
    await writeFile(file, '');
    await truncate(file, 2 ** 28 + 1);
    await expect(readLock(file)).rejects.toMatchObject({
      code: 'ICT_LOCK_UNREADABLE',
      message: `lock file ${file} cannot be used: it has more than 268435456 bytes`,
    });
    await expect(readLock('/dev/zero')).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  const text = formatLock(lock);
  it.each<[string, string, string, RegExp]>([
    ['the marks of a merge', text.replace(/^tools: /m, '<<<<<<< ours\ntools: []\n=======\n$&'), '<<<<<<< ours', /merge left its marks/],
    ['what is no YAML', text.replace('plugins:', 'target: again\nplugins:'), 'target: again', /not YAML/],
    [
      'an entry without a size',
      text.replace(/^ {4}sizeBytes: .*\n(?= {4}installed| {4}requires)/m, ''),
      'id: bash:amd64',
      /bash:amd64 is not complete/,
    ],
    ['a path out of the archive', text.replace('pool/bash.deb', '../bash.deb'), '../bash.deb', /leaves its archive/],
    ...['file:///srv', 'https://me:secret@h.example', 'https://h.example/', 'https://h.example?a=', '../other', '""'].map(
      (archive): [string, string, string, RegExp] => [
        `a package at ${archive}`,
        text.replace(/^( *)path: pool/m, `$1archive: ${archive}\n$&`),
        archive,
        /the archive of bash:amd64 is no address that packages may be fetched from/,
      ],
    ),
    [
      'an address for a path',
      text.replace('pool/bash.deb', 'http://evil.example/x.deb'),
      'http://evil',
      /path of bash:amd64 leaves its archive/,
    ],
    [
      'a root outside its archive',
      text.replace('path: InRelease', 'path: ../../etc/passwd'),
      '../../etc',
      /root of repository "main" leaves its archive/,
    ],
    [
      'a root at another address',
      text.replace('path: InRelease', 'path: http://evil.example/InRelease'),
      'http://evil',
      /root of repository "main" leaves/,
    ],
    ['another name than the id says', text.replace('name: bash', 'name: dash'), 'dash', /bash:amd64 is called "dash"/],
    ['another architecture than the id says', text.replace('arch: amd64', 'arch: arm64'), 'arm64', /bash:amd64 is for "arm64"/],
    ['a package twice', formatLock({ ...lock, packages: [entry, entry] }), 'LAST id: bash:amd64', /listed twice/],
    [
      'no package that another requires',
      formatLock({ ...lock, packages: [{ ...entry, requires: ['libc6:amd64'] }] }),
      'id: bash:amd64',
      /bash:amd64 requires libc6:amd64, which it does not have/,
    ],
    [
      'no package that another is there for',
      formatLock({ ...lock, packages: [{ ...entry, requestedBy: ['essential', 'login:amd64'] }] }),
      'id: bash:amd64',
      /bash:amd64 is there for login:amd64, which it does not have/,
    ],
    [
      'a version as a text',
      text.replace('lockVersion: 1', 'lockVersion: "1"'),
      '"1"',
      /lockVersion "1", a text; this version reads the number 1/,
    ],
    ['no version', text.replace('lockVersion: 1', 'lockVersion: ~'), '~', /lockVersion null; this version reads 1$/],
    ['a list that is none', text.replace('tools: []', 'tools: none'), 'none', /no list of tools/],
  ])('say where they have %s', async (_what, damaged, place, message) => {
    const file = join(directory, 'x.lock.yml');
    await writeFile(file, damaged);
    const offset = place.startsWith('LAST ') ? damaged.lastIndexOf(place.slice(5)) : damaged.indexOf(place);
    const before = damaged.slice(0, offset).split('\n');
    const position = { file, line: before.length, column: before.at(-1)!.length + 1 };
    await expect(readLock(file)).rejects.toMatchObject({
      code: 'ICT_LOCK_UNREADABLE',
      message: expect.stringMatching(message) as unknown,
      problems: [{ position }],
    });
  });

  it('of a newer schema are told apart from broken ones', async () => {
    const file = join(directory, 'x.lock.yml');
    await writeFile(file, formatLock(lock).replace('lockVersion: 1', 'lockVersion: 2'));
    await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_NEWER', facts: { file, version: 2 } });
  });
});
