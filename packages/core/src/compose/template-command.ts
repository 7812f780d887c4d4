import { fromErrorRecord, isIctError, toErrorRecord } from '@ict/plugin-api';
import type { BuildContext, LayerCommand, SourcePosition, TreeCommand, TreeSession } from '@ict/plugin-api';

/** How a command of a template is run. */
export type CommandSurroundings = Pick<TreeCommand, 'env' | 'network'>;

/** Where a template has a command, for errors. */
export interface CommandPlace {
  /** Whose it is, in words: `layer "app"`. */
  readonly of: string;
  readonly position?: SourcePosition | undefined;
  /** What scripts are told beside the position. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What is the command's own doing, or of what it asks for. */
const OF_THE_COMMAND: readonly string[] = ['ICT_COMMAND_FAILED', 'ICT_SANDBOX_COMMAND', 'ICT_SANDBOX_NETWORK'];

/** Runs a command in a tree, a text through the tree's own shell. @returns what it printed. @throws as `TreeSession.run` does. */
export async function runCommand(
  command: LayerCommand,
  surroundings: CommandSurroundings,
  tree: TreeSession,
  ctx: BuildContext,
): Promise<string> {
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  ctx.emit({ type: 'command.start', command: argv });
  const spec: TreeCommand = { argv, ...surroundings, onLine: (text, stream) => ctx.emit({ type: 'command.output', stream, text }) };
  return (await tree.run(spec)).stdout;
}

/** Says whose command failed, and where the template has it. @returns the error to throw; what is no failure of a command stays as it is. */
export function namingCommand(error: unknown, { of, position, facts }: CommandPlace): unknown {
  if (!isIctError(error) || !OF_THE_COMMAND.includes(error.code)) return error;
  const record = toErrorRecord(error);
  const { code, hint } = record;
  const message = `a command of ${of} failed: ${record.message}`;
  const problems =
    position === undefined ? [] : [{ code, message, ...(hint === undefined ? {} : { hint }), position, severity: 'error' as const }];
  const more = position === undefined ? facts : { ...facts, position };
  return fromErrorRecord({ ...record, message, facts: { ...record.facts, ...more }, problems }, error);
}
