import { archiveError } from './errors.js';
import { field, malformedTar, size } from './tar-header.js';
import { paxSize, type PaxRecord } from './tar-pax.js';

/** A run of stored bytes of a sparse file; all between runs is zero. */
export interface SparseRun {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** How a sparse file's stored bytes spread over its real size. */
export interface SparseMap {
  readonly realSizeBytes: number;
  readonly runs: readonly SparseRun[];
}

/** What an extended header says of a sparse file. In version 1.0 the runs stand before the content. */
export interface PaxSparse {
  readonly name: Buffer | undefined;
  readonly realSizeBytes: number;
  readonly runs: readonly SparseRun[] | 'before-content';
}

const MAX_RUNS = 1_000_000;

/**
 * Reads the GNU.sparse keys of an extended header: formats 0.0, 0.1 and 1.0.
 *
 * @returns undefined when there are none.
 * @throws `ICT_ARCHIVE_TAR_UNSUPPORTED` for a later version, `ICT_ARCHIVE_TAR_HEADER` for bad values.
 * @see GNU tar manual, "Storing Sparse Files"
 */
export function readPaxSparse(records: readonly PaxRecord[], at: number): PaxSparse | undefined {
  const found = records.filter(({ key }) => key.startsWith('GNU.sparse.'));
  if (found.length === 0) return undefined;
  const last = (key: string): PaxRecord | undefined => found.findLast((record) => record.key === `GNU.sparse.${key}`);
  const name = last('name')?.value;
  const real = last('realsize') ?? last('size');
  if (real === undefined) throw malformedTar(at, 'a sparse file has no size');
  const realSizeBytes = paxSize(real, at);
  const major = last('major')?.value.toString('latin1');
  if (major !== undefined) {
    const version = `${major}.${last('minor')?.value.toString('latin1') ?? ''}`;
    if (version === '1.0') return { name, realSizeBytes, runs: 'before-content' };
    if (major !== '0') {
      throw archiveError('ICT_ARCHIVE_TAR_UNSUPPORTED', {
        message: `The tar archive has a sparse file of version ${version.slice(0, 40)}, which is not known`,
        hint: 'Pack the archive without --sparse.',
        facts: { offset: at, version: version.slice(0, 40) },
      });
    }
  }
  const map = last('map');
  const numbers =
    map !== undefined
      ? map.value
          .toString('latin1')
          .split(',')
          .filter((text) => text !== '')
          .map((text) => paxSize({ key: map.key, value: Buffer.from(text) }, at))
      : interleaved(found, at);
  return { name, realSizeBytes, runs: pairs(numbers, at) };
}

/** Reads the run table that old GNU sparse members (type `S`) keep in their header block. `extended` says that blocks follow. */
export function readOldSparse(block: Buffer, at: number): { runs: SparseRun[]; extended: boolean; realSizeBytes: number } {
  return { runs: runTable(block, 386, 4, at), extended: block[482] !== 0, realSizeBytes: size(block, 483, 12, at) };
}

/** Reads one block of further runs of an old GNU sparse member. */
export function readOldSparseExtension(block: Buffer, at: number): { runs: SparseRun[]; extended: boolean } {
  return { runs: runTable(block, 0, 21, at), extended: block[504] !== 0 };
}

/**
 * Reads the decimal lines before the content of a version 1.0 sparse file: the count of runs, then offset and size of each.
 *
 * @param nextBlock gives the next block of the stored bytes.
 */
export async function readLeadingRuns(nextBlock: () => Promise<Buffer>, at: number): Promise<SparseRun[]> {
  let digits = '';
  let expected: number | undefined;
  const numbers: number[] = [];
  for (;;) {
    const block = await nextBlock();
    for (const byte of block) {
      if (byte !== 0x0a) {
        if (byte < 0x30 || byte > 0x39 || digits.length >= 16) throw malformedTar(at, 'the map of a sparse file is not decimal');
        digits += String.fromCharCode(byte);
        continue;
      }
      const value = paxSize({ key: 'the sparse map', value: Buffer.from(digits) }, at);
      digits = '';
      if (expected === undefined) {
        if (value > MAX_RUNS) throw malformedTar(at, 'a sparse file has too many parts');
        expected = value * 2;
      } else {
        numbers.push(value);
      }
      if (numbers.length === expected) return pairs(numbers, at);
    }
  }
}

/**
 * Checks that the runs ascend, do not overlap, lie within the real size and use exactly the stored bytes.
 *
 * @throws `ICT_ARCHIVE_TAR_HEADER`
 */
export function checkSparse(map: SparseMap, storedBytes: number, at: number): SparseMap {
  let end = 0;
  let stored = 0;
  for (const run of map.runs) {
    if (run.offset < end || run.sizeBytes > map.realSizeBytes - run.offset)
      throw malformedTar(at, 'the parts of a sparse file overlap or leave it');
    end = run.offset + run.sizeBytes;
    stored += run.sizeBytes;
  }
  if (stored !== storedBytes) throw malformedTar(at, 'the parts of a sparse file do not add up to what is stored');
  return map;
}

function runTable(block: Buffer, start: number, count: number, at: number): SparseRun[] {
  const runs: SparseRun[] = [];
  for (let index = 0; index < count; index++) {
    const from = start + index * 24;
    // An unused slot ends the table.
    if (field(block, from + 12, 12).length === 0 && block[from + 12] === 0) break;
    runs.push({ offset: size(block, from, 12, at), sizeBytes: size(block, from + 12, 12, at) });
  }
  return runs;
}

function interleaved(records: readonly PaxRecord[], at: number): number[] {
  const numbers: number[] = [];
  for (const record of records) {
    const slot = record.key === 'GNU.sparse.offset' ? 0 : record.key === 'GNU.sparse.numbytes' ? 1 : undefined;
    if (slot === undefined) continue;
    if (numbers.length % 2 !== slot) throw malformedTar(at, 'the parts of a sparse file are out of order');
    numbers.push(paxSize(record, at));
  }
  return numbers;
}

function pairs(numbers: readonly number[], at: number): SparseRun[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * MAX_RUNS)
    throw malformedTar(at, 'the map of a sparse file is incomplete or too long');
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2) runs.push({ offset: numbers[index] ?? 0, sizeBytes: numbers[index + 1] ?? 0 });
  return runs;
}
