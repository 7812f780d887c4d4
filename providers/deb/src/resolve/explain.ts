import { inSentence, tellMeant, tellRepairs, tellRequest } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { tellingOrder } from '@ict/solver';
import type { OwnedClause } from '@ict/solver';
import { formatGroup, formatRelation } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import { successorsOf } from './resolve-successors.js';
import { tellWithheld, withheldFor } from './resolve-withheld.js';

type CoreClause = OwnedClause<Reason>;

const VERBS: Readonly<Record<string, string>> = {
  'Pre-Depends': 'needs (before it is unpacked)',
  Depends: 'needs',
  Conflicts: 'conflicts with',
  Breaks: 'breaks',
};

/**
 * Tells a contradiction in the user's words: who asked for what, who needs what, and which two packages exclude each other or what is
 * missing, one step a line.
 *
 * @param repairs what would mend it, the best first.
 */
export function explainContradiction(core: readonly CoreClause[], repairs: readonly string[], pool: Pool): Problem {
  const seeds = seedsOf(core);
  const missing = core.find(({ kind, targets, reason }) => reason.kind === 'relation' && kind === 'requires' && targets.length === 0);
  const position = seeds.find((seed) => seed.position !== undefined && seed.byDefault !== true)?.position;
  return {
    code: 'ICT_DEB_UNSATISFIABLE',
    message: summarise(seeds, core, missing, pool),
    hint: tellRepairs(repairs),
    ...(position === undefined ? {} : { position }),
    because: derive(core, pool),
  };
}

/**
 * What is missing in a contradiction, in words that are the same for every other one that the same thing is missing in; undefined where
 * packages exclude each other.
 */
export function missingIn(core: readonly CoreClause[], pool: Pool): string | undefined {
  for (const { by, kind, targets, reason } of core) {
    if (reason.kind !== 'relation' || kind !== 'requires' || targets.length > 0) continue;
    const arch = pool.archOf(by);
    const tellMissing = (relation: Relation): string => {
      const [kept] = withheldFor(relation, arch, pool);
      return kept === undefined ? `${formatRelation(relation)}: ${why(relation, arch, pool)}` : tellWithheld(kept);
    };
    return reason.group.map(tellMissing).join('; ');
  }
  return undefined;
}

/** A contradiction, and the requests that cannot be had for the same reason: what is missing is told once, and only what brings it mends all. */
export function explainForAll(problem: Problem, others: readonly Seed[], additions: readonly string[]): Problem {
  const names = [...new Set(others.map(({ request }) => `"${request}"`))];
  if (names.length === 0) return problem;
  const because = [...problem.because, `for the same reason ${inSentence(names, 'and')} cannot be installed`];
  return { ...problem, because, ...(additions.length === 0 ? {} : { hint: tellRepairs(additions) }) };
}

/** Seeds that take part in a contradiction, in order, each once. */
export function seedsOf(core: readonly CoreClause[]): Seed[] {
  return [...new Set(core.flatMap(({ reason }) => (reason.kind === 'seed' ? [reason.seed] : [])))];
}

function summarise(seeds: readonly Seed[], core: readonly CoreClause[], missing: CoreClause | undefined, pool: Pool): string {
  const names = inSentence([...new Set(seeds.map(({ request }) => `"${request}"`))], 'and');
  if (missing !== undefined && missing.reason.kind === 'relation') {
    return `${names} cannot be installed: ${label(missing.by, pool)} needs ${formatGroup(missing.reason.group)}, which cannot be had`;
  }
  const unreadable = core.find(({ reason }) => reason.kind === 'unreadable');
  if (unreadable !== undefined) return `${names} cannot be installed: ${tell(unreadable, pool)}`;
  return seeds.length > 1 ? `${names} cannot be installed together` : `${names} cannot be installed: what it needs excludes itself`;
}

/** Packages that would satisfy a relation, were they candidates. */
export function notOffered(relation: Relation, arch: string, pool: Pool): number[] {
  const offered = pool.offeredAnywhere(relation.name);
  const all = pool.architectures.flatMap((each) => pool.all(relation.name, each));
  return all.filter((solvable) => !offered.includes(solvable) && pool.fits(relation, solvable, arch));
}

/** The clauses as lines: each seed, then depth-first what follows from it. */
function derive(core: readonly CoreClause[], pool: Pool): string[] {
  return [...new Set(tellingOrder(core).map((clause) => tell(clause, pool)))];
}

function tell({ by, kind, targets, reason }: CoreClause, pool: Pool): string {
  if (reason.kind === 'seed') return tellSeed(reason.seed, targets, pool);
  if (reason.kind === 'one-version') {
    const rivals = [by, ...targets.filter((target) => target !== by)];
    const isOne = rivals.every((each) => pool.archOf(each) === pool.archOf(by));
    const versions = rivals.map((each) => (isOne ? pool.version(each) : label(each, pool)));
    if (!isOne && rivals.every((each) => pool.isSame(each)))
      return `${reason.name} must have one version on all architectures: ${inSentence(versions, 'or')}`;
    return `only one ${isOne ? 'version' : 'architecture'} of ${reason.name} can be installed: ${inSentence(versions, 'or')}`;
  }
  if (reason.kind === 'unreadable') {
    return `${label(by, pool)} of ${pool.repository(by).id} cannot be used: its ${reason.field} is not valid`;
  }
  const { field, group } = reason;
  const arch = pool.archOf(by);
  const text = `${label(by, pool)} ${VERBS[field] ?? field} ${formatGroup(group)}`;
  if (kind === 'conflicts')
    return `${text}, and that is ${inSentence(
      targets.map((each) => `${label(each, pool)}${through(each, group, pool)}`),
      'and',
    )}`;
  if (targets.length === 0) return `${text}, but ${group.map((relation) => why(relation, arch, pool)).join('; ')}`;
  if (targets.length === 1 && group.length === 1 && pool.name(targets[0]!) === group[0]!.name) return text;
  const others = group.filter((relation) => pool.satisfying(relation, arch).length === 0).map((relation) => why(relation, arch, pool));
  const because = others.length === 0 ? '' : `, because ${others.join('; ')}`;
  return `${text}, which only ${inSentence(
    targets.map((each) => label(each, pool)),
    'or',
  )} can be${because}`;
}

function tellSeed(seed: Seed, targets: readonly number[], pool: Pool): string {
  const exact = targets.length === 1 && seed.request.trim().split(/[:=/]/)[0] === pool.name(targets[0]!);
  const choices = targets.map((each) => label(each, pool));
  return exact ? tellRequest(seed) : tellMeant(seed, choices);
}

/** ` (provides mail-transport-agent)` when a package is meant by what it provides. */
function through(solvable: number, group: readonly Relation[], pool: Pool): string {
  const name = pool.name(solvable);
  const relation = group.find((each) => each.name !== name && pool.provisions(solvable, each.name).length > 0);
  return group.some((each) => each.name === name) || relation === undefined ? '' : ` (it provides ${relation.name})`;
}

/** Why nothing satisfies an alternative. */
function why(relation: Relation, arch: string, pool: Pool): string {
  const { name } = relation;
  const other = notOffered(relation, arch, pool)[0];
  const offered = pool.offered(name, arch)[0] ?? pool.offeredAnywhere(name)[0];
  if (other !== undefined && offered !== undefined) {
    const [pinner] = pool.pinnersOf(name, pool.archOf(other));
    if (pinner !== undefined) return `${label(other, pool)} of ${pool.repository(other).id} is not taken, because ${tellRequest(pinner)}`;
    return `${label(other, pool)} of ${pool.repository(other).id} is not taken, because ${label(offered, pool)} of ${pool.repository(offered).id} comes first`;
  }
  if (offered !== undefined && satisfied(relation, offered, pool)) {
    return `${label(offered, pool)} is of ${pool.archOf(offered)} and serves packages of that architecture only`;
  }
  const kept = withheldFor(relation, arch, pool)[0];
  if (kept !== undefined) return tellWithheld(kept);
  if (offered !== undefined) return `${pool.title(offered)} is ${pool.version(offered)} (${pool.repository(offered).id})`;
  const provider = pool.providers(name)[0];
  if (provider === undefined) {
    const successors = successorsOf(name, pool);
    if (successors.length === 0) return `no repository has ${name}`;
    return `no repository has ${name} any more; it is replaced by ${inSentence(successors, 'or')}`;
  }
  const version = provider.provisions.find((each) => each.version !== undefined)?.version;
  const provided = version === undefined ? 'without a version' : `as version ${version}`;
  return `${formatRelation({ ...relation, operator: undefined, version: undefined })} is only provided by ${label(provider.solvable, pool)}, ${provided}`;
}

/** Whether a package would do if it were of the right architecture. */
function satisfied(relation: Relation, solvable: number, pool: Pool): boolean {
  return pool.fits({ ...relation, qualifier: undefined }, solvable, pool.archOf(solvable));
}

function label(solvable: number, pool: Pool): string {
  return `${pool.title(solvable)} ${pool.version(solvable)}`;
}
