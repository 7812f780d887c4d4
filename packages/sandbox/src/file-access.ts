import { access } from 'node:fs/promises';

/**
 * Whether the system lets this process do something with a file.
 *
 * @param mode of access(2).
 * @throws Node's own error where there is no answer.
 */
export async function allows(file: string, mode: number): Promise<boolean> {
  try {
    await access(file, mode);
    return true;
  } catch (error) {
    if (meansNo(error)) return false;
    throw error;
  }
}

/** Answers of the system that mean "no"; others, such as a broken disk, mean that there is no answer. */
const REFUSALS = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'ENODEV', 'ETXTBSY']);

/** Whether an error of the system is such an answer. */
export function meansNo(error: unknown): boolean {
  return REFUSALS.has((error as NodeJS.ErrnoException).code ?? '');
}
