import { describe, expect, it } from 'vitest';
import type { RepositorySpec } from '@ict/plugin-api';
import { chooseRepositories, type RepositoryChoice } from '../../src/repositories/repository-choice.js';

const defined: readonly RepositorySpec[] = [
  { id: 'main', archive: 'http://a', suite: 'one', components: ['main', 'contrib'], keyrings: ['/key'], expect: { origin: 'A' } },
  { id: 'updates', archive: 'http://a', suite: 'one-updates', components: ['main'], keyrings: ['/key'] },
  { id: 'other', archive: 'http://b', suite: 'two', components: ['main'], keyrings: ['/other'] },
];

describe('chooseRepositories', () => {
  it.each<[string, RepositoryChoice, readonly string[]]>([
    ['all', {}, ['main http://a one main,contrib', 'updates http://a one-updates main', 'other http://b two main']],
    ['one suite', { suites: ['two'] }, ['other http://b two main']],
    ['one component', { components: ['contrib'] }, ['main http://a one contrib']],
    [
      'an archive instead',
      { archives: ['http://c/'] },
      ['repo-one http://c one main,contrib', 'repo-one-updates http://c one-updates main'],
    ],
    ['an archive instead, one suite', { archives: ['http://c'], suites: ['one'] }, ['repo-one http://c one main,contrib']],
    [
      'an archive instead, suite and component of its own',
      { archives: ['http://c'], suites: ['three'], components: ['extra'] },
      ['repo-three http://c three extra'],
    ],
    ['a flat archive', { archives: ['http://c'], suites: ['./'] }, ['repo http://c ./ ']],
    [
      'a flat archive beside, each with a suite of its own',
      { archives: ['+http://c/ pool/new/', '+http://d four extra more'], suites: ['one'], components: ['main'] },
      ['main http://a one main', 'repo1-pool/new http://c pool/new/ ', 'repo2-four http://d four extra,more'],
    ],
    [
      'an archive beside',
      { archives: ['+http://c'], suites: ['one'] },
      ['main http://a one main,contrib', 'repo-one http://c one main,contrib'],
    ],
    [
      'two archives',
      { archives: ['http://c', '+http://d'], suites: ['one'] },
      ['repo1-one http://c one main,contrib', 'repo2-one http://d one main,contrib'],
    ],
  ])('%s', (_what, choice, expected) => {
    const chosen = chooseRepositories(defined, choice);
    expect(chosen.map(({ id, archive, suite, components }) => `${id} ${archive} ${suite} ${components.join()}`)).toEqual(expected);
  });

  it('names an archive without suites by its number alone', () => {
    const [own] = chooseRepositories([{ ...defined[0], suite: '', components: [] }], { archives: ['http://c'] });
    expect(own).toMatchObject({ id: 'repo', archive: 'http://c', suite: '', components: [] });
  });

  it('takes an archive for unsigned only where that is said behind its address', () => {
    const bare = [{ ...defined[0], suite: '', components: [] }];
    const unsigned = (archive: string) => chooseRepositories(bare, { archives: [archive] })[0];
    expect(unsigned('http://c/ repoGpgCheck=false')).toMatchObject({ archive: 'http://c', suite: '', repoGpgCheck: false });
    expect(unsigned('http://c')).not.toHaveProperty('repoGpgCheck');
  });

  it('takes a suite or component for that of an archive which has none of its own', () => {
    const [own] = chooseRepositories(defined, { archives: ['http://c three'], components: ['extra'] });
    expect(own).toMatchObject({ suite: 'three', components: ['extra'] });
  });

  it('gives no archive an id that another repository has', () => {
    const flat = chooseRepositories([{ ...defined[0], id: 'repo' }], { archives: ['+http://c ./'] });
    expect(flat.map(({ id, archive }) => `${id} ${archive}`)).toEqual(['repo http://a', 'repo-2 http://c']);
    const same = chooseRepositories(defined, { archives: ['http://c'], suites: ['pool', 'pool/', './pool/'] });
    expect(same.map(({ id }) => id)).toEqual(['repo-pool', 'repo-pool-2', 'repo-pool-3']);
  });

  it.each<[string, readonly RepositorySpec[], string, string]>([
    ['a component of a flat repository', defined, 'http://c ./ main', '"./" is a flat repository, which has none'],
    [
      'a suite where repositories have none',
      [{ ...defined[0], suite: '', components: [] }],
      '+http://c ./',
      'repositories of the target have none',
    ],
    [
      'unsigned metadata where archives have suites',
      defined,
      'http://c one repoGpgCheck=false',
      'archives of the target are always signed',
    ],
  ])('refuses %s', (_what, of, archive, message) => {
    expect(() => chooseRepositories(of, { archives: [archive] })).toThrow(
      expect.objectContaining({ code: 'ICT_REPOSITORY_UNKNOWN', message: expect.stringContaining(message) }),
    );
  });

  it('trusts the keys of the definition unless others are named', () => {
    const [own] = chooseRepositories(defined, { archives: ['http://c'], suites: ['one'] });
    expect(own).toMatchObject({ keyrings: ['/key'] });
    expect(own).not.toHaveProperty('expect');
    const [named] = chooseRepositories(defined, { archives: ['http://c'], suites: ['one'], keyrings: ['/mine'] });
    expect(named.keyrings).toEqual(['/mine']);
  });

  it.each<[RepositoryChoice, string]>([
    [{ suites: ['one-update'] }, 'Did you mean "one-updates"?'],
    [{ components: ['non-free'] }, 'There is main, contrib'],
    [{ suites: ['one-update'], archives: ['+http://c ./'] }, 'Did you mean "one-updates"?'],
    [{ components: ['non-free'], archives: ['+http://c ./', '+http://d four extra'] }, 'There is main, contrib'],
  ])('%j is refused with what there is', (choice, hint) => {
    expect(() => chooseRepositories(defined, choice)).toThrow(
      expect.objectContaining({ code: 'ICT_REPOSITORY_UNKNOWN', hint: expect.stringContaining(hint) }),
    );
  });
});
