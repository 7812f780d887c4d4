import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fromErrorRecord, isIctError, toErrorRecord, type RepositorySpec } from '@ict/plugin-api';

/** Says of a repository in a directory of this machine that there is no such directory: the provider only misses a file in it. */
export async function withAbsentDirectory(error: unknown, { archive, id }: Pick<RepositorySpec, 'archive' | 'id'>): Promise<unknown> {
  if (!isIctError(error) || !archive.startsWith('file:')) return error;
  const directory = fileURLToPath(archive);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return error;
  const record = toErrorRecord(error);
  const what = found === undefined ? 'there is nothing' : 'there is no directory, but a file';
  const told = {
    ...record,
    message: `repository "${id}" is to lie in ${directory}, and ${what}`,
    hint: 'Check its path: a relative "path" of a template counts from the directory of the template, and an address belongs to "url".',
    facts: { ...record.facts, absent: true, directory },
  };
  return fromErrorRecord(told, error);
}
