import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { RELATION_TAGS, type RelationKind } from '../src/package/tags.js';
import { answer, resolveIn, splitNevra, type TestPackage } from './resolve-universe.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-libsolv-'));
afterAll(() => rmSync(directory, { recursive: true }));

const TAGS: Readonly<Record<RelationKind, string>> = {
  provides: 'Prv',
  requires: 'Req',
  conflicts: 'Con',
  obsoletes: 'Obs',
  recommends: 'Rec',
  suggests: 'Sug',
  supplements: 'Sup',
  enhances: 'Enh',
};

const OPERATORS: Readonly<Record<string, string>> = {
  or: '|',
  and: '&',
  if: '<IF>',
  unless: '<UNLESS>',
  else: '<ELSE>',
  without: '-',
  with: '+',
};
const inLibsolv = (text: string): string =>
  text.replaceAll(/ (or|and|if|unless|else|without|with) /g, (_, word: string) => ` ${OPERATORS[word]!} `);

/** The packages in libsolv's text format. */
function testtags(packages: readonly TestPackage[]): string {
  const lines = ['=Ver: 3.0'];
  for (const { nevra, relations = {} } of packages) {
    const { name, evr, arch } = splitNevra(nevra);
    lines.push(`=Pkg: ${name} ${evr.version} ${evr.release} ${arch}`, `=Prv: ${name} = ${evr.version}-${evr.release}`);
    for (const kind of Object.keys(RELATION_TAGS) as RelationKind[]) {
      for (const text of relations[kind] ?? []) lines.push(`=${TAGS[kind]}: ${inLibsolv(text)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What libsolv chooses, as {@link answer} says it; undefined when it finds no solution. */
function solveWithLibsolv(packages: readonly TestPackage[], requests: readonly string[]): string | undefined {
  writeFileSync(join(directory, 'main.repo'), testtags(packages));
  const jobs = [
    'job multiversion provides installonlypkg(kernel)',
    ...requests.map((request) => `job install name ${request.replace('=', ' = ')}`),
  ];
  const test = [
    'repo system 0 empty',
    'repo main 0 testtags main.repo',
    'system x86_64 rpm system',
    ...jobs,
    'result transaction,problems <inline>',
  ];
  writeFileSync(join(directory, 'case.t'), `${test.join('\n')}\n`);
  const output = execFileSync('testsolv', ['-r', join(directory, 'case.t')], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  if (/^problem /m.test(output)) return undefined;
  const chosen = [...output.matchAll(/^install (\S+)@main/gm)].map(([, nevra]) => nevra!);
  return chosen.map((nevra) => nevra.replace(/-([^-]+-[^-]+\.[^.]+)$/, '-$1')).sort().join(' '); // prettier-ignore
}

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const anyName = fc.constantFrom(...NAMES, 'v', 'w');
const anyRelation = fc.oneof(
  anyName,
  fc.tuple(anyName, fc.constantFrom('<', '<=', '=', '>=', '>'), fc.constantFrom('1', '2', '1-1')).map((parts) => parts.join(' ')),
);
const anyDependency = fc.oneof(
  { weight: 5, arbitrary: anyRelation },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyName, fc.constantFrom('or', 'and', 'if', 'unless', 'with', 'without'), anyName)
      .map((parts) => `(${parts.join(' ')})`),
  },
  fc.tuple(anyName, fc.constantFrom('if', 'unless'), anyName, anyName).map(([x, word, y, z]) => `(${x} ${word} ${y} else ${z})`),
);
const anySupplement = fc.oneof(
  anyName,
  fc.tuple(anyName, fc.constantFrom('unless', 'if', 'and', 'or'), anyName).map((parts) => `(${parts.join(' ')})`),
);
const anyPackage = fc.record({
  nevra: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('1', '2', '3')).map(([name, version]) => `${name}-${version}-1.noarch`),
  relations: fc.record({
    requires: fc.array(anyDependency, { maxLength: 2 }),
    conflicts: fc.array(anyRelation, { maxLength: 1 }),
    obsoletes: fc.array(anyRelation, { maxLength: 1 }),
    provides: fc.array(fc.constantFrom('v', 'v = 1', 'w = 2'), { maxLength: 1 }),
    recommends: fc.array(anyName, { maxLength: 1 }),
    supplements: fc.array(anySupplement, { maxLength: 1 }),
  }),
});

const plain = (name: string, relations: TestPackage['relations'] = {}): TestPackage => ({ nevra: `${name}-1-1.noarch`, relations });

describe('what supplements an absence', () => {
  /** `d` supplements something; `b` comes, or does not. */
  const universe = (supplements: string, a: TestPackage['relations'] = {}): readonly TestPackage[] => [
    plain('a', a),
    plain('b', { provides: ['v'] }),
    plain('c', { provides: ['v'] }),
    plain('d', { supplements: [supplements] }),
  ];

  it.each<[string, TestPackage['relations'], readonly string[], string]>([
    ['(a unless b)', {}, ['a'], 'a d'],
    ['(a unless b)', {}, ['a', 'b'], 'a b'],
    ['(a unless b)', { requires: ['b'] }, ['a'], 'a b'],
    ['(a unless b)', { recommends: ['b'] }, ['a'], 'a b d'],
    ['(a unless v)', {}, ['a', 'c'], 'a c'],
    ['(a unless v)', {}, ['a'], 'a d'],
    ['(a unless b else c)', {}, ['a', 'b'], 'a b'],
    ['(a unless b else c)', {}, ['b', 'c'], 'b c d'],
    ['(a if b)', {}, ['a', 'b'], 'a b d'],
    ['(a if b)', {}, ['b'], 'b'],
    ['(a if b)', {}, ['c'], 'c'],
    ['(a if b)', {}, ['a'], 'a d'],
    ['(a if b else c)', {}, ['c'], 'c d'],
    ['(a if b else c)', {}, ['b', 'c'], 'b c'],
    ['(v without b)', {}, ['b'], 'b'],
    ['(v without b)', {}, ['c'], 'c d'],
    ['(a if b else c)', {}, ['a'], 'a'],
    ['(a or (c unless b))', {}, ['b', 'c'], 'b c'],
  ])('%s, with %j of a, asked for %j', (supplements, a, requests, expected) => {
    const packages = universe(supplements, a);
    const named = expected.split(' ').map((name) => `${name}-1-1.noarch`).join(' '); // prettier-ignore
    expect(solveWithLibsolv(packages, requests)).toBe(named);
    expect(answer(resolveIn([{ packages }], requests))).toBe(named);
  });

  it('is left where weak dependencies do not count', () => {
    expect(answer(resolveIn([{ packages: universe('(a unless b)') }], ['a'], false))).toBe('a-1-1.noarch');
  });

  it('chooses where it only enhances', () => {
    const packages = [
      plain('a', { requires: ['v'] }),
      plain('b', { provides: ['v'] }),
      plain('c', { provides: ['v'], enhances: ['(a unless e)'] }),
      plain('e'),
    ];
    for (const [requests, expected] of [
      [['a'], 'a-1-1.noarch c-1-1.noarch'],
      [['a', 'e'], 'a-1-1.noarch b-1-1.noarch e-1-1.noarch'],
    ] as const) {
      expect(answer(resolveIn([{ packages }], requests))).toBe(expected);
      expect(solveWithLibsolv(packages, requests)).toBe(expected);
    }
  });
});

describe('libsolv', () => {
  it('finds an answer exactly where we do, and nearly always the same', () => {
    let solved = 0;
    let equal = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(anyPackage, { selector: ({ nevra }) => nevra, minLength: 3, maxLength: 10 }),
        fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 2 }),
        (packages, requests) => {
          // Who asks for a name that another package replaces gets that as well: dnf says so to libsolv, and this test does not.
          fc.pre(!packages.some(({ relations }) => relations.obsoletes.some((text) => requests.some((name) => name === text[0]))));
          const theirs = solveWithLibsolv(packages, requests);
          const resolution = resolveIn([{ packages }], requests);
          expect(resolution.kind).toBe(theirs === undefined ? 'unsolvable' : 'resolved');
          if (theirs === undefined) return;
          solved++;
          if (answer(resolution) === theirs) equal++;
        },
      ),
      { numRuns: 150, seed: 20261126 },
    );
    // Both are sound where they differ: with several providers, or when a weak dependency excludes another.
    expect(solved).toBeGreaterThan(50);
    expect(equal / solved).toBeGreaterThan(0.9);
  });

  it('has install-only packages in several versions where we do', () => {
    const kernels = ['a', 'b'];
    const anyKernel = fc
      .record({
        name: fc.constantFrom(...kernels),
        version: fc.constantFrom('1', '2', '3'),
        requires: fc.array(fc.tuple(fc.constantFrom(...kernels), fc.constantFrom('<', '<=', '=', '>='), fc.constantFrom('1', '2', '3')).map((parts) => parts.join(' ')), { maxLength: 1 }), // prettier-ignore
        conflicts: fc.array(fc.constantFrom('a = 1', 'b < 2', 'c'), { maxLength: 1 }),
        // Now and then a version of the same name is none.
        kinds: fc.constantFrom(['installonlypkg(kernel)'], ['installonlypkg(kernel)'], ['installonlypkg(kernel)'], []),
      })
      .map(({ name, version, requires, conflicts, kinds }): TestPackage => {
        return { nevra: `${name}-${version}-1.noarch`, relations: { requires, conflicts, provides: kinds } };
      });
    const anyRequest = fc.tuple(fc.constantFrom(...kernels), fc.constantFrom('', '=1', '=2', '=3')).map((parts) => parts.join(''));
    const counts = { solved: 0, sideBySide: 0, equal: 0 };
    fc.assert(
      fc.property(
        fc.uniqueArray(anyKernel, { selector: ({ nevra }) => nevra, minLength: 4, maxLength: 6 }),
        fc.uniqueArray(anyRequest, { minLength: 2, maxLength: 3 }),
        (packages, requests) => {
          const theirs = solveWithLibsolv(packages, requests);
          const resolution = resolveIn([{ packages }], requests);
          expect(resolution.kind).toBe(theirs === undefined ? 'unsolvable' : 'resolved');
          if (theirs === undefined) return;
          counts.solved++;
          const names = theirs.split(' ').map(([name]) => name);
          if (new Set(names).size < names.length) counts.sideBySide++;
          if (answer(resolution).split(' ').sort().join(' ') === theirs) counts.equal++;
        },
      ),
      { numRuns: 150, seed: 20261127 },
    );
    expect(counts.sideBySide).toBeGreaterThan(10);
    expect(counts.equal / counts.solved).toBeGreaterThan(0.9);
  });
});
