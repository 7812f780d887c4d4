import { describe, expect, it } from 'vitest';
import type { ResolvedPackage, Seed } from '@ict/plugin-api';
import { packageGraph } from '../../src/questions/package-graph.js';
import { relationsOf } from '../../src/questions/package-relations.js';
import { whyPaths } from '../../src/questions/why-paths.js';
import { resolvedPackage } from '../support/sample-image.js';

const id = (name: string) => `${name}:amd64`;
const pkg = (name: string, requires: readonly string[] = [], requestedBy: readonly string[] = []) =>
  resolvedPackage(name, { requires: requires.map(id), requestedBy });
const position = { file: 'image.yml', line: 7, column: 5 };

function ways(packages: readonly ResolvedPackage[], seeds: readonly Seed[], goal: string): readonly string[] {
  return whyPaths(packageGraph(packages, relationsOf(packages)), seeds, id(goal)).map(
    ({ request, reason, position: at, package: start, steps }) =>
      [`${reason} ${request}${at === undefined ? '' : ` line ${at.line}`}`, start, ...steps.map(({ to, kind }) => `${kind[2]} ${to}`)].join(
        ' | ',
      ),
  );
}

describe('whyPaths', () => {
  const seeds: readonly Seed[] = [
    { request: 'app=1', reason: 'template', position },
    { request: 'tool', reason: 'template', position: { ...position, line: 8 } },
  ];

  it('leads from each request to the package, the shortest way first', () => {
    const packages = [pkg('app', ['mid'], ['template']), pkg('mid', ['lib']), pkg('lib'), pkg('tool', ['lib'], ['template'])];
    expect(ways(packages, seeds, 'lib')).toEqual([
      'template tool line 8 | tool:amd64 | q lib:amd64',
      'template app=1 line 7 | app:amd64 | q mid:amd64 | q lib:amd64',
    ]);
  });

  it('says that the package was asked for itself', () => {
    expect(ways([pkg('app', [], ['template'])], seeds, 'app')).toEqual(['template app=1 line 7 | app:amd64']);
  });

  it('keeps that a request is one of the defaults', () => {
    const graph = packageGraph([pkg('udev', [], ['template'])], []);
    const byDefault: Seed = { request: 'udev', reason: 'template', byDefault: true };
    expect(whyPaths(graph, [byDefault], id('udev'))).toEqual([{ ...byDefault, package: id('udev'), steps: [] }]);
  });

  it('puts what the user wrote before what the base system needs, at equal length', () => {
    const packages = [pkg('base', ['lib'], ['essential']), pkg('lib'), pkg('tool', ['lib'], ['template'])];
    expect(ways(packages, seeds, 'lib').map((way) => way.split(' ')[0])).toEqual(['template', 'essential']);
  });

  it('takes requirements before recommendations of the same length, and recommendations when there is nothing else', () => {
    const recommended = pkg('lib', [], [id('a'), id('b')]);
    const packages = [pkg('app', ['a', 'b'], ['template']), pkg('a'), pkg('b', ['lib']), recommended];
    expect(ways(packages, seeds, 'lib')).toEqual(['template app=1 line 7 | app:amd64 | q b:amd64 | q lib:amd64']);
    const only = [pkg('app', ['a'], ['template']), pkg('a'), pkg('lib', [], [id('a')])];
    expect(ways(only, seeds, 'lib')).toEqual(['template app=1 line 7 | app:amd64 | q a:amd64 | c lib:amd64']);
  });

  it('ends in a cycle', () => {
    const packages = [pkg('app', ['a'], ['template']), pkg('a', ['b']), pkg('b', ['a'])];
    expect(ways(packages, seeds, 'b')).toEqual(['template app=1 line 7 | app:amd64 | q a:amd64 | q b:amd64']);
  });

  it('finds the request for a name that something else provides', () => {
    const virtual = [{ request: 'mail', reason: 'template', position }];
    expect(ways([pkg('postfix', [], ['template'])], virtual, 'postfix')).toEqual(['template mail line 7 | postfix:amd64']);
  });

  it('tells requests for one architecture from those for another', () => {
    const both = ['lib', 'lib:i386'].map((request) => ({ request, reason: 'template', position }));
    const packages = [pkg('lib', [], ['template']), { ...pkg('lib', [], ['template']), id: 'lib:i386', arch: 'i386' }];
    const startsOf = (goal: string) =>
      whyPaths(packageGraph(packages, relationsOf(packages)), both, goal).map(({ request, package: start }) => [request, start]);
    expect(startsOf('lib:i386')).toEqual([['lib:i386', 'lib:i386']]);
    expect(startsOf('lib:amd64')).toEqual([['lib', 'lib:amd64']]);
  });

  it('knows requests with an architecture as rpm writes them', () => {
    const asked = ['lib.i686', 'mail'].map((request) => ({ request, reason: 'template', position }));
    const packages = [
      { ...pkg('lib', [], ['template']), id: 'lib:i686', arch: 'i686' },
      { ...pkg('lib', [], ['template']), id: 'lib:x86_64', arch: 'x86_64' },
    ];
    const startsOf = (goal: string) => whyPaths(packageGraph(packages, []), asked, goal).map(({ request, position: at }) => [request, at]);
    expect(startsOf('lib:i686')).toEqual([['lib.i686', position]]);
    expect(startsOf('lib:x86_64')).toEqual([['mail', position]]);
  });

  it('tells requests for versions side by side apart', () => {
    const seedsOf = (...requests: readonly string[]) => requests.map((request) => ({ request, reason: 'template', position }));
    const packages = [
      { ...pkg('kernel', [], ['template']), version: '2-1' },
      { ...pkg('kernel', [], ['template']), id: 'kernel:amd64=1-1', version: '1-1' },
    ];
    const startsOf = (seeds: readonly Seed[], goal: string) =>
      whyPaths(packageGraph(packages, relationsOf(packages)), seeds, goal).map(({ request }) => request);
    expect(startsOf(seedsOf('kernel=1', 'kernel=2-1'), 'kernel:amd64')).toEqual(['kernel=2-1']);
    expect(startsOf(seedsOf('kernel=1', 'kernel=2-1'), 'kernel:amd64=1-1')).toEqual(['kernel=1']);
    expect(startsOf(seedsOf('kernel', 'kernel=1'), 'kernel:amd64')).toEqual(['kernel']);
  });

  it('does not guess between two of them', () => {
    const virtual = ['mail', 'awk'].map((request) => ({ request, reason: 'template', position }));
    expect(ways([pkg('postfix', [], ['template'])], virtual, 'postfix')).toEqual(['template postfix | postfix:amd64']);
  });
});
