import type { ResolvedPackage } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { faultsOf, parseIndex, resolveChecked } from './checked-resolution.js';
import { indexText, type CasePackage } from './resolve-case-file.js';

const PACKAGES: readonly CasePackage[] = [
  { name: 'app', version: '2', fields: ['Depends: lib (>= 2), mta', 'Pre-Depends: base'] },
  { name: 'base', version: '1', arch: 'all' },
  { name: 'lib', version: '2', fields: ['Multi-Arch: same'] },
  { name: 'lib', version: '2', arch: 'i386', fields: ['Multi-Arch: same'] },
  { name: 'mail', version: '1', fields: ['Provides: mta'] },
];
/** What no answer to `app` may have. */
const OTHERS: readonly CasePackage[] = [
  { name: 'lib', version: '1', fields: ['Multi-Arch: same'] },
  { name: 'lib', version: '1', arch: 'i386', fields: ['Multi-Arch: same'] },
  { name: 'foe', version: '1', fields: ['Conflicts: mta'] },
  { name: 'breaker', version: '1', fields: ['Breaks: base (<< 2)'] },
];
const text = indexText([...PACKAGES, ...OTHERS]);
const request = {
  repositories: [{ id: 'main', suites: ['main'], priority: 500, index: parseIndex(text) }],
  arch: 'amd64',
  foreign: ['i386'],
  seeds: ['app', 'lib:i386'].map((each) => ({ request: each, reason: 'template' })),
  recommends: false,
};

describe('the checker of answers', () => {
  const resolution = resolveChecked(request);
  const answer = resolution.kind === 'resolved' ? resolution.closure.packages : [];
  const faults = (packages: readonly ResolvedPackage[], requests = ['app', 'lib:i386']) =>
    faultsOf(requests, packages, new Map([['main', text]]));
  const without = (id: string) => answer.filter((pkg) => pkg.id !== id);
  const and = (name: string, version: string, arch = 'amd64') => ({ ...answer[0]!, id: `${name}:${arch}`, name, version, arch });

  it('finds nothing wrong with an answer', () => {
    expect(answer.map(({ id }) => id)).toEqual(['app:amd64', 'base:all', 'lib:amd64', 'lib:i386', 'mail:amd64']);
    expect(faults(answer)).toEqual([]);
  });

  it.each<[string, readonly ResolvedPackage[], readonly string[]]>([
    ['no Depends', without('lib:amd64'), ['app needs lib']],
    ['no Pre-Depends', without('base:all'), ['app needs base']],
    ['no provider', without('mail:amd64'), ['app needs mta']],
    ['nothing of what was asked for', without('app:amd64'), ['nothing answers app']],
    ['the architecture that was asked for left out', without('lib:i386'), ['nothing answers lib:i386']],
    [
      'another version',
      [...without('lib:amd64'), and('lib', '1')],
      ['app needs lib', 'lib is there for amd64, too', 'lib is there for i386, too'],
    ],
    ['two versions', [...answer, and('lib', '1', 'i386')], Array.from({ length: 4 }, () => expect.stringMatching(/^lib is there for/))],
    ['what conflicts with a provider', [...answer, and('foe', '1')], ['foe excludes mail']],
    ['what breaks a version', [...answer, and('breaker', '1')], ['breaker excludes base']],
  ])('refuses one with %s', (_what, packages, expected) => {
    expect(faults(packages).toSorted()).toEqual(expected);
  });

  it('refuses versions that were not asked for, and packages that no index has', () => {
    expect(faults(answer, ['app=1'])).toEqual(['nothing answers app=1']);
    expect(faults(answer, ['app=2*', 'a[p]p', 'mta', 'lib/main'])).toEqual([]);
    expect(() => faults([...answer, and('ghost', '1')])).toThrow('no ghost 1 for amd64');
  });

  it('is not to be had without the text of the index', () => {
    const index = PackagesIndex.parse(Buffer.from(text));
    expect(() => resolveChecked({ ...request, repositories: [{ ...request.repositories[0]!, index }] })).toThrow('cannot be checked');
  });
});
