import type { Problem, Seed } from '@ict/plugin-api';
import type { OwnedClause } from '@ict/solver';
import { formatEvr } from './evr.js';
import { formatRelation } from './relation.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';

type CoreClause = OwnedClause<Reason>;

const VERBS: Readonly<Record<string, string>> = {
  requires: 'needs',
  conflicts: 'conflicts with',
  obsoletes: 'replaces',
  recommends: 'recommends',
  supplements: 'comes with',
};

const WHO: Readonly<Record<string, string>> = {
  template: 'the template',
  essential: 'the base system',
  kernel: 'the choice of kernel',
  bootloader: 'the choice of boot loader',
  tools: 'the tools tree',
};

/**
 * Tells a contradiction in the user's words: who asked for what, who needs what, and which packages exclude each other or what is missing,
 * one step a line.
 */
export function explainContradiction(core: readonly CoreClause[], pool: Pool): Problem {
  const seeds = seedsOf(core);
  const missing = core.find(({ kind, targets, by }) => by !== 0 && kind === 'requires' && targets.length === 0);
  const position = seeds.find((seed) => seed.position !== undefined)?.position;
  const names = list([...new Set(seeds.map(({ request }) => `"${request}"`))], 'and');
  const message =
    missing?.reason.kind === 'relation'
      ? `${names} cannot be installed: ${label(missing.by, pool)} needs ${formatRelation(missing.reason.relation)}, which no repository has`
      : seeds.length > 1
        ? `${names} cannot be installed together`
        : `${names} cannot be installed: what it needs excludes itself`;
  return {
    code: 'ICT_RPM_UNSATISFIABLE',
    message,
    hint: suggest(seeds, missing),
    ...(position === undefined ? {} : { position }),
    because: derive(core, pool),
  };
}

/** Seeds that take part in a contradiction, in order, each once. */
export function seedsOf(core: readonly CoreClause[]): Seed[] {
  return [...new Set(core.flatMap(({ reason }) => (reason.kind === 'seed' ? [reason.seed] : [])))];
}

function suggest(seeds: readonly Seed[], missing: CoreClause | undefined): string {
  const repairs: string[] = [];
  const leaveOut = [...new Set(seeds.filter(({ reason }) => reason !== 'essential').map(({ request }) => `"${request}"`))];
  if (leaveOut.length > 0) repairs.push(`leave out ${list(leaveOut, 'or')}`);
  if (missing?.reason.kind === 'relation') repairs.push(`add a repository that has ${formatRelation(missing.reason.relation)}`);
  if (repairs.length === 0) repairs.push('use repositories that belong together');
  const text = list(repairs, 'or');
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

/** The clauses as lines: each seed, then depth-first what follows from it. */
function derive(core: readonly CoreClause[], pool: Pool): string[] {
  const byOwner = Map.groupBy(core, ({ by }) => by);
  const lines: string[] = [];
  const told = new Set<number>([0]);
  const stack: CoreClause[] = [...(byOwner.get(0) ?? [])].reverse();
  for (let clause = stack.pop(); clause !== undefined; clause = stack.pop()) {
    lines.push(tell(clause, pool));
    if (clause.kind === 'conflicts') continue;
    for (const target of [...clause.targets].reverse()) {
      if (told.has(target)) continue;
      told.add(target);
      stack.push(...[...(byOwner.get(target) ?? [])].reverse());
    }
  }
  return [...new Set(lines)];
}

function tell({ by, kind, targets, reason, when }: CoreClause, pool: Pool): string {
  const names = targets.map((target) => label(target, pool));
  if (reason.kind === 'seed') {
    const { position, request } = reason.seed;
    const place = position === undefined ? '' : ` (${position.file}:${position.line})`;
    const exact = targets.length === 1 && request === pool.package(targets[0]!).name;
    return `${WHO[reason.seed.reason] ?? reason.seed.reason} asks for ${request}${place}${exact ? '' : `, which ${list(names, 'or')} can be`}`;
  }
  if (reason.kind === 'one-version') return `only one of ${list([label(by, pool), ...names], 'and')} can be installed`;
  const text = `${label(by, pool)} ${VERBS[reason.field] ?? reason.field} ${formatRelation(reason.relation)}`;
  const beside = when === undefined ? '' : ` beside ${list(when.map((each) => label(each, pool)), 'and')}`; // prettier-ignore
  if (kind === 'conflicts') return `${text}${beside}, and that is ${list(names, 'and')}`;
  if (targets.length === 0) return `${text}${beside}, but no repository has that`;
  if (targets.length === 1 && pool.package(targets[0]!).name === reason.relation.name) return text;
  return `${text}${beside}, which only ${list(names, 'or')} can be`;
}

function label(solvable: number, pool: Pool): string {
  const { name, evr, arch } = pool.package(solvable);
  return `${name} ${formatEvr(evr)}${arch === 'noarch' ? '' : `.${arch}`}`;
}

/** `a`, `a and b`, `a, b and c`; of many only the first. */
function list(items: readonly string[], word: 'and' | 'or'): string {
  const shown = items.length > 6 ? [...items.slice(0, 5), `${items.length - 5} more`] : items;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1)}`;
}
