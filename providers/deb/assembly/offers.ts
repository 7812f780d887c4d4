import * as lists from './lists';
import { keyOf, nameOfRow } from './names';
import { SAME } from './package-index';
import { fieldOf, found, nameOfSolvable, Pool, UNSEEN } from './pool';
import * as relations from './relations';
import { endAt, valueStop } from './stanza';
import { isEqual } from './texts';
import { EQUAL } from './versions';

/** Which packages of a name may be chosen, and which provide a name. */

/**
 * The packages of a name and an architecture that are offered, where that is a question: a list.
 *
 * Imported as `offer` of the module `offers`.
 */
declare function offer(pool: u32, name: u32, place: u32): u32;

/**
 * The same packages in order of preference, of a list of providers: a list.
 *
 * Imported as `rank` of the module `offers`.
 */
declare function rank(pool: u32, list: u32): u32;

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

/** The next entry of a list of Provides, after so many, that has a name, and no version but an exact one: its place there + 1; 0 when there is none. */
export function nextProvision(list: u32, after: u32, name: u32): u32 {
  const size = lists.sizeOf(list);
  for (let at = after; at < size; at++) {
    const provision = relations.alternativeAt(lists.at(list, at), 0);
    if (relations.nameIn(provision) != name) continue;
    const operator = relations.operatorIn(provision);
    if (operator == 0 || operator == EQUAL) return at + 1;
  }
  return 0;
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
  const rowA = pool.rowOf(repositoryA, a);
  const rowB = pool.rowOf(repositoryB, b);
  if (pool.placeOf(repositoryA, rowA) == pool.placeOf(repositoryB, rowB)) return false;
  if (indexA.multiArch(rowA) != SAME || indexB.multiArch(rowB) != SAME) return false;
  const versionA = indexA.versionAt(rowA);
  const versionB = indexB.versionAt(rowB);
  endAt(indexA.versionsEnd());
  const length = valueStop(versionA) - versionA;
  endAt(indexB.versionsEnd());
  return valueStop(versionB) - versionB == length && isEqual(versionA, versionB, length);
}
