import { existsSync } from 'node:fs';
import { systemErrorOf } from '@ict/integrity';
import { coreError } from '../errors.js';

/**
 * Runs `work`, which needs `directories` until it ends.
 *
 * @param own what this process opens there no other one removes, so that a file that is missing was removed by hand.
 * @param shared they are looked for when any file was missing.
 * @throws `ICT_DIRECTORY_REMOVED` when a directory was removed, or is being removed; else what `work` throws.
 */
export async function within<T>(
  { own, shared }: { readonly own: readonly string[]; readonly shared: readonly string[] },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (systemErrorOf(error) !== 'ENOENT') throw error;
    const { path = '' } = error as NodeJS.ErrnoException;
    const gone =
      own.find((directory) => path.startsWith(`${directory}/`)) ?? [...own, ...shared].find((directory) => !existsSync(directory));
    if (gone === undefined) throw error;
    throw coreError('ICT_DIRECTORY_REMOVED', {
      message: `${gone} was removed while it was in use`,
      hint: 'Try again: what is gone is fetched or made anew.',
      facts: { directory: gone },
      cause: error,
    });
  }
}
