import { decodeSections, encodeSections, lookupColumns, lookupSections, packageIndexError, TextHeap } from '@ict/package-index';
import type { Sections } from '@ict/package-index';
import type { IndexColumns, IndexDiagnostic } from './index-columns.js';
import { lookupsOf, WIDTH } from './index-columns.js';
import { columnOf, INDEXED_FIELDS, valueStart, valueStop } from './stanza-scan.js';

/** Raised when columns or their meaning change: INDEXED_FIELDS, flags, what counts as repeated. */
export const CONTAINER = { kind: 'deb-packages', version: 1 } as const;

/** Fields whose values are different for each package, so that looking for equal ones is in vain. */
const UNIQUE: ReadonlySet<number> = new Set([columnOf('package'), columnOf('filename'), columnOf('sha256'), columnOf('size')]);

/** The columns with their values only, each text once, in one container: about half of the index, and nothing to scan. */
export function encodeColumns({ bytes, fields, flags, diagnostics }: IndexColumns): Uint8Array {
  const heap = new TextHeap(Math.ceil(0.7 * bytes.length), 4 * flags.length);
  const moved = new Uint32Array(fields.length);
  for (let column = 0; column < WIDTH; column++) {
    const unique = UNIQUE.has(column);
    for (let at = column; at < fields.length; at += WIDTH) {
      if (fields[at] === 0) continue;
      const start = valueStart(bytes, fields[at]);
      const stop = valueStop(bytes, start);
      moved[at] = unique ? heap.append(bytes, start, stop) : heap.intern(bytes, start, stop);
    }
  }
  const { names, provides } = lookupsOf(heap.bytes, moved);
  return encodeSections(CONTAINER, {
    heap: heap.bytes,
    fields: moved,
    flags,
    diagnostics: Buffer.from(JSON.stringify(diagnostics), 'utf8'),
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
  const { heap, fields, flags, diagnostics } = sections as Partial<Sections>;
  if (
    !(heap instanceof Uint8Array && flags instanceof Uint8Array && diagnostics instanceof Uint8Array && fields instanceof Uint32Array) ||
    names === undefined ||
    provides === undefined ||
    fields.length !== flags.length * INDEXED_FIELDS.length
  ) {
    throw packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
      message: 'a cached package index cannot be used: its columns do not belong together',
      hint: 'Nothing is lost: the index of the repository is read again.',
    });
  }
  const text = Buffer.from(diagnostics.buffer, diagnostics.byteOffset, diagnostics.byteLength).toString('utf8');
  return { bytes: heap, fields, flags, names, provides, diagnostics: JSON.parse(text) as IndexDiagnostic[] };
}
