import { decodeSections, encodeSections, lookupColumns, lookupSections, packageIndexError } from '@ict/package-index';
import type { Sections } from '@ict/package-index';
import type { IndexDirectory } from './index-directory.js';

/** Raised when columns or their meaning change: flags, what counts as a name, what as repeated. */
export const CONTAINER = { kind: 'deb-packages', version: 6 } as const;

/** What is no column of numbers. */
type Told = Pick<IndexDirectory, 'architectures' | 'diagnostics'>;

/** A directory in one container: about a tenth of the text that it is of. */
export function encodeDirectory(directory: IndexDirectory): Uint8Array<ArrayBuffer> {
  const { starts, stops, keys, versions, versionTexts, flags, archs, architectures, words, names, provides, diagnostics } = directory;
  return encodeSections(CONTAINER, {
    starts,
    stops,
    keys,
    versions,
    versionTexts,
    flags,
    archs,
    words,
    told: Buffer.from(JSON.stringify({ architectures, diagnostics } satisfies Told), 'utf8'),
    ...lookupSections('names', names),
    provideEnds: provides.ends,
    provideRows: provides.rows,
  });
}

/**
 * The other way. The container must be known to be one that {@link encodeDirectory} made.
 *
 * @throws `ICT_PACKAGE_INDEX_INVALID`.
 */
export function decodeDirectory(container: Uint8Array): IndexDirectory {
  const sections = decodeSections(CONTAINER, container);
  const names = lookupColumns('names', sections);
  const { starts, stops, keys, versions, versionTexts, flags, archs, words, told, provideEnds, provideRows } =
    sections as Partial<Sections>;
  if (
    !(flags instanceof Uint8Array && words instanceof Uint8Array && versionTexts instanceof Uint8Array && told instanceof Uint8Array) ||
    !(
      versions instanceof Uint32Array &&
      starts instanceof Uint32Array &&
      stops instanceof Uint32Array &&
      keys instanceof Uint32Array &&
      archs instanceof Uint32Array
    ) ||
    !(provideEnds instanceof Uint32Array && provideRows instanceof Uint32Array) ||
    names === undefined ||
    [stops, keys, versions, flags, archs].some(({ length }) => length !== starts.length) ||
    [names.lengths, names.ends, provideEnds].some(({ length }) => length !== names.starts.length) ||
    (provideEnds.at(-1) ?? 0) !== provideRows.length
  ) {
    throw packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
      message: 'a cached package index cannot be used: its columns do not belong together',
      hint: 'Nothing is lost: the index of the repository is read again.',
    });
  }
  const text = Buffer.from(told.buffer, told.byteOffset, told.byteLength).toString('utf8');
  const provides = { ...names, ends: provideEnds, rows: provideRows };
  return { starts, stops, keys, versions, versionTexts, flags, archs, words, names, provides, ...(JSON.parse(text) as Told) };
}
