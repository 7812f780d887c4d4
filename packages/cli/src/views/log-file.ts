import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ensureDirectory, systemErrorOf } from '@ict/integrity';
import type { BuildEvent } from '@ict/plugin-api';
import { cliError } from '../errors.js';
import { PlainView } from './plain-view.js';
import type { Terminal } from './terminal.js';
import { createTerminal } from './terminal.js';
import { plainText } from './terminal-text.js';

/** What is said on stderr, as plain lines, in a file that each run writes anew. */
export class LogFile {
  private readonly file: FileHandle;
  private readonly view: PlainView;
  /** Writes, in the order in which they were asked for. */
  private written: Promise<void> = Promise.resolve();
  private failure: unknown;

  private constructor(file: FileHandle, terminal: Terminal) {
    this.file = file;
    const stream = {
      write: (text: string): boolean => {
        this.written = this.written.then(() => this.append(plainText(text)));
        return true;
      },
    };
    this.view = new PlainView(createTerminal(stream, stream, { json: false, color: false, level: terminal.level, env: {} }), true);
  }

  /** @throws `ICT_CLI_LOG_FILE`; a symbolic link is not followed, since the directory may belong to another user. */
  static async open(path: string, terminal: Terminal): Promise<LogFile> {
    try {
      ensureDirectory(dirname(path));
      const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
      return new LogFile(await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644), terminal);
    } catch (cause) {
      throw cliError('ICT_CLI_LOG_FILE', {
        message: `the log file ${path} cannot be written: ${systemErrorOf(cause) ?? String(cause)}`,
        hint: 'Name another file with --log-file, or correct logging.file in the configuration.',
        facts: { path },
        cause,
      });
    }
  }

  event(event: BuildEvent): void {
    this.view.event(event);
  }

  print(text: string): void {
    this.view.print(text);
  }

  /** Waits until everything is written. @returns why something could not be, such as a full disk. */
  async close(): Promise<unknown> {
    await this.written;
    await this.file.close();
    return this.failure;
  }

  private async append(text: string): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await this.file.appendFile(text);
    } catch (error) {
      this.failure = error;
    }
  }
}
