import type { Json } from '@ict/plugin-api';
import { canonicalJson } from './canonical-json.js';

/** One place where two inputs differ. A side that has nothing there is `undefined`. */
export interface InputDifference {
  /** Where: `packages[3].version`, `env["LC_ALL.x"]`; empty for the whole value. Indexes are those of the side that has the item. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** Arrays whose differing middle has at most this many pairs are aligned exactly; longer ones item by item. */
const MAX_ALIGNMENT_CELLS = 4_000_000;

/**
 * What changed between the inputs of two cache keys, in the order of `before`, then of `after`: the explanation of a miss.
 *
 * Objects are compared by member. Arrays are aligned by their longest common subsequence, so that one inserted package shows as
 * one addition rather than as a change of every later item.
 *
 * @returns nothing exactly when both have the same canonical JSON.
 * @throws `ICT_INTEGRITY_JSON` when a side is not JSON.
 */
export function diffInputs(before: Json, after: Json): InputDifference[] {
  const found: InputDifference[] = [];
  compare(before, after, '', found);
  return found;
}

function compare(before: Json | undefined, after: Json | undefined, path: string, found: InputDifference[]): void {
  if (before === undefined || after === undefined) {
    if (before !== after) found.push({ path, before, after });
  } else if (isArray(before) && isArray(after)) {
    compareArrays(before, after, path, found);
  } else if (isObject(before) && isObject(after)) {
    for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      compare(member(before, name), member(after, name), memberPath(path, name), found);
    }
  } else if (canonicalJson(before) !== canonicalJson(after)) {
    found.push({ path, before, after });
  }
}

function compareArrays(before: readonly Json[], after: readonly Json[], path: string, found: InputDifference[]): void {
  const left = before.map(canonicalJson);
  const right = after.map(canonicalJson);
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start++;
  let tail = 0;
  while (tail < shorter - start && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++;
  const leftEnd = left.length - tail;
  const rightEnd = right.length - tail;

  let i = start;
  let j = start;
  const reportGap = (iEnd: number, jEnd: number): void => {
    for (; i < iEnd && j < jEnd; i++, j++) compare(before[i], after[j], `${path}[${j}]`, found);
    for (; i < iEnd; i++) found.push({ path: `${path}[${i}]`, before: before[i], after: undefined });
    for (; j < jEnd; j++) found.push({ path: `${path}[${j}]`, before: undefined, after: after[j] });
  };
  for (const [iSame, jSame] of commonPairs(left.slice(start, leftEnd), right.slice(start, rightEnd))) {
    reportGap(start + iSame, start + jSame);
    i++;
    j++;
  }
  reportGap(leftEnd, rightEnd);
}

/** Index pairs of a longest common subsequence, ascending; none when the arrays are too long to align. */
function commonPairs(left: readonly string[], right: readonly string[]): [number, number][] {
  const width = right.length + 1;
  if (left.length === 0 || right.length === 0 || left.length * right.length > MAX_ALIGNMENT_CELLS) return [];
  const lengths = new Uint32Array((left.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    if (left[i] === right[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !isArray(value);
}

function member(value: { readonly [key: string]: Json | undefined }, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
