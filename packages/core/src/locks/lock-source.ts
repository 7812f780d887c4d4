import { parse, parseDocument } from 'yaml';
import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** The text of a lock file; absent when the file could not be read, and for a lock that is in no file yet. */
export interface LockSource {
  readonly file: string;
  readonly text?: string;
  /** What is told instead of an unreadable file; default: that. */
  readonly refuse?: (why: string, flaw: Flaw) => Error;
}

/** What version control leaves where two changes meet. */
const MERGE_MARK = /^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?$/m;

/** @throws `ICT_LOCK_UNREADABLE` for what is not YAML, with its place. */
export function parseLock(source: LockSource & { readonly text: string }): unknown {
  try {
    return parse(source.text, { maxAliasCount: 0, logLevel: 'error' });
  } catch (cause) {
    const mark = MERGE_MARK.exec(source.text);
    if (mark !== null) throw unreadable(source, 'a merge left its marks in it', { offset: mark.index, cause });
    const [offset] = (cause as { readonly pos?: readonly number[] }).pos ?? [];
    throw unreadable(source, 'it is not YAML', { cause, ...(offset === undefined ? {} : { offset }) });
  }
}

/** Where a lock file is wrong: at an offset, or at what keys and numbers of entries lead to, or what they lead to as far as it is there. */
export interface Flaw {
  readonly offset?: number;
  readonly path?: readonly (string | number)[];
  readonly cause?: unknown;
}

/** `ICT_LOCK_UNREADABLE`, or what the source says instead. */
export function unreadable(source: LockSource, why: string, flaw: Flaw = {}): Error {
  if (source.refuse !== undefined) return source.refuse(why, flaw);
  const { offset, path, cause } = flaw;
  const { file, text } = source;
  const message = `lock file ${file} cannot be used: ${why}`;
  const hint = 'Restore it from version control, or write it anew with `ict lock`.';
  const at = text === undefined ? undefined : (offset ?? (path && offsetOf(text, path)));
  const problem: ProblemReport | undefined =
    at === undefined ? undefined : { code: 'ICT_LOCK_UNREADABLE', message, hint, severity: 'error', position: positionAt(file, text!, at) };
  return coreError('ICT_LOCK_UNREADABLE', {
    message,
    hint,
    facts: { file },
    cause,
    ...(problem === undefined ? {} : { problems: [problem] }),
  });
}

/** Where the value of a path begins, or the last one before it that is there. */
function offsetOf(text: string, path: readonly (string | number)[]): number | undefined {
  const document = parseDocument(text, { logLevel: 'error' });
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { readonly range?: readonly number[] } | undefined;
    if (node?.range !== undefined) return node.range[0];
  }
  return undefined;
}

function positionAt(file: string, text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset).split('\n');
  return { file, line: before.length, column: before.at(-1)!.length + 1 };
}
