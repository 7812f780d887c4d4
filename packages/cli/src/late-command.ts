import { Command, Help } from 'commander';

/**
 * A command that has its flags and the commands below it only when the command line says its name: to declare all of them takes a fifth of the
 * time of an empty Node, and a command that is not named cannot run. A hook of commander would come too late: when it calls the first one, it has
 * given flags their defaults.
 */
export class LateCommand extends Command {
  readonly #words: ReadonlySet<string> | undefined;
  #takesFlags = false;

  /** @param words what the command line says; undefined when every command is meant. */
  constructor(name: string | undefined, words: ReadonlySet<string> | undefined) {
    super(name);
    this.#words = words;
  }

  /** Makes a command below this one, as {@link Command.command} does. */
  override createCommand(name?: string): LateCommand {
    return new LateCommand(name, this.#words);
  }

  /** Whether this command may be the one that runs, or whose help is printed. */
  get isNamed(): boolean {
    return this.#words?.has(this.name()) ?? true;
  }

  /** Says which flags the command has. `declare` is called at once, or never when the command is not named. */
  flags(declare: (command: Command) => void): this {
    this.#takesFlags = true;
    if (this.isNamed) declare(this);
    return this;
  }

  /** How the help of the command above lists this one: the same whether or not its flags are declared. */
  get term(): string {
    const term = new Help().subcommandTerm(this);
    return this.#takesFlags && this.options.length === 0 ? term.replace(/^\S+/, '$& [options]') : term;
  }
}
