import { describe, expect, it } from 'vitest';
import type { RepositorySpec } from '@ict/plugin-api';
import { pinnedRepositories, type Lock } from '../../src/locks/lock.js';
import { lockMisfits } from '../../src/locks/lock-misfits.js';
import { packageRequest } from '../../src/locks/request.js';
import { digestOfAll, distribution, repository, resolvedPackage, sampleFormat, sampleSpec, snapshotOf } from '../support/sample-image.js';

/** What is told when a template with these packages and repositories meets a lock of bash, tar, linux and loader. */
function misfits(names: readonly string[], { repositories = distribution.repositories, locked = ['bash', 'tar'] } = {}): readonly string[] {
  const packages = names.map((name, at) => ({ name, position: { file: 'image.yml', line: at + 1, column: 5 } }));
  const request = packageRequest(sampleSpec({ packages }), { ...distribution, repositories }, sampleFormat());
  const lock: Lock = {
    lockVersion: 1,
    target: request.target,
    request: digestOfAll('0'),
    repositories: pinnedRepositories(distribution.repositories.map((one) => snapshotOf(one))),
    plugins: {},
    packages: [
      ...locked.map((name) => resolvedPackage(name, { version: '5.2-1' })),
      resolvedPackage('tar', { id: 'tar:i386', arch: 'i386', requestedBy: ['wine:i386'] }),
      resolvedPackage('linux', { requestedBy: ['kernel'] }),
      resolvedPackage('loader', { requestedBy: ['bootloader', 'linux:amd64'] }),
      resolvedPackage('libc', { requestedBy: ['bash:amd64'] }),
    ],
    tools: [],
  };
  return lockMisfits(lock, request, sampleSpec()).map(({ message, position }) => `${position?.line ?? '-'} ${message}`);
}

describe('lockMisfits', () => {
  const [main, updates] = distribution.repositories as [RepositorySpec, RepositorySpec];

  it.each<[string, readonly string[], readonly string[]]>([
    ['a package that is new, at its line', misfits(['bash', 'tar', 'jq']), ['3 no package of the lock is called "jq"']],
    ['one that was there for others', misfits(['bash', 'libc', 'tar']), ['2 the lock has "libc" only because others need it']],
    ['one that is gone', misfits(['bash']), ['- the template does not ask for "tar" any more']],
    ['none as gone, where a request may mean any', misfits(['bash', '@tools']), []],
    [
      'none as gone, where one may provide what is asked for',
      misfits(['bash', 'archiver']),
      ['2 no package of the lock is called "archiver"'],
    ],
    ['another version', misfits(['bash=5.3', 'tar']), ['1 the lock has bash in version 5.2-1, not 5.3']],
    ['no version that fits', misfits(['bash=5.2', 'tar=5.2-1', 'tar:amd64', 'bash.amd64']), []],
    [
      'repositories',
      misfits(['bash', 'tar'], { repositories: [{ ...main, suite: 'testing' }, repository('extra')] }),
      [
        '- repository "main" was http://archive/main stable main, and is http://archive/main testing main',
        '- the lock has no repository "extra"',
        '- the lock has a repository "updates", which is not asked any more',
      ],
    ],
    [
      'no directory that has a name of its own in newer locks',
      misfits(['bash', 'tar'], { repositories: [{ ...main, recordedAs: './own' }, updates] }),
      [],
    ],
    ['nothing that it cannot know', misfits(['bash', 'tar'], { repositories: [{ ...main, priority: 7 }, updates] }), []],
  ])('tells %s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('tells no directory that lies where an earlier lock says, whatever else is new', () => {
    const recorded = { ...distribution, repositories: [{ ...main, recordedAs: './own' }, updates] };
    const asked = (names: readonly string[], of: typeof distribution) =>
      packageRequest(sampleSpec({ packages: names.map((name) => ({ name })) }), of, sampleFormat());
    const earlier = asked(['bash'], distribution);
    const lock: Lock = {
      ...{ lockVersion: 1, target: earlier.target, request: earlier.digest, asked: earlier.record, plugins: {}, packages: [], tools: [] },
      repositories: pinnedRepositories(distribution.repositories.map((one) => snapshotOf(one))),
    };
    const told = (names: readonly string[]) => lockMisfits(lock, asked(names, recorded), sampleSpec()).map(({ message }) => message);
    expect(told(['bash'])).toEqual([]);
    expect(told(['bash', 'jq'])).toEqual([expect.stringContaining('jq')]);
  });
});
