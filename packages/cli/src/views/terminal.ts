import pc from 'picocolors';
import type { LogLevel } from './log-level.js';
import { logLevels } from './log-level.js';

/** The part of a stream that printing needs. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** Where one run of `ict` prints, and how. */
export interface Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Colours for stderr: progress, warnings and errors. */
  readonly colors: Colors;
  /** Colours for stdout: results. */
  readonly resultColors: Colors;
  /** Whether stderr is a terminal that can draw lines in place. */
  readonly redraws: boolean;
  /** Columns that results may take; undefined where stdout is no terminal. */
  readonly resultWidth: number | undefined;
  readonly json: boolean;
  readonly level: LogLevel;
}

export interface TerminalOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly level: LogLevel;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Decides on colours as https://no-color.org says: none when `NO_COLOR` is set and not empty, with `--no-color`, on a dumb terminal, or when
 * the stream is not a terminal, unless `FORCE_COLOR` asks for them.
 */
export function createTerminal(stdout: OutputStream, stderr: OutputStream, options: TerminalOptions): Terminal {
  const { env } = options;
  const dumb = env.TERM === 'dumb';
  const refused = !options.color || (env.NO_COLOR ?? '') !== '' || dumb;
  const forced = (env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0';
  const colored = (stream: OutputStream): Colors => pc.createColors(!refused && (forced || stream.isTTY === true));
  return {
    stdout,
    stderr,
    colors: colored(stderr),
    resultColors: colored(stdout),
    redraws: stderr.isTTY === true && !dumb,
    resultWidth: stdout.isTTY === true ? stdout.columns : undefined,
    json: options.json,
    level: options.level,
  };
}

/** True when a message of `level` is to be printed. */
export function says(terminal: Terminal, level: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(terminal.level);
}
