/**
 * What kind of failure an error is. It decides the exit status of `ict`:
 * invalid 1, usage 2, unsolvable 3, network 4, integrity 5, offline 6, host 7, command 8, internal 9, interrupted 130.
 */
export type ErrorKind =
  | 'invalid'
  | 'usage'
  | 'unsolvable'
  | 'network'
  | 'integrity'
  | 'offline'
  | 'host'
  | 'command'
  | 'internal'
  | 'interrupted';

/** A place in a file that a user wrote. `line` and `column` count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One of several failures that are reported together, such as every bad line of a template. */
export interface ProblemReport {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly position?: SourcePosition;
  /** The source line and a caret under the place, ready to print. */
  readonly snippet?: string;
  readonly severity: 'error' | 'warning';
}

export interface IctErrorDetails {
  /** What went wrong and where, in the user's own names. */
  readonly message: string;
  /** Something that the user can do about it. */
  readonly hint?: string;
  /** Plain values for scripts: repository, expected and actual digests, and so on. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** The single failures, when several were gathered. */
  readonly problems?: readonly ProblemReport[];
  readonly cause?: unknown;
}

/**
 * Every failure that ICT reports on purpose. Match on `code`, never on the class: two copies of this package may be loaded.
 * Codes are public, never reused, and each has a page in `docs/errors/`.
 */
export class IctError extends Error {
  override readonly name = 'IctError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly problems: readonly ProblemReport[];

  constructor(code: string, kind: ErrorKind, details: IctErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.kind = kind;
    this.hint = details.hint;
    this.facts = details.facts ?? {};
    this.problems = details.problems ?? [];
  }
}

/** True for any error that carries an ICT code, whichever copy of this package made it. */
export function isIctError(error: unknown): error is IctError {
  return error instanceof Error && error.name === 'IctError' && typeof (error as IctError).code === 'string';
}

/** True when `error` is an ICT error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return isIctError(error) && error.code === code;
}

/** Makes errors of one package. See {@link defineErrors}. */
export interface ErrorFactory<Codes extends Readonly<Record<string, ErrorKind>>> {
  readonly codes: Codes;
  /** Builds (does not throw) the error with this code. */
  (code: keyof Codes & string, details: IctErrorDetails): IctError;
}

/**
 * Declares every error code that a package can throw, with its kind. Each package has one such table, in `errors.ts`.
 *
 * @returns a function that builds the error: `throw fetchError('ICT_FETCH_STATUS', { message, hint })`.
 */
export function defineErrors<const Codes extends Readonly<Record<string, ErrorKind>>>(codes: Codes): ErrorFactory<Codes> {
  const create = (code: keyof Codes & string, details: IctErrorDetails): IctError => new IctError(code, codes[code] as ErrorKind, details);
  return Object.assign(create, { codes });
}

/** An error reduced to plain data, so that it survives a worker boundary or a JSON document. */
export interface ErrorRecord {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly problems: readonly ProblemReport[];
}

/** Plain data of any thrown value; what is not an ICT error becomes `ICT_INTERNAL`. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (isIctError(error)) {
    const { code, kind, message, hint, facts, problems } = error;
    return { code, kind, message, ...(hint === undefined ? {} : { hint }), facts, problems };
  }
  return { code: 'ICT_INTERNAL', kind: 'internal', message: reasonOf(error), facts: {}, problems: [] };
}

/** What a thrown value says of itself, in one text that is never empty: anything can be thrown, not only errors. */
export function reasonOf(thrown: unknown): string {
  if (typeof thrown === 'function') return 'a function was thrown';
  if (typeof thrown !== 'object' || thrown === null) return thrown === '' ? 'an empty text was thrown' : String(thrown);
  const { message } = thrown as { readonly message?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  return thrown instanceof Error ? thrown.name : 'an object without a message was thrown';
}

/** The error that a record describes. */
export function fromErrorRecord(record: ErrorRecord, cause?: unknown): IctError {
  return new IctError(record.code, record.kind, { ...record, cause });
}
