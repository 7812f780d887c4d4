import { decodeSections, encodeSections, lookupColumns, lookupSections, packageIndexError, TextHeap } from '@ict/package-index';
import type { Sections } from '@ict/package-index';
import type { IndexColumns } from './index-columns.js';
import { lookupsOf, WIDTH } from './index-columns.js';
import { readRelations, relationColumns } from './relation-columns.js';
import { columnOf, INDEXED_FIELDS, valueStart, valueStop } from './stanza-scan.js';

/** Raised when columns or their meaning change: INDEXED_FIELDS, flags, what counts as repeated. */
export const CONTAINER = { kind: 'deb-packages', version: 4 } as const;

/** Fields whose values are different for each package, so that looking for equal ones is in vain. */
const UNIQUE: ReadonlySet<number> = new Set([columnOf('package'), columnOf('filename'), columnOf('sha256'), columnOf('size')]);

/** What is no column of numbers. */
type Told = Pick<IndexColumns, 'architectures' | 'diagnostics'>;

/**
 * The columns with their values only, each text once, in one container: about half of the index, and nothing to scan. The values of a package lie
 * together, because the text is walked through once for that, and what is asked of a package is found in few places.
 */
export function encodeColumns({ bytes, fields, flags, archs, architectures, diagnostics }: IndexColumns): Uint8Array<ArrayBuffer> {
  const heap = new TextHeap(Math.ceil(0.7 * bytes.length), 4 * flags.length);
  const moved = new Uint32Array(fields.length);
  const unique = Uint8Array.from({ length: WIDTH }, (_, column) => (UNIQUE.has(column) ? 1 : 0));
  for (let row = 0; row < fields.length; row += WIDTH) {
    for (let column = 0; column < WIDTH; column++) {
      const from = fields[row + column];
      if (from === 0) continue;
      const start = valueStart(bytes, from);
      const stop = valueStop(bytes, start);
      moved[row + column] = unique[column] === 1 ? heap.append(bytes, start, stop) : heap.intern(bytes, start, stop);
    }
  }
  const { names, provides } = lookupsOf(heap.bytes, moved);
  return encodeSections(CONTAINER, {
    heap: heap.bytes,
    fields: moved,
    flags,
    archs,
    told: Buffer.from(JSON.stringify({ architectures, diagnostics } satisfies Told), 'utf8'),
    ...readRelations(heap.bytes, moved, WIDTH),
    ...lookupSections('names', names),
    ...lookupSections('provides', provides),
  });
}

/**
 * The other way. The container must be known to be one that {@link encodeColumns} made.
 *
 * @throws `ICT_PACKAGE_INDEX_INVALID`.
 */
export function decodeColumns(container: Uint8Array): IndexColumns {
  const sections = decodeSections(CONTAINER, container);
  const names = lookupColumns('names', sections);
  const provides = lookupColumns('provides', sections);
  const { heap, fields, flags, archs, told } = sections as Partial<Sections>;
  const relations = flags && relationColumns(sections, flags.length);
  if (
    !(heap instanceof Uint8Array && flags instanceof Uint8Array && told instanceof Uint8Array) ||
    !(fields instanceof Uint32Array && archs instanceof Uint32Array) ||
    relations === undefined ||
    names === undefined ||
    provides === undefined ||
    fields.length !== flags.length * INDEXED_FIELDS.length ||
    archs.length !== flags.length
  ) {
    throw packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
      message: 'a cached package index cannot be used: its columns do not belong together',
      hint: 'Nothing is lost: the index of the repository is read again.',
    });
  }
  const text = Buffer.from(told.buffer, told.byteOffset, told.byteLength).toString('utf8');
  return { bytes: heap, fields, flags, archs, relations, names, provides, ...(JSON.parse(text) as Told) };
}
