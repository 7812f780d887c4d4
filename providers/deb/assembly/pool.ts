import { Notes, notes, Numbers, numbers, numbersAt } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';
import { nameOfRow } from './names';
import { Index } from './package-index';
import { UNREADABLE } from './relations';
import { listOf } from './stanzas';

/**
 * The packages of some indexes as the solver sees them, by numbers. With offers.ts and satisfaction.ts this is the walk from relations to packages that `Pool` of
 * src/resolve/resolve-pool.ts has done here. Where there is something to decide, the caller is asked.
 */

/**
 * Says that a relation field of a package cannot be read.
 *
 * Imported as `unreadable` of the module `pool`.
 */
declare function unreadable(pool: u32, solvable: u32, field: u32): void;

/** A place of an architecture that cannot be installed. */
export const UNSEEN: u32 = 0xffff_ffff;

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

  /** How many solvables there are. */
  count(): u32 {
    const last = this.indexes.length - 1;
    return this.indexes.length == 0 ? 0 : this.bases.at(last) + this.indexOf(last).starts.length;
  }

  /** The repository of a solvable. */
  repositoryOf(solvable: u32): u32 {
    let repository = this.indexes.length - 1;
    while (this.bases.at(repository) >= solvable) repository--;
    return repository;
  }

  /** The number of a solvable in the index of its repository. */
  rowOf(repository: u32, solvable: u32): u32 {
    return solvable - this.bases.at(repository) - 1;
  }

  /** Place of the architecture that a package counts for; {@link UNSEEN} where it may not be installed. */
  placeOf(repository: u32, row: u32): u32 {
    return load<u32>(<usize>this.seen.at(repository) + ((<usize>this.indexOf(repository).archs.at(row)) << 2));
  }
}

/** Packages that are being found: who adds any takes them away again, up to where it began. */
export let found!: Numbers;

export function begin(): void {
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
  const told = numbersAt(words, 3 * repositories + architectures);
  let count: u32 = 0;
  for (let at: u32 = 0; at < repositories; at++) {
    pool.indexes.push(told.at(3 * at));
    pool.seen.push(told.at(3 * at + 1));
    pool.questions.push(told.at(3 * at + 2));
    pool.bases.push(count);
    count += pool.indexOf(at).starts.length;
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

/** The groups that a relation field of a package has; {@link UNREADABLE} is told to the caller. */
export function fieldOf(pool: Pool, solvable: u32, field: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  const list = listOf(pool.indexOf(repository), pool.rowOf(repository, solvable), field);
  if (list == UNREADABLE) unreadable(pool.number, solvable, field);
  return list;
}

/** Place of the architecture that a solvable counts for. */
export function placeOfSolvable(pool: Pool, solvable: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  return pool.placeOf(repository, pool.rowOf(repository, solvable));
}

/** Number of the name that a solvable has. */
export function nameOfSolvable(pool: Pool, solvable: u32): u32 {
  const repository = pool.repositoryOf(solvable);
  return nameOfRow(pool.indexOf(repository), pool.rowOf(repository, solvable));
}
