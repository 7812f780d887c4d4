import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLAUSE_KINDS, solve } from '../src/index.js';
import type { Clause, SolverOutcome, SolverProblem } from '../src/index.js';
import { Search } from '../src/search.js';
import { hardClauses, holds, satisfiable, smallProblem, speaks, toProblem } from './oracle.js';
import { pigeonhole } from './pigeons.js';

const RUNS = 3000;

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** The same problem, whose provider gives its clauses as numbers. */
function asNumbers<R>(problem: SolverProblem<R>): SolverProblem<R> {
  const { provider } = problem;
  const clausesOf = (solvable: number): Iterable<Clause<R>> => provider.clausesOf(solvable);
  const numbersOf = (solvable: number): Int32Array =>
    Int32Array.from(
      Array.from(clausesOf(solvable)).flatMap(({ kind, targets }) => [CLAUSE_KINDS.indexOf(kind), targets.length, ...targets]),
    );
  return { ...problem, provider: { clausesOf, numbersOf } };
}

/** The same outcome, with reasons of members as properties of their own. */
function withReasons<R>(outcome: SolverOutcome<R>): SolverOutcome<R> {
  if (outcome.kind === 'unsolvable') return outcome;
  return { ...outcome, members: outcome.members.map(({ solvable, by, reason }) => ({ solvable, by, reason })) };
}

describe('against trying every set', () => {
  it('agrees where activity leads from the first conflict on, and lessons are short and soon forgotten', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const clauses = hardClauses(problem);
        const outcome = new Search(toProblem(problem), { preferences: 0, restart: 1, lessons: 1 }).run();
        expect(outcome.kind === 'solved').toBe(satisfiable(problem.count, clauses));
        if (outcome.kind === 'solved') {
          expect(
            holds(
              outcome.members.reduce((bits, { solvable }) => bits | (1 << solvable), 0),
              clauses,
            ),
          ).toBe(true);
        } else {
          expect(satisfiable(problem.count, outcome.core)).toBe(false);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('agrees on whether there is an answer, and the answer holds', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(toProblem(problem));
        const clauses = hardClauses(problem);
        expect(outcome.kind === 'solved').toBe(satisfiable(problem.count, clauses));
        if (outcome.kind !== 'solved') return;
        const set = outcome.members.reduce((bits, { solvable }) => bits | (1 << solvable), 0);
        expect(holds(set, clauses)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('takes nothing that no member asks for, and reports exactly the recommendations that are not met', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(toProblem(problem));
        if (outcome.kind !== 'solved') return;
        const taken = new Set(outcome.members.map(({ solvable }) => solvable));
        expect(taken.size).toBe(outcome.members.length);
        const present = new Set([0]);
        for (const { by } of outcome.members) expect(by === 0 || taken.has(by)).toBe(true);
        for (const { solvable, by, reason } of outcome.members) {
          expect(present.has(by)).toBe(true);
          const asking = problem.clauses[by]!.filter(
            ({ kind, reason: own }) => own === reason && (kind === 'requires' || kind === 'recommends'),
          );
          expect(asking.some(({ targets }) => targets.includes(solvable))).toBe(true);
          present.add(solvable);
        }
        const set = [...taken].reduce((bits, solvable) => bits | (1 << solvable), 0);
        const unmet = problem.clauses
          .flatMap((own, by) => own.filter(({ kind }) => kind === 'recommends').map((clause) => ({ ...clause, by })))
          .filter((clause) => speaks(set, clause) && !clause.targets.some((target) => taken.has(target)));
        const key = (clause: { by: number; reason: string }): string => `${clause.by} ${clause.reason}`;
        expect(outcome.dropped.map(key).sort()).toEqual(unmet.map(key).sort());
      }),
      { numRuns: RUNS },
    );
  });

  it('explains with a contradiction from which nothing can be left out', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const outcome = solve(toProblem(problem));
        if (outcome.kind !== 'unsolvable') return;
        const known = new Map(problem.clauses.map((own, by) => [by, own]));
        for (const { by, kind, targets, reason } of outcome.core) {
          const origin = known.get(by)!.filter((clause) => clause.reason === reason && clause.kind === kind);
          expect(origin.some((clause) => targets.every((target) => clause.targets.includes(target)))).toBe(true);
        }
        expect(satisfiable(problem.count, outcome.core)).toBe(false);
        for (const reason of new Set(outcome.core.map((clause) => clause.reason))) {
          const rest = outcome.core.filter((clause) => clause.reason !== reason);
          expect(satisfiable(problem.count, rest)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('gives the same outcome every time', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        expect(solve(toProblem(problem))).toEqual(solve(toProblem(problem)));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same outcome for clauses that are numbers', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        // Conditions are no part of what is given as numbers.
        const clauses = problem.clauses.map((own) => own.map(({ kind, targets, reason }) => ({ kind, targets, reason })));
        const plain = { ...problem, clauses };
        expect(withReasons(solve(asNumbers(toProblem(plain))))).toEqual(solve(toProblem(plain)));
      }),
      { numRuns: 1000 },
    );
  });

  it('finds no answer for the hard part because of recommendations', () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const without = {
          ...problem,
          clauses: problem.clauses.map((own) => own.filter(({ kind }) => kind !== 'recommends' && kind !== 'suggests')),
        };
        expect(solve(toProblem(problem)).kind).toBe(solve(toProblem(without)).kind);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('where choices conflict', () => {
  it.each([
    [2, 1],
    [4, 3],
    [6, 5],
    [7, 6],
  ])('%i pigeons do not fit in %i holes', (pigeons, holes) => {
    const outcome = solve(pigeonhole(pigeons, holes));
    expect(outcome.kind).toBe('unsolvable');
    if (outcome.kind !== 'unsolvable') return;
    const reasons = [...new Set(outcome.core.map(({ reason }) => reason))].sort();
    expect(reasons).toEqual([
      ...Array.from({ length: holes }, (_, hole) => `hole ${hole}`),
      ...Array.from({ length: pigeons }, (_, pigeon) => `pigeon ${pigeon}`),
    ]);
  });

  it.each([2, 5, 9, 40])('%i pigeons fit in as many holes, each in the first that is free', (pigeons) => {
    const outcome = solve(pigeonhole(pigeons, pigeons));
    expect(outcome.kind === 'solved' && outcome.members.map(({ solvable }) => solvable)).toEqual(
      Array.from({ length: pigeons }, (_, pigeon) => pigeon * pigeons + pigeon + 1),
    );
  });

  it('learns and restarts', () => {
    const { statistics } = solve(pigeonhole(7, 6));
    expect(statistics.conflicts).toBeGreaterThan(100);
    expect(statistics.restarts).toBeGreaterThan(0);
  });

  it('gives up at the limit', () => {
    expect(codeOf(() => solve({ ...pigeonhole(8, 7), maxConflicts: 50 }))).toBe('ICT_SOLVER_LIMIT');
  });
});

describe('laziness', () => {
  it('asks only for what is taken, once', () => {
    const asked: number[] = [];
    const clauses = new Map<number, Clause<string>[]>([
      [1, [{ kind: 'requires', targets: [2, 3], reason: '1' }]],
      [2, [{ kind: 'requires', targets: [4], reason: '2' }]],
      [5, [{ kind: 'requires', targets: [6], reason: '5' }]],
    ]);
    const provider = {
      clausesOf: (solvable: number) => {
        asked.push(solvable);
        return clauses.get(solvable) ?? [];
      },
    };
    solve({ count: 6, roots: [{ kind: 'requires', targets: [1], reason: 'root' }], provider });
    expect(asked).toEqual([1, 2, 4]);
  });

  it('asks for nothing but numbers where there are any, until somebody wants to know a reason', () => {
    const asked: number[] = [];
    const provider = {
      numbersOf: (solvable: number) => Int32Array.from(solvable === 1 ? [0, 1, 2, 0, 1, 3] : []),
      clausesOf: (solvable: number): Clause<string>[] => {
        asked.push(solvable);
        return [2, 3].map((target) => ({ kind: 'requires', targets: [target], reason: `${solvable} to ${target}` }));
      },
    };
    const outcome = solve({ count: 3, roots: [{ kind: 'requires', targets: [1], reason: 'root' }], provider });
    if (outcome.kind !== 'solved') throw new Error('it has an answer');
    expect(outcome.members.map(({ solvable, by }) => [solvable, by])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
    ]);
    expect(asked).toEqual([]);
    expect(outcome.members.map(({ reason }) => reason)).toEqual(['root', '1 to 2', '1 to 3']);
    expect(asked).toEqual([1]);
    const { clausesOf } = provider;
    const told = solve({ count: 3, roots: [{ kind: 'requires', targets: [1], reason: 'root' }], provider: { clausesOf } });
    if (told.kind !== 'solved') throw new Error('it has an answer');
    expect(structuredClone(told.members)).toEqual([
      { solvable: 1, by: 0, reason: 'root' },
      { solvable: 2, by: 1, reason: '1 to 2' },
      { solvable: 3, by: 2, reason: '2 to 3' },
    ]);
  });

  it('takes a chain of 100,000 without recursion', () => {
    const count = 100_000;
    const provider = {
      clausesOf: (s: number): Clause<string>[] => (s < count ? [{ kind: 'requires', targets: [s + 1], reason: 'next' }] : []),
    };
    const outcome = solve({ count, roots: [{ kind: 'requires', targets: [1], reason: 'root' }], provider });
    expect(outcome.kind === 'solved' && outcome.members.length).toBe(count);
  });

  it('shortens a lesson at the end of a chain of 100,000', () => {
    const [choice, other, rival, last] = [1, 2, 3, 100_000];
    const provider = {
      clausesOf: (s: number): Clause<string>[] => {
        if (s === rival) return [{ kind: 'conflicts', targets: [last], reason: 'rival' }];
        if (s === other || s === last) return [];
        return [{ kind: 'requires', targets: [s === choice ? rival + 2 : s + 1], reason: 'next' }];
      },
    };
    const roots: Clause<string>[] = [
      { kind: 'requires', targets: [choice, other], reason: 'first' },
      { kind: 'requires', targets: [rival, rival + 1], reason: 'second' },
    ];
    const outcome = new Search({ count: last, roots, provider }, { preferences: 0, restart: 100, lessons: 100 }).run();
    expect([outcome.kind, outcome.statistics.conflicts]).toEqual(['solved', 1]);
  });
});

describe('wrong input', () => {
  const none = { clausesOf: () => [] };

  it.each([0, -1, 4, 1.5, Number.NaN])('refuses %f as a target among 3', (target) => {
    const roots: Clause<string>[] = [{ kind: 'requires', targets: [target], reason: 'root' }];
    expect(codeOf(() => solve({ count: 3, roots, provider: none }))).toBe('ICT_SOLVER_INPUT_INVALID');
  });

  it.each([0, -1, 4])('refuses %i as a target among 3 where clauses are numbers', (target) => {
    const provider = { ...none, numbersOf: () => Int32Array.of(0, 1, target) };
    const roots: Clause<string>[] = [{ kind: 'requires', targets: [1], reason: 'root' }];
    expect(() => solve({ count: 3, roots, provider })).toThrow(
      expect.objectContaining({ code: 'ICT_SOLVER_INPUT_INVALID', message: expect.stringContaining(`names solvable ${target}`) }),
    );
  });

  it('refuses a kind that there is not', () => {
    const roots = [{ kind: 'enhances', targets: [1], reason: 'root' }] as unknown as Clause<string>[];
    expect(() => solve({ count: 3, roots, provider: none })).toThrow(
      expect.objectContaining({ code: 'ICT_SOLVER_INPUT_INVALID', message: expect.stringContaining('is of kind "enhances"') }),
    );
  });

  it.each([0, 4])('refuses %f in a condition among 3', (condition) => {
    const roots: Clause<string>[] = [{ kind: 'requires', targets: [1], when: [condition], reason: 'root' }];
    expect(codeOf(() => solve({ count: 3, roots, provider: none }))).toBe('ICT_SOLVER_INPUT_INVALID');
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 31])('refuses %f solvables', (count) => {
    expect(codeOf(() => solve({ count, roots: [], provider: none }))).toBe('ICT_SOLVER_INPUT_INVALID');
  });

  it('passes on what the provider throws', () => {
    const failure = new Error('index is broken');
    const provider = {
      clausesOf: (): never => {
        throw failure;
      },
    };
    const roots: Clause<string>[] = [{ kind: 'requires', targets: [1], reason: 'root' }];
    expect(() => solve({ count: 1, roots, provider })).toThrow(failure);
  });

  it('passes on what the provider throws in the middle, and searches again afterwards', () => {
    const failure = new Error('index is broken');
    let isBroken = true;
    const provider = {
      *clausesOf(solvable: number): Iterable<Clause<string>> {
        if (solvable < 500) yield { kind: 'requires', targets: [solvable + 1], reason: 'next' };
        if (solvable === 400 && isBroken) throw failure;
      },
    };
    const roots: Clause<string>[] = [{ kind: 'requires', targets: [1], reason: 'root' }];
    expect(() => solve({ count: 500, roots, provider })).toThrow(failure);
    isBroken = false;
    const outcome = solve({ count: 500, roots, provider });
    expect(outcome.kind === 'solved' && outcome.members.length).toBe(500);
  });
});

describe('memory', () => {
  it('grows with what one solvable needs', () => {
    const count = 3_000;
    const wanted = Array.from({ length: count - 1 }, (_, i): Clause<string> => {
      const others = [2 + ((i * 7) % (count - 1)), ...Array.from({ length: 60 }, (_, k) => 2 + ((i + 31 * k) % (count - 1)))];
      return { kind: i % 3 === 0 ? 'recommends' : 'requires', targets: others, reason: `wish ${i}` };
    });
    const asked: number[] = [];
    const provider = {
      clausesOf: (solvable: number) => {
        asked.push(solvable);
        return solvable === 1 ? wanted : [];
      },
    };
    const outcome = solve({ count, roots: [{ kind: 'requires', targets: [1], reason: 'root' }], provider });
    expect(outcome.statistics.clauses).toBe(1 + wanted.filter(({ kind }) => kind === 'requires').length);
    if (outcome.kind !== 'solved') throw new Error('there is no answer');
    const taken = new Set(outcome.members.map(({ solvable }) => solvable));
    expect(wanted.every(({ targets }) => targets.some((target) => taken.has(target)))).toBe(true);
    expect(asked.toSorted((a, b) => a - b)).toEqual([...taken].sort((a, b) => a - b));
    for (const { solvable, reason } of outcome.members.slice(1)) {
      expect(wanted[Number(reason.slice('wish '.length))]!.targets).toContain(solvable);
    }
  });

  it('has a limit', () => {
    expect(codeOf(() => solve({ count: 0x3fff_fffe, roots: [], provider: { clausesOf: () => [] } }))).toBe('ICT_SOLVER_LIMIT');
  });
});

describe('a provider that solves', () => {
  const roots: Clause<string>[] = [{ kind: 'requires', targets: [1], reason: 'root' }];

  it.each([
    ['before it answers', false],
    ['while its answer is read', true],
  ])('%s disturbs no search', (_when, isLater) => {
    const nested: boolean[] = [];
    const solveNested = (): void => void nested.push(solve(pigeonhole(5, 4)).kind === 'unsolvable');
    const count = 200;
    const later = function* (clauses: readonly Clause<string>[]): Iterable<Clause<string>> {
      for (const clause of clauses) {
        yield clause;
        solveNested();
      }
    };
    const provider = {
      clausesOf(solvable: number): Iterable<Clause<string>> {
        const clauses: Clause<string>[] = solvable < count ? [{ kind: 'requires', targets: [solvable + 1], reason: 'next' }] : [];
        if (isLater) return later(clauses);
        if (solvable < count) solveNested();
        return clauses;
      },
    };
    const outcome = solve({ count, roots, provider });
    expect(outcome.kind === 'solved' && outcome.members.map(({ solvable }) => solvable)).toEqual(
      Array.from({ length: count }, (_, i) => i + 1),
    );
    expect(nested).toEqual(Array.from({ length: count - 1 }, () => true));
  });
});
