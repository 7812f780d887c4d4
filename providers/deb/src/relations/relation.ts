import { debError } from '../errors.js';
import type { RelationOperator } from './version.js';

/** One alternative of a relation field: `name[:qualifier] [(op version)] [[arch ...]] [<profile ...>]`. All members are always present. */
export interface Relation {
  readonly name: string;
  /** What follows the colon: `any`, `native` or a Debian architecture. */
  readonly qualifier: string | undefined;
  readonly operator: RelationOperator | undefined;
  /** Present exactly when `operator` is. */
  readonly version: string | undefined;
  /** Architecture restrictions as written (`amd64`, `!i386`); archives resolve them, so binary packages rarely have any. */
  readonly architectures: readonly string[];
  /** Build profile formulas as written, without the angle brackets; they concern source packages only. */
  readonly profiles: readonly string[];
}

/** Alternatives (`a | b`), in order of preference. */
export type RelationGroup = readonly Relation[];

/** A name that a package provides, with the version if it gives one. */
export interface Provided {
  readonly name: string;
  readonly qualifier: string | undefined;
  readonly version: string | undefined;
}

const NO_STRINGS: readonly string[] = Object.freeze([]);
/** The groups of a package that has no such field. */
export const NO_GROUPS: readonly RelationGroup[] = Object.freeze([]);
const NO_PROVIDED: readonly Provided[] = Object.freeze([]);

const USUAL_OPERATORS: ReadonlySet<string> = new Set(['<<', '<=', '=', '>=', '>>']);

const ALTERNATIVE =
  /^\s*([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([A-Za-z0-9][A-Za-z0-9-]*))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([A-Za-z0-9.+~:-]+)\s*\)\s*)?(?:\[([^\][]*)\]\s*)?((?:<[^<>]*>\s*)*)$/;

/** An empty group. A space that is none of ASCII's is a mistake. */
const BLANK = /^[\t-\r ]*$/;

/**
 * Parses a relation field (`Depends`, `Conflicts`, ...) into an AND of OR groups, both in the order in which they stand.
 * Empty groups, as a trailing comma makes them, are skipped.
 *
 * @throws `ICT_DEB_RELATION_INVALID` for anything that deb-control(5) does not allow.
 */
export function parseRelations(text: string): readonly RelationGroup[] {
  return new RelationTable().groups(text);
}

/**
 * Parses a `Provides` field. Only an exact version counts: an entry with another operator can satisfy nothing and is left out, as apt does.
 *
 * @throws `ICT_DEB_RELATION_INVALID` for text that is not a list of names.
 */
export function parseProvides(text: string): readonly Provided[] {
  const groups = parseRelations(text);
  if (groups.some(({ length }) => length !== 1)) throw invalid(text, 'it offers alternatives');
  return toProvided(groups);
}

/** What the groups of a `Provides` field, of one alternative each, provide. See {@link parseProvides}. */
export function toProvided(groups: readonly RelationGroup[]): readonly Provided[] {
  const provided: Provided[] = [];
  for (const [relation] of groups) {
    if (relation === undefined || (relation.operator !== undefined && relation.operator !== '=')) continue;
    provided.push({ name: relation.name, qualifier: relation.qualifier, version: relation.version });
  }
  return provided.length === 0 ? NO_PROVIDED : provided;
}

/**
 * Parses relation fields and remembers each group by its text. An archive repeats most groups (bookworm: 363,000 groups, 110,000
 * texts), so equal texts cost one parse and come back as the same array: its identity can serve as a key.
 */
export class RelationTable {
  readonly #groups = new Map<string, RelationGroup>();

  /** @throws `ICT_DEB_RELATION_INVALID`. See {@link parseRelations}. */
  groups(text: string): readonly RelationGroup[] {
    const groups: RelationGroup[] = [];
    let start = 0;
    while (start <= text.length) {
      const comma = text.indexOf(',', start);
      const end = comma < 0 ? text.length : comma;
      const entry = text.slice(start, end);
      const part = entry.trim();
      if (part !== '' || !BLANK.test(entry)) groups.push(this.group(part));
      start = end + 1;
    }
    return groups.length === 0 ? NO_GROUPS : groups;
  }

  /** One group of alternatives, such as `default-mta | mail-transport-agent`. */
  group(text: string): RelationGroup {
    const known = this.#groups.get(text);
    if (known !== undefined) return known;
    const group: RelationGroup = text.includes('|')
      ? text.split('|').map((part) => parseAlternative(part.trim(), text))
      : [parseAlternative(text, text)];
    this.#groups.set(text, group);
    return group;
  }
}

/** By character: 1 when a name may have it, 2 when it may also begin with it, 4 when a version may have it. */
const CHARACTERS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z0-9]/.test(character)) return 7;
  return (/[+._-]/.test(character) ? 1 : 0) + (/[.+~:-]/.test(character) ? 4 : 0);
});

/** True when all characters of `text[from..to)` are of a class, and there is one. */
function consistsOf(text: string, from: number, to: number, bit: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code >= CHARACTERS.length || (CHARACTERS[code] & bit) === 0) return false;
  }
  return from < to;
}

/** Reads the usual forms, `name` and `name (op version)`, in a fraction of the time; undefined for all others. */
function parseUsual(text: string): Relation | undefined {
  const space = text.indexOf(' ');
  const end = space < 0 ? text.length : space;
  if (!consistsOf(text, 0, 1, 2) || !consistsOf(text, 0, end, 1)) return undefined;
  if (space < 0) return nameOnly(text);
  const afterOperator = text.indexOf(' ', space + 1);
  if (afterOperator < 0 || text[space + 1] !== '(' || !text.endsWith(')')) return undefined;
  const operator = text.slice(space + 2, afterOperator);
  if (!USUAL_OPERATORS.has(operator) || !consistsOf(text, afterOperator + 1, text.length - 1, 4)) return undefined;
  return {
    name: text.slice(0, end),
    qualifier: undefined,
    operator: operatorOf(operator),
    version: text.slice(afterOperator + 1, -1),
    architectures: NO_STRINGS,
    profiles: NO_STRINGS,
  };
}

function parseAlternative(text: string, whole: string): Relation {
  const usual = parseUsual(text);
  if (usual !== undefined) return usual;
  const match = ALTERNATIVE.exec(text);
  if (match === null) throw invalid(whole, `"${text.trim()}" cannot be read`);
  const [, name = '', qualifier, operator, version, architectures, profiles = ''] = match;
  return {
    name,
    qualifier,
    operator: operatorOf(operator),
    version,
    architectures: architectures === undefined ? NO_STRINGS : words(architectures),
    profiles:
      profiles === ''
        ? NO_STRINGS
        : profiles
            .split('>')
            .map((part) => part.replace('<', '').trim())
            .filter((part) => part !== ''),
  };
}

function operatorOf(text: string | undefined): RelationOperator | undefined {
  if (text === '<') return '<=';
  if (text === '>') return '>=';
  return text as RelationOperator | undefined;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function invalid(text: string, why: string): Error {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return debError('ICT_DEB_RELATION_INVALID', {
    message: `the package relation "${shown}" is not valid: ${why}`,
    hint: 'The repository publishes a field that deb-control(5) does not allow; report it to the repository, or leave the package out.',
    facts: { relation: shown },
  });
}

/** The relation that a bare name is. */
export function nameOnly(name: string): Relation {
  return { name, qualifier: undefined, operator: undefined, version: undefined, architectures: NO_STRINGS, profiles: NO_STRINGS };
}

/** The relation as deb-control(5) writes it, for messages. */
export function formatRelation(relation: Relation): string {
  const name = relation.qualifier === undefined ? relation.name : `${relation.name}:${relation.qualifier}`;
  const version = relation.operator === undefined ? '' : ` (${relation.operator} ${relation.version})`;
  const architectures = relation.architectures.length === 0 ? '' : ` [${relation.architectures.join(' ')}]`;
  const profiles = relation.profiles.map((profile) => ` <${profile}>`).join('');
  return `${name}${version}${architectures}${profiles}`;
}

/** What a package provides, as deb-control(5) writes it: `awk`, `c++-compiler (= 14)`. */
export function formatProvided({ name, qualifier, version }: Provided): string {
  return formatRelation({ ...nameOnly(name), qualifier, operator: version === undefined ? undefined : '=', version });
}

/** The group with its alternatives, as deb-control(5) writes it: `a | b (>= 1)`. */
export function formatGroup(group: RelationGroup): string {
  return group.map(formatRelation).join(' | ');
}
