import type { BuildContext } from '@ict/plugin-api';
import { diskError } from './errors.js';
import type { TreeFilesystemRequest } from './filesystem-request.js';

/** What a program of the tools tree said of the filesystem that it was to write. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly stderr: string;
}

/**
 * Runs a program that writes a filesystem: it sees the request's tree, and the directory of the disk image as `/disk`. Its times are the build's.
 *
 * @param argv from the directory that becomes the filesystem's root.
 */
export function runFilesystemProgram(
  { tree, root, directory }: Pick<TreeFilesystemRequest, 'tree' | 'root' | 'directory'>,
  argv: (root: string) => readonly string[],
  ctx: BuildContext,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  return ctx.tools.run({
    argv: argv(root === '/' ? '/tree' : `/tree${root}`),
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: `${ctx.epochSeconds}`, ...env },
    accept: [0, 1],
    mounts: [
      { source: tree, at: '/tree' },
      { source: directory, at: '/disk', writable: true },
    ],
  });
}

export function programFailed(partition: string, program: string, { exitCode, stderr }: ProgramResult): Error {
  return diskError('ICT_DISK_FILESYSTEM', {
    message: `${program} could not write the filesystem of partition "${partition}" (exit status ${exitCode}): ${stderr.trim().split('\n').at(-1) ?? ''}`,
    hint: 'The facts of this error have its whole output.',
    facts: { partition, exitCode, stderr },
  });
}
