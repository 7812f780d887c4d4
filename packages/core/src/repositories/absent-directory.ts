import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isNoFile } from '@ict/integrity';
import { fromErrorRecord, isIctError, toErrorRecord, type RepositorySpec } from '@ict/plugin-api';

/** Says of a repository in a directory of this machine that there is no such directory: the provider only misses a file in it. */
export async function withAbsentDirectory(error: unknown, { archive, id }: Pick<RepositorySpec, 'archive' | 'id'>): Promise<unknown> {
  if (!isIctError(error) || !archive.startsWith('file:')) return error;
  let directory = '';
  let what = 'there is nothing';
  try {
    directory = fileURLToPath(archive);
    if ((await stat(directory)).isDirectory()) return error;
    what = 'there is no directory, but a file';
  } catch (cause) {
    // Whoever fetched says more of an address with a host, and of a directory that may not be read.
    if (!isNoFile(cause)) return error;
  }
  const record = toErrorRecord(error);
  const told = {
    ...record,
    message: `repository "${id}" is to lie in ${directory}, and ${what}`,
    hint: 'Check its path: a relative "path" of a template counts from the directory of the template, and an address belongs to "url".',
    facts: { ...record.facts, absent: true, directory },
  };
  return fromErrorRecord(told, error);
}
