import { fromErrorRecord, isIctError, toErrorRecord, type Memo, type RepositorySpec } from '@ict/plugin-api';
import { isRemote } from '@ict/template';
import { keysOf } from './pinned-keys.js';

/** Says of a repository that is not trusted which of its key files hold no key: to who checks a signature they only lack the right one. */
export async function withKeylessFiles(error: unknown, { keyrings }: Pick<RepositorySpec, 'keyrings'>, memo: Memo): Promise<unknown> {
  if (!isIctError(error) || error.kind !== 'integrity') return error;
  const keyless: string[] = [];
  for (const file of keyrings) if (!isRemote(file) && (await keysOf(file, memo))?.length === 0) keyless.push(file);
  if (keyless.length === 0) return error;
  const record = toErrorRecord(error);
  const told = {
    ...record,
    message: `${keyless.join(' and ')} ${keyless.length === 1 ? 'holds' : 'hold'} no OpenPGP public key: ${record.message}`,
    ...(keyless.length < keyrings.length
      ? {}
      : { hint: 'Name the file with the public key, binary or as `gpg --armor --export` writes it.' }),
    facts: { ...record.facts, keyrings: [...keyrings], keyless },
  };
  return fromErrorRecord(told, error);
}
