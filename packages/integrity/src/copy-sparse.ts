import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Copies a file for its user: with holes kept, by sharing blocks where the file system can, and through no link. The copy has the mode of any
 * new file, whatever that of `from`.
 *
 * @param holes `found`: zeros become holes, too, for what was unpacked.
 * @throws the error of `execFile`, whose `stderr` has what `cp` says.
 */
export async function copySparse(from: string, to: string, signal: AbortSignal, holes: 'kept' | 'found' = 'kept'): Promise<void> {
  const sparse = holes === 'kept' ? '--sparse=auto' : '--sparse=always';
  await run('cp', [sparse, '--reflink=auto', '--no-preserve=mode', '--remove-destination', '--', from, to], {
    signal,
    env: { ...process.env, LC_ALL: 'C' },
  });
}
