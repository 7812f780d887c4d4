import { Notes, notes, Numbers, numbers, numbersAt } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';
import { ALLOWED, FOREIGN, Index, SAME } from './package-index';
import * as lists from './lists';
import { keyOf, nameOfRow } from './names';
import * as relations from './relations';
import { listOf } from './stanzas';
import { endAt, valueStop } from './stanza';
import { isEqual } from './texts';
import { EQUAL, satisfies } from './versions';

/**
 * Which packages satisfy a relation, and which are excluded by one: the walk from names to packages that `Pool` of src/resolve/resolve-pool.ts has done here. Where there
 * is something to decide, the caller is asked: which packages of a name are offered, how providers of a name are ranked, what an earlier answer prefers.
 */

/**
 * The packages of a name and an architecture that are offered, where that is a question: a list.
 *
 * Imported as `offer` of the module `pool`.
 */
declare function offer(pool: u32, name: u32, place: u32): u32;

/**
 * The same packages in order of preference, of a list of providers: a list.
 *
 * Imported as `rank` of the module `pool`.
 */
declare function rank(pool: u32, list: u32): u32;

/**
 * The same packages, those of an earlier answer first: a list.
 *
 * Imported as `favour` of the module `pool`.
 */
declare function favour(pool: u32, list: u32): u32;

/**
 * What satisfies a group that has to be read, or what it excludes, for packages of an architecture: a list, or {@link ELSEWHERE}.
 *
 * Imported as `read` of the module `pool`.
 */
declare function read(pool: u32, group: u32, place: u32, excludes: bool): u32;

/**
 * Says that a relation field of a package cannot be read.
 *
 * Imported as `unreadable` of the module `pool`.
 */
declare function unreadable(pool: u32, solvable: u32, field: u32): void;

/** In place of a list: the group concerns other architectures only. */
export const ELSEWHERE: u32 = 1;

/** A place of an architecture that cannot be installed. */
const UNSEEN: u32 = 0xffff_ffff;

const EXPECTED: u32 = 4096;

/** The packages of some indexes as solvables, numbered from 1, and what was found of them. Each memory knows many. */
@unmanaged
export class Pool {
  /** By which the caller knows it. */
  number: u32;
  /** By repository: its index, the number of solvables before it, where its column `seen` lies, and whether each name of it is a question. */
  indexes: Numbers;
  bases: Numbers;
  seen: Numbers;
  questions: Numbers;
  count: u32;
  /** Number of the name + 1 that each architecture has, the native one first. */
  architectures: Numbers;
  /** Whether an earlier answer is preferred. */
  favours: bool;
  /** By name and architecture, by name, by group and architecture: lists. */
  offered: Notes;
  anywhere: Notes;
  providers: Notes;
  targets: Notes;
  excluded: Notes;

  indexOf(repository: u32): Index {
    return changetype<Index>(<usize>this.indexes.at(repository));
  }

  /** The repository of a solvable. */
  repositoryOf(solvable: u32): u32 {
    let repository = this.indexes.length - 1;
    while (this.bases.at(repository) >= solvable) repository--;
    return repository;
  }

  /** Place of the architecture that a package counts for; {@link UNSEEN} where it may not be installed. */
  placeOf(repository: u32, row: u32): u32 {
    return load<u32>(<usize>this.seen.at(repository) + ((<usize>this.indexOf(repository).archs.at(row)) << 2));
  }
}

/** Numbers of the names `any` and `native`, + 1, as qualifiers are noted. */
let any: u32 = 0;
let native: u32 = 0;
/** Packages that are being found. */
let found!: Numbers;

/** @param anyName number of the name `any`, @param nativeName of `native`. */
export function begin(anyName: u32, nativeName: u32): void {
  any = anyName + 1;
  native = nativeName + 1;
  found = numbers(EXPECTED);
}

/**
 * Makes a pool.
 *
 * @param words where the caller has written: for each repository its index, where its column of places of architectures lies, and whether each name of it is a question; then
 * for each architecture the number of its name.
 */
export function gather(number: u32, words: usize, repositories: u32, architectures: u32, favours: bool): Pool {
  const pool = changetype<Pool>(reserve(offsetof<Pool>()));
  pool.number = number;
  pool.indexes = numbers(repositories);
  pool.bases = numbers(repositories);
  pool.seen = numbers(repositories);
  pool.questions = numbers(repositories);
  pool.count = 0;
  const told = numbersAt(words, 3 * repositories + architectures);
  for (let at: u32 = 0; at < repositories; at++) {
    pool.indexes.push(told.at(3 * at));
    pool.seen.push(told.at(3 * at + 1));
    pool.questions.push(told.at(3 * at + 2));
    pool.bases.push(pool.count);
    pool.count += pool.indexOf(at).starts.length;
  }
  pool.architectures = numbers(architectures);
  for (let place: u32 = 0; place < architectures; place++) pool.architectures.push(told.at(3 * repositories + place) + 1);
  pool.favours = favours;
  pool.offered = notes(EXPECTED);
  pool.anywhere = notes(EXPECTED);
  pool.providers = notes(EXPECTED);
  pool.targets = notes(EXPECTED);
  pool.excluded = notes(EXPECTED);
  return pool;
}

/** Packages of a name and an architecture that may be chosen, the preferred one first. */
export function offered(pool: Pool, name: u32, place: u32): u32 {
  const key = name * pool.architectures.length + place;
  let list = pool.offered.at(key);
  if (list == 0) pool.offered.set(key, (list = findOffered(pool, name, place)));
  return list;
}

/** A name of which there is one package, and no repository keeps any to itself, has that. Anything else is a question. */
function findOffered(pool: Pool, name: u32, place: u32): u32 {
  const from = found.length;
  let isQuestion = false;
  for (let repository: u32 = 0; repository < pool.indexes.length; repository++) {
    const index = pool.indexOf(repository);
    const key = keyOf(index, name);
    if (key < 0) continue;
    const to = index.named.to(key);
    for (let at = index.named.from(key); at < to; at++) {
      const row = index.named.rows.at(at);
      if (pool.placeOf(repository, row) != place) continue;
      found.push(pool.bases.at(repository) + row + 1);
      if (pool.questions.at(repository) != 0) isQuestion = true;
    }
  }
  if (!isQuestion && found.length - from < 2) return lists.taken(found, from);
  found.length = from;
  return offer(pool.number, name, place);
}

/** Packages of a name that may be chosen, those of the native architecture first. */
export function anywhere(pool: Pool, name: u32): u32 {
  const architectures = pool.architectures.length;
  if (architectures == 1) return offered(pool, name, 0);
  let list = pool.anywhere.at(name);
  if (list != 0) return list;
  const from = found.length;
  for (let place: u32 = 0; place < architectures; place++) pushAll(offered(pool, name, place));
  list = lists.taken(found, from);
  pool.anywhere.set(name, list);
  return list;
}

function pushAll(list: u32): void {
  const size = lists.sizeOf(list);
  for (let at: u32 = 0; at < size; at++) found.push(lists.at(list, at));
}

/** Offered packages that provide a name, in order of preference. */
export function providers(pool: Pool, name: u32): u32 {
  let list = pool.providers.at(name);
  if (list == 0) pool.providers.set(name, (list = findProviders(pool, name)));
  return list;
}

function findProviders(pool: Pool, name: u32): u32 {
  const from = found.length;
  for (let repository: u32 = 0; repository < pool.indexes.length; repository++) {
    const index = pool.indexOf(repository);
    const key = keyOf(index, name);
    if (key < 0) continue;
    const to = index.provided.to(key);
    for (let at = index.provided.from(key); at < to; at++) {
      const row = index.provided.rows.at(at);
      const place = pool.placeOf(repository, row);
      if (place == UNSEEN) continue;
      const solvable = pool.bases.at(repository) + row + 1;
      if (!lists.has(offered(pool, nameOfRow(index, row), place), solvable)) continue;
      if (provides(pool, solvable, name)) found.push(solvable);
    }
  }
  const list = lists.taken(found, from);
  return lists.sizeOf(list) < 2 ? list : rank(pool.number, list);
}

/** Whether a package provides a name in a way that can satisfy anything. */
function provides(pool: Pool, solvable: u32, name: u32): bool {
  const list = fieldOf(pool, solvable, relations.PROVIDES);
  if (list == relations.UNREADABLE) return false;
  for (let at = nextProvision(list, 0, name); at != 0; at = nextProvision(list, at, name)) return true;
  return false;
}

/** The groups that a relation field of a package has; {@link relations.UNREADABLE} is told to the caller. */
export function fieldOf(pool: Pool, solvable: u32, field: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  const list = listOf(pool.indexOf(repository), solvable - pool.bases.at(repository) - 1, field);
  if (list == relations.UNREADABLE) unreadable(pool.number, solvable, field);
  return list;
}

/** The next entry of a list of Provides, after so many, that has a name, and no version but an exact one: its place there + 1; 0 when there is none. */
function nextProvision(list: u32, after: u32, name: u32): u32 {
  if (list == 0) return 0;
  const size = lists.sizeOf(list);
  for (let at = after; at < size; at++) {
    const provision = relations.alternativeAt(lists.at(list, at), 0);
    if (relations.nameIn(provision) != name) continue;
    const operator = relations.operatorIn(provision);
    if (operator == 0 || operator == EQUAL) return at + 1;
  }
  return 0;
}

/** What satisfies a group for packages of an architecture, in order of preference; {@link ELSEWHERE} when it does not concern them. */
export function targets(pool: Pool, group: u32, place: u32): u32 {
  const key = relations.keyOf(group) * pool.architectures.length + place;
  let list = pool.targets.at(key);
  if (list == 0) pool.targets.set(key, (list = findTargets(pool, group, place)));
  return list;
}

function findTargets(pool: Pool, group: u32, place: u32): u32 {
  const alternatives = relations.alternativesOf(group);
  if (alternatives == 0) return read(pool.number, group, place, false);
  const from = found.length;
  for (let at: u32 = 0; at < alternatives; at++) satisfy(pool, from, relations.alternativeAt(group, at), place);
  return preferred(pool, lists.taken(found, from));
}

function preferred(pool: Pool, list: u32): u32 {
  return pool.favours && lists.sizeOf(list) > 1 ? favour(pool.number, list) : list;
}

/** Finds what satisfies an alternative and is not among what was found since `from`: packages of the name, then those that provide it. */
function satisfy(pool: Pool, from: u32, alternative: usize, place: u32): void {
  const name = relations.nameIn(alternative);
  const qualifier = relations.qualifierIn(alternative);
  const before = found.length;
  const named = anywhere(pool, name);
  const namedSize = lists.sizeOf(named);
  for (let at: u32 = 0; at < namedSize; at++) {
    const solvable = lists.at(named, at);
    if (reaches(pool, qualifier, solvable, 0, place) && fits(pool, solvable, alternative)) note(from, before, solvable);
  }
  const real = found.length;
  const providing = providers(pool, name);
  const providingSize = lists.sizeOf(providing);
  for (let at: u32 = 0; at < providingSize; at++) {
    const solvable = lists.at(providing, at);
    const list = fieldOf(pool, solvable, relations.PROVIDES);
    for (let next = nextProvision(list, 0, name); next != 0; next = nextProvision(list, next, name)) {
      const provision = relations.alternativeAt(lists.at(list, next - 1), 0);
      if (!reaches(pool, qualifier, solvable, relations.qualifierIn(provision), place) || !isProvided(provision, alternative)) continue;
      note(from, real, solvable);
      break;
    }
  }
}

/** Notes a solvable that is not among those that were found at `[from, to)`: what a name leads to has each once. */
function note(from: u32, to: u32, solvable: u32): void {
  for (let at = from; at < to; at++) if (found.at(at) == solvable) return;
  found.push(solvable);
}

/** Whether the version of a package is one that an alternative asks for. */
function fits(pool: Pool, solvable: u32, alternative: usize): bool {
  if (relations.operatorIn(alternative) == 0) return true;
  const repository = pool.repositoryOf(solvable);
  const index = pool.indexOf(repository);
  const version = index.versionAt(solvable - pool.bases.at(repository) - 1);
  endAt(index.versionsEnd());
  return isAsked(alternative, version, valueStop(version));
}

/** The same for what a package provides. Without a version it satisfies no relation that has one. */
function isProvided(provision: usize, alternative: usize): bool {
  if (relations.operatorIn(alternative) == 0) return true;
  if (relations.operatorIn(provision) == 0) return false;
  const version = relations.versionIn(provision);
  return isAsked(alternative, version, version + relations.versionLengthIn(provision));
}

function isAsked(alternative: usize, version: usize, versionEnd: usize): bool {
  const wanted = relations.versionIn(alternative);
  return satisfies(version, versionEnd, relations.operatorIn(alternative), wanted, wanted + relations.versionLengthIn(alternative));
}

/**
 * Whether a relation of a package of an architecture means a package, as far as architectures go: `foreign` always will do where none is
 * named, `:any` needs `allowed`, anything else the same architecture.
 *
 * @param as architecture for which the package provides the name, when that is not its own, as qualifiers are noted; 0 for none.
 */
export function reaches(pool: Pool, qualifier: u32, solvable: u32, as: u32, place: u32): bool {
  const repository = pool.repositoryOf(solvable);
  const row = solvable - pool.bases.at(repository) - 1;
  const architectures = pool.architectures;
  const wanted = qualifier == 0 ? architectures.at(place) : qualifier == native ? architectures.at(0) : qualifier;
  const own = as != 0 ? as : architectures.at(pool.placeOf(repository, row));
  if (wanted == own) return true;
  if (qualifier != 0 && qualifier != any) return false;
  return pool.indexOf(repository).multiArch(row) == (qualifier == 0 ? FOREIGN : ALLOWED);
}

/** Offered packages that a group of `Conflicts` or `Breaks` excludes, of a package of an architecture. */
export function excluded(pool: Pool, group: u32, place: u32): u32 {
  const key = relations.keyOf(group) * pool.architectures.length + place;
  let list = pool.excluded.at(key);
  if (list == 0) pool.excluded.set(key, (list = findExcluded(pool, group, place)));
  return list;
}

function findExcluded(pool: Pool, group: u32, place: u32): u32 {
  const alternatives = relations.alternativesOf(group);
  if (alternatives == 0) return read(pool.number, group, place, true);
  const from = found.length;
  for (let at: u32 = 0; at < alternatives; at++) exclude(pool, from, relations.alternativeAt(group, at));
  return lists.taken(found, from);
}

/** Finds what one alternative of `Conflicts` or `Breaks` excludes: packages of every architecture, unless one is named, whatever their order. */
function exclude(pool: Pool, from: u32, alternative: usize): void {
  const name = relations.nameIn(alternative);
  const qualifier = relations.qualifierIn(alternative);
  const only = qualifier == any ? 0 : qualifier == native ? pool.architectures.at(0) : qualifier;
  const before = found.length;
  const named = anywhere(pool, name);
  const namedSize = lists.sizeOf(named);
  for (let at: u32 = 0; at < namedSize; at++) {
    const solvable = lists.at(named, at);
    if (isMeant(pool, solvable, only) && fits(pool, solvable, alternative)) note(from, before, solvable);
  }
  const real = found.length;
  const providing = providers(pool, name);
  const providingSize = lists.sizeOf(providing);
  for (let at: u32 = 0; at < providingSize; at++) {
    const solvable = lists.at(providing, at);
    if (!isMeant(pool, solvable, only)) continue;
    const list = fieldOf(pool, solvable, relations.PROVIDES);
    for (let next = nextProvision(list, 0, name); next != 0; next = nextProvision(list, next, name)) {
      if (!isProvided(relations.alternativeAt(lists.at(list, next - 1), 0), alternative)) continue;
      note(from, real, solvable);
      break;
    }
  }
}

function isMeant(pool: Pool, solvable: u32, only: u32): bool {
  return only == 0 || pool.architectures.at(placeOfSolvable(pool, solvable)) == only;
}

/** Place of the architecture that a solvable counts for. */
export function placeOfSolvable(pool: Pool, solvable: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  return pool.placeOf(repository, solvable - pool.bases.at(repository) - 1);
}

/** Number of the name that a solvable has. */
export function nameOfSolvable(pool: Pool, solvable: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  return nameOfRow(pool.indexOf(repository), solvable - pool.bases.at(repository) - 1);
}

/**
 * Offered packages of the same name that cannot be installed beside one: other versions, and other architectures unless both are
 * `Multi-Arch: same` and of one version. With itself among them when there are any.
 */
export function rivals(pool: Pool, solvable: u32): u32 {
  const all = anywhere(pool, nameOfSolvable(pool, solvable));
  const size = lists.sizeOf(all);
  if (size < 2) return lists.empty;
  const from = found.length;
  for (let at: u32 = 0; at < size; at++) {
    const other = lists.at(all, at);
    if (other == solvable || !isBeside(pool, other, solvable)) found.push(other);
  }
  if (found.length - from < 2) found.length = from;
  return lists.taken(found, from);
}

/** Whether two packages of a name can be installed together. */
function isBeside(pool: Pool, a: u32, b: u32): bool {
  const repositoryA = pool.repositoryOf(a);
  const repositoryB = pool.repositoryOf(b);
  const indexA = pool.indexOf(repositoryA);
  const indexB = pool.indexOf(repositoryB);
  const rowA = a - pool.bases.at(repositoryA) - 1;
  const rowB = b - pool.bases.at(repositoryB) - 1;
  if (pool.placeOf(repositoryA, rowA) == pool.placeOf(repositoryB, rowB)) return false;
  if (indexA.multiArch(rowA) != SAME || indexB.multiArch(rowB) != SAME) return false;
  const versionA = indexA.versionAt(rowA);
  const versionB = indexB.versionAt(rowB);
  endAt(indexA.versionsEnd());
  const length = valueStop(versionA) - versionA;
  endAt(indexB.versionsEnd());
  return valueStop(versionB) - versionB == length && isEqual(versionA, versionB, length);
}
