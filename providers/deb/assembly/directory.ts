/**
 * Makes the directory of a `Packages` text (`IndexDirectory` of src/metadata/index-directory.ts) while the text comes by: finds stanzas and the fields that a
 * directory needs, numbers names, versions and architectures, and notes flags.
 *
 * This is AssemblyScript: TypeScript whose numbers are those of WebAssembly, and whose memory is managed by hand. The build compiles it into src/compiled, because a
 * process reads a text once, and JavaScript that runs once is mostly interpreted (docs/decisions/0199). The caller is src/metadata/directory-reader.ts, which has what is rare: what is said of a stanza that is left out.
 *
 * The text is read into a window of the memory, at `begin`, and taken by `read`. Nothing of the standard library is used, and memory is never given back:
 * each text has an instance of the module.
 */
import { Bytes, bytes, Numbers, numbers, zeros } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';
import * as repeated from './repeated';
import * as stanza from './stanza';
import { isEqual, Keys, keys as keysOf } from './texts';
import { multiArch, priority, yesOrNo } from './values';

/**
 * Takes a stanza `[start, stop)` that is left out, at `offset` of the text. It is broken or lacks something, and `firstStop` is 0; or it is of a package that the
 * stanza `[firstStart, firstStop)` of the text is of, too.
 *
 * Imported as `leftOut` of the module `directory`.
 */
declare function leftOut(start: usize, stop: usize, offset: u32, firstStart: u32, firstStop: u32): void;

const NEWLINE: u8 = 0x0a;
const COMMA: u8 = 0x2c;
const DASH: u8 = 0x2d;

/** Stanzas that are read before the next function is called: V8 changes to its better code only there. */
const TOGETHER = 16;

/** By byte: 1 when a package name may have it, 2 when it may also begin with it. The caller writes it. */
export const nameBytes: usize = memory.data(256);

let starts!: Numbers;
let stops!: Numbers;
let keys!: Numbers;
let versions!: Numbers;
let archs!: Numbers;
let flags!: Bytes;
/** Texts of versions, each ended by a newline; offset 0 holds an empty one. */
let versionTexts!: Bytes;
/** Where the text of the last version lies, and its length. */
let version: u32 = 0;
let versionLength: u32 = 0;
let architectures!: Keys;
/** Names of packages, and of what they provide. */
let words!: Keys;
/** By key of a name: its last package + 1. */
let last!: Numbers;
/** Pairs of a provided name and a package. */
let providedKeys!: Numbers;
let providers!: Numbers;
/** The architecture of the last package, which mostly is that of the next. */
let arch: u32 = 0;

let window: usize = 0;
let windowBytes: usize = 0;

/**
 * @param expected how many packages there may be; more are no error.
 * @param size bytes of the window.
 */
export function begin(expected: u32, size: usize): void {
  starts = numbers(expected);
  stops = numbers(expected);
  keys = numbers(expected);
  versions = numbers(expected);
  archs = numbers(expected);
  flags = bytes(expected);
  versionTexts = bytes(16 * expected);
  versionTexts.push(NEWLINE);
  architectures = keysOf(0);
  words = keysOf(2 * expected);
  last = numbers(2 * expected);
  providedKeys = numbers(expected);
  providers = numbers(expected);
  repeated.begin(keys, archs, versions, versionTexts);
  windowBytes = size;
  window = reserve(<u64>size + stanza.SLACK);
}

/** Where the window lies. */
export function windowStart(): usize {
  return window;
}

/** Makes the window twice as large; it keeps its bytes. */
export function widen(): void {
  const wider = reserve(((<u64>windowBytes) << 1) + stanza.SLACK);
  memory.copy(wider, window, windowBytes);
  window = wider;
  windowBytes <<= 1;
}

let position: usize = 0;
let end: usize = 0;
let isEnd: bool = false;
/** What to add to a place in the memory for its offset in the text. */
let shift: u32 = 0;

/**
 * Takes the first `length` bytes of the window.
 *
 * @param offset of the first byte in the whole text.
 * @param isLast a file ends with these bytes.
 * @returns how many of them need not be shown again.
 */
export function read(length: usize, offset: u32, isLast: bool): usize {
  position = window;
  end = window + length;
  isEnd = isLast;
  shift = offset - <u32>window;
  memory.fill(end, 0, stanza.SLACK);
  let isGoingOn = true;
  while (isGoingOn) isGoingOn = readSome();
  return isLast ? length : position - window;
}

function readSome(): bool {
  for (let i = 0; i < TOGETHER; i++) {
    const after = stanza.next(position, end, isEnd);
    if (after == 0) return false;
    take();
    position = after;
  }
  return true;
}

function take(): void {
  if (stanza.isBroken || !stanza.isWhole) return leaveOut(0, 0);
  const name = stanza.valueStart(stanza.packageAt);
  const nameStop = stanza.valueStop(name);
  if (!isName(name, nameStop) || !findArchitecture()) return leaveOut(0, 0);
  const key = words.keyOf(name, nameStop);
  const versionStart = stanza.valueStart(stanza.versionAt);
  noteVersion(versionStart, stanza.valueStop(versionStart));
  const row = starts.length;
  const other = key < last.length ? last.at(key) : 0;
  if (other != 0) {
    // Of most names there is one package, which is noted when another comes.
    repeated.firstOf(key, archs.at(other - 1), versions.at(other - 1), other - 1);
    const first = repeated.firstOf(key, arch, version, row);
    if (first != row) return leaveOut(starts.at(first), stops.at(first));
  }
  starts.push(<u32>stanza.start + shift);
  stops.push(<u32>stanza.stop + shift);
  keys.push(key);
  archs.push(arch);
  versions.push(version);
  flags.push(
    <u8>(
      (yesOrNo(stanza.essentialAt) |
        (yesOrNo(stanza.protectedAt) << 1) |
        (multiArch(stanza.multiArchAt) << 2) |
        (priority(stanza.priorityAt) << 4))
    ),
  );
  if (stanza.providesAt != 0) addProvided(stanza.providesAt, row);
  while (last.length < words.starts.length) last.push(0);
  last.set(key, row + 1);
}

/** Keeps the text of a version, unless it is that of the package before: those of one source mostly have the same. */
function noteVersion(from: usize, to: usize): void {
  const length = <u32>(to - from);
  if (length == versionLength && isEqual(versionTexts.start + version, from, length)) return;
  version = versionTexts.append(from, length);
  versionLength = length;
  versionTexts.push(NEWLINE);
}

function leaveOut(firstStart: u32, firstStop: u32): void {
  leftOut(stanza.start, stanza.stop, <u32>stanza.start + shift, firstStart, firstStop);
}

function isName(from: usize, to: usize): bool {
  if (from == to || load<u8>(nameBytes + load<u8>(from)) < 2) return false;
  for (let at = from; at < to; at++) if (load<u8>(nameBytes + load<u8>(at)) == 0) return false;
  return true;
}

/** Notes the architecture of the stanza in `arch`. @returns false when it is none: small letters and digits, and dashes but at first. */
function findArchitecture(): bool {
  const from = stanza.valueStart(stanza.architectureAt);
  const to = stanza.valueStop(from);
  if (from == to) return false;
  const length = <u32>(to - from);
  if (arch < architectures.starts.length && architectures.lengths.at(arch) == length && isEqual(architectures.textOf(arch), from, length))
    return true;
  for (let at = from; at < to; at++) {
    const byte = load<u8>(at);
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
    if (!isPlain && (byte != DASH || at == from)) return false;
  }
  arch = architectures.keyOf(from, to);
  return true;
}

/** Names in `Provides`; whether an entry is valid is seen when it is used. */
function addProvided(from: usize, row: u32): void {
  let at = stanza.valueStart(from);
  const to = stanza.valueStop(at);
  while (at < to) {
    while (at < to && load<u8>(nameBytes + load<u8>(at)) == 0) at++;
    const name = at;
    while (at < to && load<u8>(nameBytes + load<u8>(at)) != 0) at++;
    if (at > name) {
      providedKeys.push(words.keyOf(name, at));
      providers.push(row);
    }
    while (at < to && load<u8>(at) != COMMA) at++;
  }
}

/** Pairs of where a column lies and how many it has. */
const results: usize = memory.data(8 * 18, 4);
let resultsEnd: usize = 0;

/**
 * Ends the directory.
 *
 * @returns where pairs of numbers lie, each where a column is and how many numbers or bytes it has, in the order of `COLUMNS` of the caller.
 */
export function finish(): usize {
  resultsEnd = results;
  tell(starts);
  tell(stops);
  tell(keys);
  tell(versions);
  tell(archs);
  tellBytes(flags);
  tellBytes(versionTexts);
  tellBytes(words.texts);
  tell(words.slots);
  tell(words.starts);
  tell(words.lengths);
  tellRows(keys, null);
  tellRows(providedKeys, providers);
  tellBytes(architectures.texts);
  tell(architectures.starts);
  tell(architectures.lengths);
  return results;
}

function tell(column: Numbers): void {
  tellPlace(column.start, column.length);
}

function tellBytes(column: Bytes): void {
  tellPlace(column.start, column.length);
}

function tellPlace(start: usize, length: u32): void {
  store<u32>(resultsEnd, <u32>start);
  store<u32>(resultsEnd + 4, length);
  resultsEnd += 8;
}

/** Rows by key: where the run of each key ends, and all runs. Rows ascend; one that a key has twice counts once. @param rows null for 0, 1 and so on. */
function tellRows(keyColumn: Numbers, rows: Numbers | null): void {
  const count = words.starts.length;
  const ends = zeros(count);
  // By key: the last row + 1.
  const seen = zeros(count);
  for (let pair: u32 = 0; pair < keyColumn.length; pair++) {
    const key = keyColumn.at(pair);
    const row = rows === null ? pair : rows.at(pair);
    if (seen.at(key) == row + 1) continue;
    seen.set(key, row + 1);
    ends.set(key, ends.at(key) + 1);
  }
  let sum: u32 = 0;
  for (let key: u32 = 0; key < count; key++) {
    const own = ends.at(key);
    // Where its run begins, until rows are put there.
    ends.set(key, sum);
    sum += own;
    seen.set(key, 0);
  }
  const runs = zeros(sum);
  for (let pair: u32 = 0; pair < keyColumn.length; pair++) {
    const key = keyColumn.at(pair);
    const row = rows === null ? pair : rows.at(pair);
    if (seen.at(key) == row + 1) continue;
    seen.set(key, row + 1);
    runs.set(ends.at(key), row);
    ends.set(key, ends.at(key) + 1);
  }
  tell(ends);
  tell(runs);
}
