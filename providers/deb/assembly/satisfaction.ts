import { Notes } from '../../../packages/assembly/assembly/columns';
import * as lists from './lists';
import { anywhere, nextProvision, providers } from './offers';
import { ALLOWED, FOREIGN } from './package-index';
import { fieldOf, found, placeOfSolvable, Pool } from './pool';
import * as relations from './relations';
import { endAt, valueStop } from './stanza';
import { satisfies } from './versions';

/** Which packages satisfy a group of relations, and which are excluded by one. */

/**
 * The same packages, those of an earlier answer first: a list.
 *
 * Imported as `favour` of the module `satisfaction`.
 */
declare function favour(pool: u32, list: u32): u32;

/**
 * What satisfies a group that has to be read, or what it excludes, for packages of an architecture: a list, or {@link ELSEWHERE}.
 *
 * Imported as `read` of the module `satisfaction`.
 */
declare function read(pool: u32, group: u32, place: u32, excludes: bool): u32;

/** In place of a list: the group concerns other architectures only. */
export const ELSEWHERE: u32 = 1;

/** Numbers of the names `any` and `native`, + 1, as qualifiers are noted. */
let any: u32 = 0;
let native: u32 = 0;

/** @param anyName number of the name `any`, @param nativeName of `native`. */
export function begin(anyName: u32, nativeName: u32): void {
  any = anyName + 1;
  native = nativeName + 1;
}

/** What satisfies a group for packages of an architecture, in order of preference; {@link ELSEWHERE} when it does not concern them. */
export function targets(pool: Pool, group: u32, place: u32): u32 {
  return known(pool, pool.targets, group, place, false);
}

/** Offered packages that a group of `Conflicts` or `Breaks` of a package of an architecture excludes, whatever their order. */
export function excluded(pool: Pool, group: u32, place: u32): u32 {
  return known(pool, pool.excluded, group, place, true);
}

function known(pool: Pool, noted: Notes, group: u32, place: u32, excludes: bool): u32 {
  const key = relations.keyOf(group) * pool.architectures.length + place;
  let list = noted.at(key);
  if (list == 0) noted.set(key, (list = findMeant(pool, group, place, excludes)));
  return list;
}

function findMeant(pool: Pool, group: u32, place: u32, excludes: bool): u32 {
  const alternatives = relations.alternativesOf(group);
  if (alternatives == 0) return read(pool.number, group, place, excludes);
  const from = found.length;
  for (let at: u32 = 0; at < alternatives; at++) addMeant(pool, from, relations.alternativeAt(group, at), place, excludes);
  const list = lists.taken(found, from);
  return pool.favours && !excludes && lists.sizeOf(list) > 1 ? favour(pool.number, list) : list;
}

/** Finds what an alternative means and is not among what was found since `from`: packages of the name, then those that provide it. */
function addMeant(pool: Pool, from: u32, alternative: usize, place: u32, excludes: bool): void {
  const name = relations.nameIn(alternative);
  const qualifier = relations.qualifierIn(alternative);
  const before = found.length;
  const named = anywhere(pool, name);
  const namedSize = lists.sizeOf(named);
  for (let at: u32 = 0; at < namedSize; at++) {
    const solvable = lists.at(named, at);
    const isMeant = excludes ? strikes(pool, qualifier, solvable) : reaches(pool, qualifier, solvable, 0, place);
    if (isMeant && fits(pool, solvable, alternative)) note(from, before, solvable);
  }
  const real = found.length;
  const providing = providers(pool, name);
  const providingSize = lists.sizeOf(providing);
  for (let at: u32 = 0; at < providingSize; at++) {
    const solvable = lists.at(providing, at);
    const list = fieldOf(pool, solvable, relations.PROVIDES);
    for (let next = nextProvision(list, 0, name); next != 0; next = nextProvision(list, next, name)) {
      const provision = relations.alternativeAt(lists.at(list, next - 1), 0);
      const as = relations.qualifierIn(provision);
      const isMeant = excludes ? strikes(pool, qualifier, solvable) : reaches(pool, qualifier, solvable, as, place);
      if (!isMeant || !isProvided(provision, alternative)) continue;
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
  const version = index.versionAt(pool.rowOf(repository, solvable));
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
  const row = pool.rowOf(repository, solvable);
  const architectures = pool.architectures;
  const wanted = qualifier == 0 ? architectures.at(place) : qualifier == native ? architectures.at(0) : qualifier;
  const own = as != 0 ? as : architectures.at(pool.placeOf(repository, row));
  if (wanted == own) return true;
  if (qualifier != 0 && qualifier != any) return false;
  return pool.indexOf(repository).multiArch(row) == (qualifier == 0 ? FOREIGN : ALLOWED);
}

/** Whether `Conflicts` or `Breaks` mean a package, as far as architectures go: of every architecture, unless one is named. */
function strikes(pool: Pool, qualifier: u32, solvable: u32): bool {
  if (qualifier == 0 || qualifier == any) return true;
  return pool.architectures.at(placeOfSolvable(pool, solvable)) == (qualifier == native ? pool.architectures.at(0) : qualifier);
}
