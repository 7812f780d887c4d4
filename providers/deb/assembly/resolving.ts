/**
 * Reads the packages of some indexes that somebody asks about, and walks from one to those that satisfy its relations (`IndexStore` of src/metadata/index-store.ts and
 * `Pool` of src/resolve/resolve-pool.ts are the callers).
 *
 * This is AssemblyScript: TypeScript whose numbers are those of WebAssembly, and whose memory is managed by hand. The build compiles it into src/compiled, because what is
 * done here runs once in a process, and JavaScript that runs once is mostly interpreted (docs/decisions/0199). Nothing of the standard library is used, and memory is
 * never given back: what is noted is that of the indexes of one instance, which go with it.
 */
import { reserve } from '../../../packages/assembly/assembly/memory';
import * as clauses from './clauses';
import * as fields from './fields';
import * as lists from './lists';
import * as names from './names';
import * as pools from './pool';
import * as relations from './relations';

export { BROKEN, clausesOf, clauseReasons, clauseWords, RIVALS } from './clauses';
export { enlist, forget } from './package-index';
export { empty, listFor } from './lists';
export { relate } from './members';
export { nameLength, nameOf, nameText } from './names';
export { anywhere, offered, providers } from './offers';
export { gather } from './pool';
export { groupOf, groupTexts, nameBytes, versionBytes } from './relations';
export { begin as beginQualifiers, ELSEWHERE, excluded, reaches, targets } from './satisfaction';
export { listOf, valueEnd, valueOf } from './stanzas';

/**
 * @param fieldNames names of fields in lower case, each ended by a newline; their order is that of columns.
 * @param required how many of them, from the first, a stanza must have.
 * @param relationColumns where the column of each relation field lies.
 */
export function begin(fieldNames: usize, length: usize, required: u32, relationColumns: usize): void {
  fields.begin(fieldNames, length, required);
  lists.begin();
  names.begin();
  relations.begin(relationColumns);
  pools.begin();
  clauses.begin();
}

/** Memory for the caller, which stays his. */
export function room(sizeBytes: usize): usize {
  return reserve(sizeBytes);
}
