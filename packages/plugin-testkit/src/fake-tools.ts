import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { CommandResult, ToolCommand, ToolsRunner, TreePath } from '@ict/plugin-api';

/** A tools tree without programs, and with the files that it is given. */
export interface FakeTools extends ToolsRunner {
  /** Commands that were run, in order; those that follow another stand for themselves. */
  readonly commands: readonly ToolCommand[];
}

/**
 * Answers the commands of a tools tree with `run`; what that leaves out is exit status 0 and no output.
 *
 * @param name stands for the content of the tools tree: another name gives another digest.
 * @param files what it has, by path.
 */
export function fakeTools(
  run: (command: ToolCommand) => Partial<CommandResult> | Promise<Partial<CommandResult>> = () => ({}),
  name = 'tools',
  files: Readonly<Record<TreePath, Uint8Array>> = {},
): FakeTools {
  const commands: ToolCommand[] = [];
  const runOne = async (command: ToolCommand): Promise<CommandResult> => {
    commands.push(command);
    const result = { exitCode: 0, stdout: '', stderr: '', ...(await run(command)) };
    if (!(command.accept ?? [0]).includes(result.exitCode)) {
      throw new IctError('ICT_COMMAND_FAILED', 'command', {
        message: `${command.argv.join(' ')} ended with exit status ${result.exitCode}`,
        facts: { argv: command.argv, exitCode: result.exitCode, stderr: result.stderr },
      });
    }
    return result;
  };
  return {
    commands,
    digest: digestOf(name),
    read: async (path) => files[path],
    run: async ({ following = [], ...command }) => {
      let result = await runOne(command);
      for (const argv of following) {
        const { exitCode, stdout, stderr } = await runOne({ ...command, argv });
        result = { exitCode, stdout: result.stdout + stdout, stderr: result.stderr + stderr };
      }
      return result;
    },
  };
}
