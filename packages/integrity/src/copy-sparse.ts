import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What `cp` says where the system refuses to write or read, and its name for it. */
const WORDS: readonly (readonly [string, string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
  ['Input/output error', 'EIO'],
  ['File too large', 'EFBIG'],
  ['No such file or directory', 'ENOENT'],
  ['Not a directory', 'ENOTDIR'],
];

/**
 * Copies a file for its user: with holes kept, by sharing blocks where the file system can, and through no link. The copy has the mode of any
 * new file, whatever that of `from`.
 *
 * @param holes `found`: zeros become holes, too, for what was unpacked.
 * @throws what the system says, as functions of Node do; else the error of `execFile`, whose `stderr` has what `cp` says.
 */
export async function copySparse(from: string, to: string, signal: AbortSignal, holes: 'kept' | 'found' = 'kept'): Promise<void> {
  const sparse = holes === 'kept' ? '--sparse=auto' : '--sparse=always';
  await promisify(execFile)('cp', [sparse, '--reflink=auto', '--no-preserve=mode', '--remove-destination', '--', from, to], {
    signal,
    env: { ...process.env, LC_ALL: 'C' },
  }).catch((error: unknown) => Promise.reject(asSystemError(error)));
}

/** The error of a program that says what the system said, as one of Node; any other as it is. */
export function asSystemError(error: unknown): unknown {
  const { stderr } = error as { readonly stderr?: unknown };
  const line = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1)! : '';
  const [words, code] = WORDS.find(([each]) => line.endsWith(`: ${each}`)) ?? [];
  return words === undefined ? error : Object.assign(new Error(line, { cause: error }), { code });
}
