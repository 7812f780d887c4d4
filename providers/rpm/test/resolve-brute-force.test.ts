import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenRpmRelations, readPlainRpms, subsets, type PlainRpm } from '@ict/fixtures';
import { compareVersions } from '../src/relations/evr.js';
import { resolveIn, splitNevra, toPrimaryXml, type TestPackage } from './resolve-universe.js';

// Universes small enough to try every subset: a name has several versions, of several architectures.
const NAMES = ['a', 'b', 'c'] as const;
const ARCHES = ['x86_64', 'i686', 'noarch'] as const;
/** What rpm says of itself for programs of an architecture: `name(x86-64)`. */
const ISA: Readonly<Record<string, string>> = { x86_64: 'x86-64', i686: 'x86-32' };

const anyName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<string>(...NAMES, 'v') },
  fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...Object.values(ISA))).map(([name, isa]) => `${name}(${isa})`),
);
const anyRelation = fc.oneof(
  anyName,
  fc.tuple(anyName, fc.constantFrom('<', '<=', '=', '>=', '>'), fc.constantFrom('1', '2', '1-1')).map((parts) => parts.join(' ')),
);
const anyBoolean = (...operators: readonly string[]) =>
  fc.tuple(anyRelation, fc.constantFrom(...operators), anyRelation).map((parts) => `(${parts.join(' ')})`);
const anyDependency = fc.oneof(
  { weight: 6, arbitrary: anyRelation },
  { weight: 2, arbitrary: anyBoolean('or', 'and', 'if', 'unless', 'with', 'without') },
  fc.tuple(anyName, fc.constantFrom('if', 'unless'), anyName, anyName).map(([x, word, y, z]) => `(${x} ${word} ${y} else ${z})`),
);
const anyConflict = fc.oneof({ weight: 3, arbitrary: anyRelation }, anyBoolean('and', 'or', 'unless'));
const anyPackage = fc
  .record({
    name: fc.constantFrom(...NAMES),
    version: fc.constantFrom('1', '2'),
    arch: fc.constantFrom(...ARCHES),
    requires: fc.array(anyDependency, { maxLength: 2 }),
    conflicts: fc.array(anyConflict, { maxLength: 1 }),
    obsoletes: fc.array(anyRelation, { maxLength: 1 }),
    provides: fc.array(fc.constantFrom('v', 'v = 1', 'v = 2'), { maxLength: 1 }),
    isInstallOnly: fc.constantFrom(true, true, false),
  })
  .map(({ name, version, arch, requires, conflicts, obsoletes, provides, isInstallOnly }): TestPackage => {
    const own = [
      ...(ISA[arch] === undefined ? [] : [`${name}(${ISA[arch]}) = ${version}-1`]),
      ...(isInstallOnly ? ['installonlypkg(kernel)'] : []),
    ];
    // Nothing conflicts with itself: what that means below `or` and `unless` is left to the tables.
    const speaksOfItself = (text: string): boolean => new RegExp(`\\b${name}\\b`).test(text) || (provides.length > 0 && /\bv\b/.test(text));
    const others = conflicts.filter((text) => {
      const parts = text.split(' and ');
      return !text.startsWith('(') || (parts.length === 1 ? !speaksOfItself(text) : !parts.every(speaksOfItself));
    });
    return {
      nevra: `${name}-${version}-1.${arch}`,
      relations: { requires, conflicts: others, obsoletes, provides: [...provides, ...own] },
    };
  });
const anyUniverse = fc.uniqueArray(anyPackage, { selector: ({ nevra }) => nevra, minLength: 1, maxLength: 7 });
const anyRequest = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string>(...NAMES) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('1', '2')).map((parts) => parts.join('=')) },
  fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...ARCHES)).map(([name, arch]) => `${name}.${arch}`),
);

const anyRequests = fc.oneof(
  { weight: 4, arbitrary: fc.uniqueArray(anyRequest, { minLength: 1, maxLength: 3 }) },
  fc.constantFrom(...NAMES).map((name) => [`${name}=1`, `${name}=2`]),
);

/** Every set of packages in which all relations hold. */
function soundSets(packages: readonly TestPackage[]): readonly (readonly PlainRpm[])[] {
  return subsets(readPlainRpms(toPrimaryXml(packages))).filter((chosen) => brokenRpmRelations(chosen, compareVersions).length === 0);
}

const isMeant = ({ name, arch, version }: Pick<PlainRpm, 'name' | 'arch' | 'version'>, request: string): boolean =>
  request === name || request === `${name}.${arch}` || `${request}-1` === `${name}=${version}`;

/** A request for a name that something replaces may be answered by that: such universes are left to the tables. */
function isReplaced(packages: readonly TestPackage[], requests: readonly string[]): boolean {
  return packages.some(({ relations }) =>
    relations!.obsoletes!.some((text) => requests.some((request) => /^\w/.exec(request)![0] === text[0])),
  );
}

describe('small universes of several architectures', () => {
  it('have an answer exactly when some subset is one, and the answer is one', () => {
    const outcomes = { resolved: 0, unsolvable: 0 };
    let sideBySide = 0;
    fc.assert(
      fc.property(anyUniverse, anyRequests, (packages, requests) => {
        fc.pre(!isReplaced(packages, requests));
        // An answer is checked where it is made.
        const resolution = resolveIn([{ packages }], requests, false);
        const sound = soundSets(packages);
        const isAnswer = (chosen: readonly PlainRpm[]): boolean =>
          requests.every((request) => chosen.some((each) => isMeant(each, request)));
        expect(resolution.kind).toBe(sound.some(isAnswer) ? 'resolved' : 'unsolvable');
        outcomes[resolution.kind]++;
        if (resolution.kind === 'unsolvable') return;
        const ids = resolution.closure.packages.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const versions = new Set(resolution.closure.packages.map(({ name, version }) => `${name} ${version}`));
        if (new Set(resolution.closure.packages.map(({ name }) => name)).size < versions.size) sideBySide++;
      }),
      { numRuns: 1500 },
    );
    expect(Math.min(outcomes.resolved, outcomes.unsolvable)).toBeGreaterThan(150); // about 260
    expect(sideBySide).toBeGreaterThan(3); // about 20
  });

  it('give of a name the best architecture that can be had, and of that the highest version', () => {
    let second = 0;
    fc.assert(
      fc.property(anyUniverse, fc.constantFrom(...NAMES), (packages, name) => {
        fc.pre(!isReplaced(packages, [name]));
        const resolution = resolveIn([{ packages }], [name], false);
        const rank = ({ arch, version }: Pick<PlainRpm, 'arch' | 'version'>): number => (arch === 'i686' ? 10 : 0) - Number(version[0]);
        const bestIn = (chosen: readonly Pick<PlainRpm, 'name' | 'arch' | 'version'>[]): number =>
          Math.min(...chosen.filter((each) => each.name === name).map(rank));
        const possible = Math.min(...soundSets(packages).map(bestIn));
        expect(resolution.kind === 'resolved' ? bestIn(resolution.closure.packages) : Infinity).toBe(possible);
        const best = Math.min(...packages.map(({ nevra }) => splitNevra(nevra)).filter((each) => each.name === name).map(({ arch, evr }) => rank({ arch, version: evr.version }))); // prettier-ignore
        if (possible !== Infinity && possible !== best) second++;
      }),
      { numRuns: 1000 },
    );
    // Often enough the first choice could not be had.
    expect(second).toBeGreaterThan(20);
  });
});
