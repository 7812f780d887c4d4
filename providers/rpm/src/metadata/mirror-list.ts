import { readFile } from 'node:fs/promises';
import { isIctError } from '@ict/plugin-api';
import type { Context, MirrorList, RepositorySpec } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { parseMetalink } from './metalink.js';
import { mirrorBase } from './mirror-base.js';

/** Lists of two hundred mirrors have some ten thousand bytes. */
const MAX_LIST_BYTES = 2 * 2 ** 20;

/**
 * Reads the metalink or the mirror list that a repository names. The last answer serves when the server says that it holds, and offline.
 *
 * @returns undefined for a repository that names neither.
 * @throws `ICT_RPM_MIRRORS_INVALID`, and what the fetcher throws: what a list would refuse is not accepted because the list is away.
 */
export async function readMirrors(repository: RepositorySpec, ctx: Context): Promise<MirrorList | undefined> {
  const { metalink, mirrorlist } = repository;
  const url = metalink ?? mirrorlist;
  if (url === undefined) return undefined;
  const { file } = await ctx.fetch.fetch({ url, maxBytes: MAX_LIST_BYTES, conditional: true });
  const bytes = await readFile(file);
  return metalink === undefined ? readMirrorlist(bytes, repository) : readMetalink(bytes, repository);
}

function readMetalink(bytes: Buffer, repository: RepositorySpec): MirrorList {
  const source = `the metalink of repository "${repository.id}"`;
  let list: MirrorList | undefined;
  try {
    list = parseMetalink(bytes, source);
  } catch (cause) {
    if (!isIctError(cause)) throw cause;
    throw invalid(repository, cause.message, 'Open its address by hand.', cause);
  }
  if (list !== undefined) return list;
  const hint = 'Open its address by hand; a list that vouches for nothing can be named as "mirrorlist".';
  throw invalid(repository, `${source} does not say by SHA-256 what repomd.xml must be`, hint);
}

function readMirrorlist(bytes: Buffer, repository: RepositorySpec): MirrorList {
  const lines = bytes.toString('utf8').split('\n');
  const urls = lines.map((line) => mirrorBase(line.trim())).filter((url) => url !== undefined);
  if (urls.length > 0) return { urls };
  const hint = 'It has one address a line. When its address leads to a metalink, name it as "metalink".';
  throw invalid(repository, `the mirror list of repository "${repository.id}" names no mirror`, hint);
}

function invalid(repository: RepositorySpec, message: string, hint: string, cause?: unknown): Error {
  const { id, metalink, mirrorlist } = repository;
  const facts = { repository: id, ...(metalink === undefined ? {} : { metalink }), ...(mirrorlist === undefined ? {} : { mirrorlist }) };
  return rpmError('ICT_RPM_MIRRORS_INVALID', { message, hint, facts, ...(cause === undefined ? {} : { cause }) });
}
