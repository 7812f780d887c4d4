import { readPlainRpms } from '@ict/fixtures';
import { describe, expect, it } from 'vitest';
import { faultsOf } from './checked-resolution.js';
import { resolveIn, splitNevra, toPrimaryXml, type TestPackage } from './resolve-universe.js';
import { formatEvr } from '../src/relations/evr.js';

const pkg = (nevra: string, relations: TestPackage['relations'] = {}, files: readonly string[] = []): TestPackage => ({ nevra, relations, files }); // prettier-ignore
const PACKAGES = [
  pkg('app-2-1.x86_64', { requires: ['lib(x86-64) >= 2', '/usr/bin/tool', '(mail if base)', 'base', 'rpmlib(FileDigests) <= 4.6.0-1'] }),
  pkg('base-1-1.noarch'),
  pkg('lib-2-1.x86_64', { provides: ['lib(x86-64) = 2-1'] }),
  pkg('lib-2-1.i686', { provides: ['lib(x86-32) = 2-1'] }),
  pkg('mail-1-1.noarch', { provides: ['mta'] }),
  pkg('tool-1-1.noarch', {}, ['/usr/bin/tool']),
  // What no answer to `app` may have.
  pkg('lib-1-1.x86_64', { provides: ['lib(x86-64) = 1-1'] }),
  pkg('lib-3-1.noarch'),
  pkg('foe-1-1.noarch', { conflicts: ['mta'] }),
  pkg('rich-foe-1-1.noarch', { conflicts: ['(rich-foe and base < 2)'] }),
  pkg('successor-1-1.noarch', { obsoletes: ['mail <= 1'] }),
];
const REQUESTS = ['app', 'lib.i686'];

describe('the checker of answers', () => {
  const resolution = resolveIn([{ packages: PACKAGES }], REQUESTS, false);
  const answer = resolution.kind === 'resolved' ? resolution.closure.packages : [];
  const known = new Map([['repo0', readPlainRpms(toPrimaryXml(PACKAGES))]]);
  type Chosen = Parameters<typeof faultsOf>[1];
  const faults = (packages: Chosen, requests: readonly string[] = REQUESTS) => faultsOf(requests, packages, known);
  const without = (id: string): Chosen => answer.filter((each) => each.id !== id);
  const and = (nevra: string) => {
    const { name, evr, arch } = splitNevra(nevra);
    return { name, version: formatEvr(evr), arch, repository: 'repo0' };
  };

  it('finds nothing wrong with an answer', () => {
    expect(answer.map(({ id }) => id).join(' ')).toBe('app:x86_64 base:noarch lib:i686 lib:x86_64 mail:noarch tool:noarch');
    expect(faults(answer)).toEqual([]);
  });

  it.each<[string, Chosen, readonly string[]]>([
    ['no provider', without('lib:x86_64'), ['app needs lib(x86-64)']],
    ['no bringer of a file', without('tool:noarch'), ['app needs /usr/bin/tool']],
    ['what a boolean dependency needs left out', without('mail:noarch'), ['app needs (mail if base)']],
    ['nothing of what was asked for', without('app:x86_64'), ['nothing answers app']],
    ['the architecture that was asked for left out', without('lib:i686'), ['nothing answers lib.i686']],
    [
      'another version',
      [...without('lib:x86_64'), and('lib-1-1.x86_64')],
      ['app needs lib(x86-64)', 'lib is there for i686, too', 'lib is there for x86_64, too'],
    ],
    [
      'a package for all beside others',
      [...answer, and('lib-3-1.noarch')],
      Array.from({ length: 4 }, () => expect.stringMatching(/^lib is/)),
    ],
    ['what conflicts with a provide', [...answer, and('foe-1-1.noarch')], ['foe conflicts with mta']],
    ['a boolean conflict', [...answer, and('rich-foe-1-1.noarch')], ['rich-foe conflicts with (rich-foe and base < 2)']],
    ['what replaces a member', [...answer, and('successor-1-1.noarch')], ['successor replaces mail']],
  ])('refuses one with %s', (_what, packages, expected) => {
    expect(faults(packages).toSorted()).toEqual(expected);
  });

  it('refuses versions that were not asked for, and packages that no repository has', () => {
    expect(faults(answer, ['app=1'])).toEqual(['nothing answers app=1']);
    expect(faults(answer, ['app=2', 'app=2-1', 'ap?', 'mta', '/usr/bin/tool', 'base/repo0', '@tools'])).toEqual([]);
    expect(() => faults([...answer, and('ghost-1-1.noarch')])).toThrow('no ghost 1-1 for noarch');
  });
});
