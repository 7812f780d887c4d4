/**
 * Searches for what satisfies clauses (`Search` of src/search.ts, which is the caller).
 *
 * This is AssemblyScript: TypeScript whose numbers are those of WebAssembly, and whose memory is managed by hand. The build compiles it into src/compiled, because a
 * process searches once, and JavaScript that runs once is mostly interpreted (docs/decisions/0199). Nothing of the standard library is used, and memory is never given
 * back: each search has an instance of the module, and what is noted is that of this one search.
 */
import { Numbers } from '../../assembly/assembly/columns';
import * as search from './search';

export { first, room } from './relation-table';
export { begin, run } from './search';

/** What was done, and pairs of where a column lies and how many numbers it has. */
const results: usize = memory.data(11 * 4, 4);

/** @returns where the numbers lie that `Results` of the caller reads. */
export function finish(): usize {
  store<u32>(results, search.solvables);
  store<u32>(results + 4, search.clauseCount());
  store<u32>(results + 8, search.decisions);
  store<u32>(results + 12, search.conflicts);
  store<u32>(results + 16, search.restarts);
  tell(results + 20, search.members);
  tell(results + 28, search.dropped);
  tell(results + 36, search.core);
  return results;
}

function tell(at: usize, column: Numbers): void {
  store<u32>(at, <u32>column.start);
  store<u32>(at + 4, column.length);
}
