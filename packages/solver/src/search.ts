import { ClauseWriter, invalid, wrongNumber } from './clause-writer.js';
import { solverError } from './errors.js';
import { PATIENCE } from './patience.js';
import type { Patience } from './patience.js';
import type { Clause, Member, OwnedClause, SolverOutcome, SolverProblem, SolverStatistics } from './problem.js';
import { loadSearchModule } from './search-module.js';
import type { SearchModule } from './search-module.js';

const DEFAULT_MAX_CONFLICTS = 200_000;

/** How the module says that a search ended. */
const SOLVED = 0;
const LIMIT = 2;

/** What the module tells at the end: numbers, and where columns begin and how long they are. */
const RESULTS = 11;

/** One conflict-driven search. It is done by the module of `assembly`; this has clauses written into its memory, and names what it answers with numbers. */
export class Search<R> {
  readonly #problem: SolverProblem<R>;
  readonly #patience: Patience;
  readonly #writer: ClauseWriter;
  /** By owner: its clauses, where they were asked for. */
  readonly #clauses = new Map<number, readonly Clause<R>[]>();
  readonly #module: SearchModule;

  /** @throws `ICT_SOLVER_INPUT_INVALID`. */
  constructor(problem: SolverProblem<R>, patience = PATIENCE) {
    const { count } = problem;
    if (!Number.isInteger(count) || count < 0 || count > 0x3fff_fffe) throw invalid(`the number of solvables is ${count}`);
    this.#problem = problem;
    this.#patience = patience;
    this.#writer = new ClauseWriter(count, problem.recommendations === 'last');
    this.#module = loadSearchModule({
      clausesOf: (owner) => this.#write(owner),
      wrong: (owner, target) => {
        throw wrongNumber(owner, target, count);
      },
      full: () => {
        throw withoutAnswer('in 4 GiB of memory');
      },
    });
  }

  /** Runs to the end, once. A contradiction's core is not minimised. */
  run(): SolverOutcome<R> {
    const { count, recommendations, maxConflicts = DEFAULT_MAX_CONFLICTS } = this.#problem;
    const { preferences, restart, lessons } = this.#patience;
    const module = this.#module;
    module.begin(count, recommendations === 'last', maxConflicts, preferences, restart, lessons);
    const end = module.run();
    const results = new Results(module);
    if (end === LIMIT) throw withoutAnswer(`after ${maxConflicts} conflicts`, results.statistics);
    const { statistics } = results;
    if (end !== SOLVED) return { kind: 'unsolvable', core: this.#core(results.core), statistics };
    return { kind: 'solved', members: this.#members(results.members), dropped: this.#dropped(results.dropped), statistics };
  }

  /** Writes the clauses of a solvable, or of the request (0). @returns how many numbers are written in all. */
  #write(owner: number): number {
    const numbers = owner === 0 ? undefined : this.#problem.provider.numbersOf?.(owner);
    return numbers === undefined
      ? this.#writer.write(owner, this.#clausesOf(owner), this.#module)
      : this.#writer.writeNumbers(numbers, this.#module);
  }

  /** Clauses in the order in which the module numbers them. */
  #clausesOf(owner: number): readonly Clause<R>[] {
    let clauses = this.#clauses.get(owner);
    if (clauses === undefined) {
      const { roots, provider } = this.#problem;
      this.#clauses.set(owner, (clauses = owner === 0 ? roots : [...provider.clausesOf(owner)]));
    }
    return clauses;
  }

  /** Threes of a solvable, the clause that chose it, and whose that is. */
  #members(numbers: Uint32Array): Member<R>[] {
    const isLazy = this.#problem.provider.numbersOf !== undefined;
    const reasonOf = (clause: number, by: number): R => this.#original(clause, by).reason;
    return Array.from({ length: numbers.length / 3 }, (_, at) => {
      const solvable = numbers[3 * at]!;
      const clause = numbers[3 * at + 1]!;
      const by = numbers[3 * at + 2]!;
      return isLazy ? new LazyMember(solvable, clause, by, reasonOf) : { solvable, by, reason: reasonOf(clause, by) };
    });
  }

  /** Pairs of a clause and whose it is. */
  #dropped(numbers: Uint32Array): OwnedClause<R>[] {
    const dropped: OwnedClause<R>[] = [];
    for (let at = 0; at < numbers.length; at += 2) dropped.push(this.#clause(numbers[at]!, numbers[at + 1]!));
    return dropped;
  }

  /** Runs of a clause, whose it is, the number of targets that matter, and these where it is a conflict. */
  #core(numbers: Uint32Array): OwnedClause<R>[] {
    const core: OwnedClause<R>[] = [];
    for (let at = 0; at < numbers.length; ) {
      const clause = this.#clause(numbers[at]!, numbers[at + 1]!);
      const end = at + 3 + numbers[at + 2]!;
      core.push(clause.kind === 'conflicts' ? { ...clause, targets: [...numbers.slice(at + 3, end).sort()] } : clause);
      at = end;
    }
    return core;
  }

  /** A clause by its number and its owner, as the caller gave it. */
  #original(number: number, by: number): Clause<R> {
    return this.#clausesOf(by)[number - this.#module.first(by)]!;
  }

  #clause(number: number, by: number): OwnedClause<R> {
    const { kind, targets, when = [], unless = [], reason } = this.#original(number, by);
    return { by, kind, targets, ...(when.length === 0 ? {} : { when }), ...(unless.length === 0 ? {} : { unless }), reason };
  }
}

/** A member whose reason is looked up when somebody asks: of most nobody does, and a property of its own that does so costs more than all else of it. */
class LazyMember<R> implements Member<R> {
  readonly solvable: number;
  readonly by: number;
  readonly #clause: number;
  readonly #reasonOf: (clause: number, by: number) => R;

  constructor(solvable: number, clause: number, by: number, reasonOf: (clause: number, by: number) => R) {
    this.solvable = solvable;
    this.by = by;
    this.#clause = clause;
    this.#reasonOf = reasonOf;
  }

  get reason(): R {
    return this.#reasonOf(this.#clause, this.by);
  }
}

/** What a search that has ended tells. */
class Results {
  readonly #buffer: ArrayBuffer;
  readonly #numbers: Uint32Array;

  constructor(module: SearchModule) {
    const start = module.finish() >>> 0;
    this.#buffer = module.memory.buffer;
    this.#numbers = new Uint32Array(this.#buffer, start, RESULTS);
  }

  get statistics(): SolverStatistics {
    const [solvables, clauses, decisions, conflicts, restarts] = this.#numbers as unknown as [number, number, number, number, number];
    return { solvables, clauses, decisions, conflicts, restarts };
  }

  get members(): Uint32Array {
    return this.#column(5);
  }

  get dropped(): Uint32Array {
    return this.#column(7);
  }

  get core(): Uint32Array {
    return this.#column(9);
  }

  #column(at: number): Uint32Array {
    return new Uint32Array(this.#buffer, this.#numbers[at], this.#numbers[at + 1]);
  }
}

/** @param bound what the search was not to exceed. */
function withoutAnswer(bound: string, statistics?: SolverStatistics): Error {
  return solverError('ICT_SOLVER_LIMIT', {
    message: `no answer ${bound}`,
    hint: 'The request leaves very many combinations open: name versions or providers of the packages in question.',
    facts: { ...statistics },
  });
}
