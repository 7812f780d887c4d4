import { chmod, stat } from 'node:fs/promises';
import { copySparse } from '@ict/integrity';

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
 * Copies a file with its holes, as a disk of many gigabytes may be of one; Node copies them as zeros. Blocks are shared where the file system can. The copy has the
 * mode of the file, and is made through no link that somebody put there.
 *
 * @throws what the system says, as functions of Node do.
 */
export async function copyWithHoles(from: string, to: string): Promise<void> {
  const { mode } = await stat(from);
  await copySparse(from, to, new AbortController().signal).catch((error: unknown) => Promise.reject(asSystemError(error)));
  await chmod(to, mode & 0o777);
}

/** The error of a program that says what the system said, as one of Node; any other as it is. */
export function asSystemError(error: unknown): unknown {
  const { stderr } = error as { readonly stderr?: unknown };
  const line = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1)! : '';
  const [words, code] = WORDS.find(([each]) => line.endsWith(`: ${each}`)) ?? [];
  return words === undefined ? error : Object.assign(new Error(line, { cause: error }), { code });
}
