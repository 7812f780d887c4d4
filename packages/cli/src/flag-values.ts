const MAX_LENGTH_BYTES = 4096;
const MAX_WORKERS = 64;

// eslint-disable-next-line no-control-regex -- finding control characters is what it is for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * A value that cannot be used. `ict` reports it as `ICT_CLI_FLAG_INVALID`; an error of its own keeps what every start of `ict` loads
 * small.
 */
export class FlagError extends Error {
  readonly flag: string;
  readonly hint: string;
  /** The address that is meant, as it was given: it may hold a password. */
  readonly address: string | undefined;

  constructor(flag: string, reason: string, hint: string, address?: string) {
    super(`${flag} ${reason}`);
    this.flag = flag;
    this.hint = hint;
    this.address = address;
  }
}

/**
 * Checks a text or path from the command line: 1 to 4096 bytes, valid UTF-8, no NUL and no control characters.
 *
 * Node replaces bytes that are not UTF-8 by U+FFFD before a program sees them, so that character is refused.
 *
 * @throws {@link FlagError}
 */
export function parseText(flag: string): (value: string) => string {
  return (value) => {
    if (value === '') throw new FlagError(flag, 'is empty', 'Give it a value.');
    if (Buffer.byteLength(value) > MAX_LENGTH_BYTES) {
      throw new FlagError(flag, `is longer than ${MAX_LENGTH_BYTES} bytes`, 'Shorten it, or reach the file through a shorter path.');
    }
    if (CONTROL.test(value)) throw new FlagError(flag, 'has a NUL or another control character', 'Write it without control characters.');
    if (!value.isWellFormed() || value.includes('\ufffd'))
      throw new FlagError(flag, 'is not valid UTF-8', 'Rename the file, or change the encoding of the terminal.');
    return value;
  };
}

/** Like {@link parseText}, and gathers the values of a flag that may be given several times. */
export function parseTexts(flag: string): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  const parse = parseText(flag);
  return (value, previous) => [...(previous ?? []), parse(value)];
}

/**
 * A whole number from `min` to `max`, decimal digits only.
 *
 * @throws {@link FlagError}
 */
export function parseCount(flag: string, min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new FlagError(
        flag,
        `is not a whole number from ${min} to ${max}`,
        'Give digits alone, without unit, sign or decimal point, and stay within these limits.',
      );
    }
    return number;
  };
}

export const parseWorkers = parseCount('--workers', 1, MAX_WORKERS);

/** One `--mirror ARCHIVE=URL`. */
export interface MirrorFlag {
  readonly archive: string;
  readonly url: string;
}

const parseMirrorText = parseText('--mirror');

/**
 * Reads `ARCHIVE=URL`: both absolute http, https or file addresses, without query and fragment; trailing slashes are dropped.
 * The first `=` that is followed by a scheme separates them, so that an archive may itself hold `=`.
 *
 * @throws {@link FlagError}
 */
export function parseMirror(value: string): MirrorFlag {
  const [archive, url, ...rest] = parseMirrorText(value).split(/=(?=(?:https?|file):\/\/)/);
  if (archive === undefined || url === undefined || rest.length > 0) {
    const hint = 'Example: --mirror http://ftp.debian.org/debian=http://mirror.example/debian; a directory is file:///srv/mirror.';
    throw new FlagError('--mirror', 'is not ARCHIVE=URL', hint);
  }
  return { archive: parseAddress('--mirror', archive), url: parseAddress('--mirror', url) };
}

/** {@link parseMirror} for a flag that may be given several times. */
export function parseMirrors(value: string, previous: readonly MirrorFlag[] | undefined): readonly MirrorFlag[] {
  return [...(previous ?? []), parseMirror(value)];
}

/** One `--repo URL` or `--repo +URL`, with a suite and components behind it or not, gathered. @throws {@link FlagError} */
export function parseRepositories(value: string, previous: readonly string[] | undefined): readonly string[] {
  const plus = value.startsWith('+') ? '+' : '';
  const [address = '', ...suite] = parseText('--repo')(value.slice(plus.length)).trim().split(/\s+/);
  if (suite.some((word) => /^(?:https?|file):/.test(word))) {
    const hint =
      'Of a line of a sources.list, give what begins with the address; blanks in an address are written %20, and the flag may be repeated.';
    throw new FlagError('--repo', 'does not begin with its one address', hint);
  }
  return [...(previous ?? []), [plus + parseAddress('--repo', address), ...suite].join(' ')];
}

/**
 * An absolute http, https or file address without query and fragment; trailing slashes are dropped.
 *
 * @throws {@link FlagError}
 */
function parseAddress(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:', 'file:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    const hint = text.startsWith('/') ? `A directory of this machine is "file://${text}".` : 'Leave out any query or fragment.';
    throw new FlagError(flag, 'needs an http, https or file address', hint, text);
  }
  return text.replace(/\/+$/, '');
}

const parseVariableText = parseText('--var');

/**
 * Reads `NAME=VALUE` and gathers the values of a flag that may be given several times; the last one of a name counts.
 *
 * @throws {@link FlagError}
 */
export function parseVariables(value: string, previous: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const [, name, text] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(parseVariableText(value)) ?? [];
  if (name === undefined || text === undefined) throw new FlagError('--var', 'is not NAME=VALUE', 'Example: --var SITE=lab');
  return new Map([...(previous ?? []), [name, text]]);
}
