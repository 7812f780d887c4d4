import { solve } from '../src/index.js';
import type { Clause, ClauseKind, SolverOutcome } from '../src/index.js';

/** A solver case as text; `test/cases/README.md` describes the form. */
export interface SolverCase {
  readonly title: string;
  readonly names: readonly string[];
  readonly clauses: ReadonlyMap<number, readonly Clause<string>[]>;
  readonly roots: readonly Clause<string>[];
  /** Recommendations come last. */
  readonly last: boolean;
  readonly expected: readonly string[];
}

const KINDS: Readonly<Record<string, ClauseKind>> = { '?': 'recommends', '!': 'conflicts', '~': 'suggests' };

/** Reads the cases of one file. */
export function parseCases(text: string): SolverCase[] {
  return text.split(/^== /m).slice(1).map(parseCase);
}

function parseCase(text: string): SolverCase {
  const [title = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const names: string[] = [''];
  const numbers = new Map<string, number>();
  const number = (name: string): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, names.length);
    return names.push(name) - 1;
  };
  const clauses = new Map<number, readonly Clause<string>[]>();
  const expected: string[] = [];
  let roots: readonly Clause<string>[] = [];
  let last = false;
  for (const line of lines) {
    const [, key = '', rest = ''] = /^(\S+):\s*(.*)$/.exec(line) ?? [];
    if (key === 'options') last = rest === 'recommendations-last';
    else if (key === 'ask') roots = parseClauses('ask', rest, number);
    else if (key === 'take' || key === 'drop' || key === 'fail') expected.push(`${key}: ${rest}`.trim());
    else if (key !== '') clauses.set(number(key), parseClauses(key, rest, number));
    else throw new Error(`"${line}" is no line of a case`);
  }
  return { title, names, clauses, roots, last, expected };
}

/** `b | c, ? d, ~ e, ! f if g & h`: requires, recommends, suggests, conflicts with a condition. */
function parseClauses(owner: string, text: string, number: (name: string) => number): Clause<string>[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const kind = KINDS[part[0]!] ?? 'requires';
      const [clause = '', absence = ''] = part.replace(/^[?!~]/, '').split(' unless ');
      const [wanted = '', condition = ''] = clause.split(' if ');
      const numbers = (text: string, separator: string): number[] =>
        text
          .split(separator)
          .map((name) => name.trim())
          .filter((name) => name !== '-' && name !== '')
          .map(number);
      const when = numbers(condition, '&');
      const unless = numbers(absence, '&');
      const conditions = { ...(when.length === 0 ? {} : { when }), ...(unless.length === 0 ? {} : { unless }) };
      return { kind, targets: numbers(wanted, '|'), ...conditions, reason: `${owner}: ${part}` };
    });
}

/** Solves a case. */
export function runCase({ names, clauses, roots, last }: SolverCase): SolverOutcome<string> {
  const provider = { clausesOf: (solvable: number) => clauses.get(solvable) ?? [] };
  return solve({ count: names.length - 1, roots, provider, recommendations: last ? 'last' : 'inline' });
}

/** The outcome in the words of a case file: chosen names in order; dropped clauses; clauses of the core. */
export function describeOutcome(outcome: SolverOutcome<string>, names: readonly string[]): string[] {
  if (outcome.kind === 'unsolvable') return outcome.core.map(({ reason }) => `fail: ${reason}`);
  const take = outcome.members.map(({ solvable }) => names[solvable]).join(' ');
  return [`take: ${take}`.trim(), ...outcome.dropped.map(({ reason }) => `drop: ${reason}`)];
}
