import { inSentence, tellMeant, tellRepairs, tellRequest } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { tellingOrder } from '@ict/solver';
import type { OwnedClause } from '@ict/solver';
import { compareEvr, formatEvr } from '../relations/evr.js';
import { formatRelation } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { Clauses, Reason, UnreadableDependency } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import { label, tellWithheld, withheldOf } from './resolve-withheld.js';
import { isRich, relationsIn } from '../relations/rich.js';
import { rpmlibFeature } from '../relations/rpmlib.js';
import type { RelationKind } from '../package/tags.js';

type CoreClause = OwnedClause<Reason>;

const VERBS: Readonly<Record<string, string>> = {
  requires: 'needs',
  conflicts: 'conflicts with',
  obsoletes: 'replaces',
  recommends: 'recommends',
  supplements: 'comes with',
};

/** What the fields are called in spec files. */
const FIELDS: Readonly<Partial<Record<RelationKind, string>>> = {
  ...{ requires: 'Requires', conflicts: 'Conflicts' },
  ...{ recommends: 'Recommends', suggests: 'Suggests' },
};

/**
 * Tells a contradiction in the user's words: who asked for what, who needs what, and which packages exclude each other or what is missing,
 * one step a line.
 *
 * @param repairs what would mend it, the best first.
 */
export function explainContradiction(core: readonly CoreClause[], repairs: readonly string[], pool: Pool, clauses: Clauses): Problem {
  const seeds = seedsOf(core);
  const position = seeds.find((seed) => seed.position !== undefined && seed.byDefault !== true)?.position;
  return {
    code: 'ICT_RPM_UNSATISFIABLE',
    message: summarise(seeds, core, pool, clauses),
    hint: tellRepairs(repairs),
    ...(position === undefined ? {} : { position }),
    because: [...new Set(tellingOrder(core).map((clause) => tell(clause, pool, clauses)))],
  };
}

/** Seeds that take part in a contradiction, in order, each once. */
export function seedsOf(core: readonly CoreClause[]): Seed[] {
  return [...new Set(core.flatMap(({ reason }) => (reason.kind === 'seed' ? [reason.seed] : [])))];
}

/** The needs of a contradiction that nothing satisfies, and whose they are. */
export function missingIn(
  core: readonly CoreClause[],
): readonly { readonly by: number; readonly field: RelationKind; readonly relation: Relation }[] {
  return core.flatMap(({ by, kind, targets, reason }) =>
    kind === 'requires' && targets.length === 0 && reason.kind === 'relation'
      ? [{ by, field: reason.field, relation: reason.relation }]
      : [],
  );
}

/** The relations that a dependency is made of: itself, or those inside of a boolean one; none of one that is not followed. */
export function partsOf(relation: Relation, clauses: Clauses, field: RelationKind): readonly Relation[] {
  if (!isRich(relation.name)) return [relation];
  const rich = clauses.clausesOfRich(relation.name, field !== 'conflicts') === undefined ? undefined : clauses.parsed(relation.name);
  return rich === undefined ? [] : relationsIn(rich);
}

function summarise(seeds: readonly Seed[], core: readonly CoreClause[], pool: Pool, clauses: Clauses): string {
  const names = inSentence([...new Set(seeds.map(({ request }) => `"${request}"`))], 'and');
  const [missing] = missingIn(core);
  if (missing === undefined) {
    return seeds.length > 1 ? `${names} cannot be installed together` : `${names} cannot be installed: what it needs excludes itself`;
  }
  const { by, field, relation } = missing;
  if (partsOf(relation, clauses, field).length === 0)
    return `${names} cannot be installed: ${tellUnreadable(by, relation, field, pool, clauses)}`;
  return `${names} cannot be installed: ${label(by, pool)} needs ${formatRelation(relation)}, which cannot be had`;
}

function tell({ by, kind, targets, reason, when }: CoreClause, pool: Pool, clauses: Clauses): string {
  const names = targets.map((target) => label(target, pool));
  if (reason.kind === 'seed') {
    const exact = targets.length === 1 && isCalled(reason.seed.request, targets[0]!, pool);
    return exact ? tellRequest(reason.seed) : tellMeant(reason.seed, names);
  }
  if (reason.kind === 'one-version') return tellRivals([by, ...targets.filter((target) => target !== by)], pool);
  const { field, relation } = reason;
  if (partsOf(relation, clauses, field).length === 0) return tellUnreadable(by, relation, field, pool, clauses);
  const text = `${label(by, pool)} ${VERBS[field] ?? field} ${formatRelation(relation)}`;
  const beside = when === undefined ? '' : ` beside ${inSentence(when.map((each) => label(each, pool)), 'and')}`; // prettier-ignore
  if (kind === 'conflicts') {
    const through = (target: number): string =>
      pool.name(target) === relation.name || isRich(relation.name) || field === 'obsoletes' ? '' : ` (it provides ${relation.name})`;
    return `${text}${beside}, and that is ${inSentence(
      targets.map((target) => `${label(target, pool)}${through(target)}`),
      'and',
    )}`;
  }
  if (targets.length === 0) {
    const reasons = partsOf(relation, clauses, field)
      .filter((part) => pool.satisfying(part).length === 0)
      .map((part) => whyNot(part, pool));
    return `${text}${beside}, but ${reasons.length === 0 ? 'no package is all of that' : reasons.join('; ')}`;
  }
  if (targets.length === 1 && pool.name(targets[0]!) === relation.name) return text;
  return `${text}${beside}, which only ${inSentence(names, 'or')} can be`;
}

/** Whether a request gives a package by its name, whatever else it says of it. */
function isCalled(request: string, solvable: number, pool: Pool): boolean {
  const { name, arch } = pool.package(solvable);
  const [asked] = request.trim().split(/[=/]/);
  return asked === name || asked === `${name}.${arch}`;
}

function tellRivals(rivals: readonly number[], pool: Pool): string {
  const packages = rivals.map((each) => pool.package(each));
  const [first] = packages as [(typeof packages)[0]];
  const isOne = packages.every(({ arch }) => arch === first.arch);
  const isSame = packages.every(({ evr }) => compareEvr(evr, first.evr) === 0);
  const what = isOne ? 'version' : isSame ? 'architecture' : 'version on all architectures';
  const versions = rivals.map((each, at) => (isOne ? formatEvr(packages[at]!.evr) : label(each, pool)));
  return `only one ${what} of ${first.name} can be installed: ${inSentence(versions, 'or')}`;
}

function tellUnreadable(by: number, relation: Relation, field: RelationKind, pool: Pool, clauses: Clauses): string {
  const isTooComplex = clauses.isTooComplex(relation.name, field !== 'conflicts');
  return `${label(by, pool)} of ${pool.repository(by).id} cannot be used: ${unreadableField({ field, relation, isTooComplex })}`;
}

function unreadableField({ field, relation, isTooComplex }: Omit<UnreadableDependency, 'solvable'>): string {
  return `its ${FIELDS[field] ?? field} "${relation.name}" ${isTooComplex ? 'is too complex' : 'is not valid'}`;
}

/** Names the dependencies that cannot be read, of packages that were looked at: no package with such a need is taken. */
export function warnOfUnreadable(unreadable: Iterable<UnreadableDependency>, pool: Pool): Problem[] {
  return Array.from(unreadable, ({ field, solvable, ...rest }) => ({
    code: 'ICT_RPM_RELATION_INVALID',
    message: `repository "${pool.repository(solvable).id}": ${label(solvable, pool)}: ${unreadableField({ field, ...rest })}`,
    hint: `${field === 'requires' || field === 'conflicts' ? 'The package is not used' : 'Nothing is followed for it'}; report it to the repository.`,
    because: [],
  }));
}

/** Why nothing satisfies a relation. */
function whyNot(relation: Relation, pool: Pool): string {
  const { name } = relation;
  if (rpmlibFeature(name) === false) return 'that is a feature of rpm that is not known here';
  const kept = withheldOf(name, pool).find(({ solvable }) => pool.satisfies(solvable, relation));
  if (kept !== undefined) return tellWithheld(kept, pool);
  if (name.startsWith('/')) return 'no repository has a package with that file';
  const [offered] = pool.all(name);
  if (offered !== undefined) return `${name} is ${formatEvr(pool.package(offered).evr)} (${pool.repository(offered).id})`;
  const [provider] = pool.satisfying({ name, sense: 0, evr: undefined });
  if (provider !== undefined) {
    const versions = (pool.package(provider).relations.provides ?? []).filter((each) => each.name === name && each.evr !== undefined);
    return `${name} is only provided by ${label(provider, pool)}, as version ${inSentence(
      versions.map(({ evr }) => formatEvr(evr!)),
      'and',
    )}`;
  }
  const elsewhere = pool.missedBy(name).find((each) => pool.package(each).arch !== 'src' && pool.satisfies(each, relation));
  if (elsewhere !== undefined) return `${label(elsewhere, pool)} of ${pool.repository(elsewhere).id} is for another architecture`;
  const replacing = pool.replacing(name);
  if (replacing.length > 0) return `no repository has ${name} any more; it is replaced by ${inSentence(replacing, 'or')}`;
  return `no repository has ${name}`;
}
