import { cliError } from './errors.js';

/** The part of `process` that tells of what ends it from aside. */
export interface AccidentSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (status: number) => void): unknown;
  off(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  off(event: 'exit', listener: (status: number) => void): unknown;
}

/**
 * Watches, while a command runs, for what would end the process from aside: an error that nobody waits for, for which Node has the status of an
 * invalid template, or code that ends the process, maybe with 0 as if all were done. Plugins run in this process, and may do both.
 */
export class AccidentWatch {
  private readonly source: AccidentSource;
  private readonly happened = Promise.withResolvers<never>();
  private readonly onExit: (status: number) => void;
  private readonly onUncaught = (error: unknown): void => {
    this.seen = true;
    this.happened.reject(error);
  };
  /** Whether an error was thrown that nobody waited for: what still runs is in a state that nobody knows. */
  seen = false;

  /** @param ended called while the process ends, with what there is to say of that; it can wait for nothing. */
  constructor(source: AccidentSource, ended: (error: Error) => void) {
    this.source = source;
    this.happened.promise.catch(() => undefined); // it may come when nothing is raced with it any more
    this.onExit = (status) => {
      this.close();
      ended(exitedError(status));
    };
    source.on('uncaughtException', this.onUncaught);
    source.on('exit', this.onExit);
  }

  /** What `work` gives. @throws what nobody waited for, too. */
  unless<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.happened.promise]);
  }

  close(): void {
    this.source.off('uncaughtException', this.onUncaught);
    this.source.off('exit', this.onExit);
  }
}

function exitedError(status: number): Error {
  return cliError('ICT_CLI_EXITED', {
    message: `something ended the process, with status ${status}, before the command had ended`,
    hint: 'This is a fault of ict or of a plugin: the lines below name the file. Report it to those who write it.',
    facts: { status },
    cause: new Error('the process was ended here'),
  });
}
