import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { BuildEvent, ErrorRecord, EventBody, ProblemReport } from '@ict/plugin-api';
import { fromErrorRecord, hasCode, isIctError, reasonOf, toErrorRecord } from '@ict/plugin-api';
import type { Engine, EngineOptions } from '@ict/core';
import { cliError } from './errors.js';
import { exitStatus, isVerdict, NO_VERDICT, statusOfSignal } from './exit-status.js';
import { failureText, problemText } from './views/failure-text.js';
import { giveToInvoker } from './invoker.js';
import { LiveView } from './views/live-view.js';
import { LogFile } from './views/log-file.js';
import { PlainView } from './views/plain-view.js';
import type { Prompter } from './prompt.js';
import type { SignalWatch } from './signals.js';
import type { LogLevel } from './views/log-level.js';
import type { Terminal } from './views/terminal.js';
import { says } from './views/terminal.js';
import type { View } from './views/view.js';

/** What a command says on stdout with `--json`: events as they happen, or one document at its end; with a verdict its exit status says it, too. */
export type Speech = 'events' | 'document' | 'verdict';

/** What a run of `ict` gets from outside; tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Effective user id; undefined on systems without. */
  readonly uid: number | undefined;
  /** Whether this code runs as the bundle or as separate modules. */
  readonly code: 'bundle' | 'modules';
  /** Who asks the user; undefined without a terminal. */
  prompter(): Promise<Prompter | undefined>;
  /** All of standard input, as text. */
  readInput(signal: AbortSignal): Promise<string>;
  openEngine(options: EngineOptions): Promise<Engine>;
  /** Runs a program with its output on stderr. @returns its exit status. */
  runProgram(argv: readonly string[], env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<number>;
}

/** One run of a command: its output, its stopping, its end. */
export class Session {
  terminal: Terminal;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  private readonly watch: SignalWatch;
  private readonly speech: Speech;
  private view: View;
  private log: LogFile | undefined;
  private failureSaid = false;
  private configured = false;
  /** Whether a console said the beginning of a line last. */
  private lineIsOpen = false;
  private build: string = randomUUID();

  constructor(terminal: Terminal, surroundings: Surroundings, watch: SignalWatch, speech: Speech) {
    this.terminal = terminal;
    this.surroundings = surroundings;
    this.watch = watch;
    this.signal = watch.signal;
    this.speech = speech;
    this.view = chooseView(terminal);
  }

  /** Takes over what the configuration file says about output, the first time; flags are part of it already. */
  async configure(settings: {
    readonly logLevel: LogLevel;
    readonly logFile: string | undefined;
    readonly warnings: readonly ProblemReport[];
  }): Promise<void> {
    if (this.configured) return;
    this.configured = true;
    if (settings.logLevel !== this.terminal.level) {
      this.view.close();
      this.terminal = { ...this.terminal, level: settings.logLevel };
      this.view = chooseView(this.terminal);
    }
    if (settings.logFile !== undefined) {
      const isNew = !existsSync(settings.logFile);
      this.log = await LogFile.open(settings.logFile, this.terminal);
      // Root's own would be closed to the same user without sudo.
      if (isNew) await giveToInvoker([settings.logFile], this.surroundings);
    }
    this.report(settings.warnings);
  }

  /** Takes an event of the engine: shows it, and prints it as a line with `--json`. */
  readonly emit = (event: BuildEvent): void => {
    this.build = event.build;
    if (event.type === 'build.failed') this.failureSaid = true;
    if (this.terminal.json && this.speech === 'events') this.terminal.stdout.write(`${JSON.stringify(event)}\n`);
    this.view.event(event);
    this.log?.event(event);
  };

  /** An event of the command itself. */
  say(body: EventBody): void {
    this.emit({ ...body, v: 1, time: new Date().toISOString(), build: this.build });
  }

  /** Warns of something that the command itself met while it worked, as the engine warns. */
  warn(warning: Omit<Extract<EventBody, { readonly type: 'warning' }>, 'type'>): void {
    this.say({ type: 'warning', ...warning });
  }

  /**
   * Tells people what is wrong with a document that somebody wrote, such as a template or the configuration. No event: a command that was
   * asked about the document lists it in its own.
   *
   * @param options `page`: and where to read more.
   */
  report(problems: readonly ProblemReport[], options: { readonly page?: boolean } = {}): void {
    for (const problem of problems)
      this.note(problemText(problem, this.terminal.colors, options), problem.severity === 'warning' ? 'warn' : 'error');
  }

  /** Prints a result for people on stdout, a long one in pieces; nothing with `--json`. */
  result(text: string | Iterable<string>): void {
    if (this.terminal.json) return;
    this.view.close();
    for (const piece of typeof text === 'string' ? [text] : text) this.terminal.stdout.write(piece);
  }

  /** Prints the one document of a command that has one, with `--json`. */
  document(value: unknown): void {
    if (this.terminal.json) this.terminal.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** A line for people on stderr, at the given importance. No warning: for that there are {@link warn} and {@link report}. */
  note(text: string, level: 'info' | 'warn' | 'error' = 'info'): void {
    if (!says(this.terminal, level)) return;
    this.print(this.lineIsOpen ? `\n${text}` : text);
    this.lineIsOpen = false;
  }

  /** What the console of a machine says, on stderr: lines may come in pieces, and the last one without its end. */
  console(piece: string): void {
    if (!says(this.terminal, 'info')) return;
    this.print(piece);
    this.lineIsOpen = !piece.endsWith('\n');
  }

  private print(text: string): void {
    this.view.print(text);
    this.log?.print(text);
  }

  /**
   * Runs `work`, prints its failure if there is one, and stops drawing.
   *
   * @returns the exit status; that of the signal when one asked to stop, even if the work was done by then.
   */
  async run(work: () => Promise<number | void>): Promise<number> {
    try {
      const status = (await work()) ?? 0;
      this.view.close();
      return this.watch.received === undefined ? status : statusOfSignal[this.watch.received];
    } catch (thrown) {
      return this.fail(thrown);
    } finally {
      const failure = await this.log?.close();
      // Events have ended, and the log with them.
      if (failure !== undefined) this.note(`warning: the log file is not complete: ${String(failure)}\n`, 'warn');
    }
  }

  /** Tells of a failure. @returns the exit status. */
  fail(thrown: unknown): number {
    const error = this.recordOf(thrown);
    if (this.speech !== 'events') this.document({ error });
    else if (!this.failureSaid) this.say({ type: 'build.failed', error });
    this.view.close();
    const { colors, level } = this.terminal;
    this.note(failureText(error, colors), 'error');
    const origin = isIctError(thrown) && thrown.cause instanceof Error ? thrown.cause : thrown;
    if (error.kind === 'internal' && origin instanceof Error && (level === 'debug' || !isIctError(origin))) {
      this.note(`${colors.dim(origin.stack ?? '')}\n`, 'error');
    }
    const status = exitStatus(error, this.watch.received);
    return this.speech === 'verdict' && isVerdict(status) ? NO_VERDICT : status;
  }

  /** After a signal, whatever was thrown is the interruption's doing. */
  private recordOf(thrown: unknown): ErrorRecord {
    const { received } = this.watch;
    if (received === undefined) return toErrorRecord(thrown);
    const cause = isIctError(thrown) ? fromErrorRecord(toErrorRecord(thrown)) : thrown;
    const ended = hasCode(thrown, 'ICT_PLUGIN_FAILED') ? reasonOf(thrown) : 'what was running has ended';
    return toErrorRecord(
      cliError('ICT_CLI_INTERRUPTED', {
        message: `stopped by ${received}; ${ended}`,
        hint: 'Run the same command again: finished downloads and steps are kept, and temporary files that may be left are removed.',
        facts: { signal: received },
        cause,
      }),
    );
  }
}

/** Lines are drawn in place only where nothing else writes to the same terminal. */
function chooseView(terminal: Terminal): View {
  const { redraws, stdout, json, level } = terminal;
  const shared = json && stdout.isTTY === true;
  if (shared || !says(terminal, 'info')) return new PlainView(terminal, false);
  if (redraws && level === 'info') return new LiveView(terminal);
  return new PlainView(terminal, true);
}
