import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Digest } from '@ict/plugin-api';
import {
  ensureDirectory,
  errnoOf,
  hashFile,
  isSha256Digest,
  isDiskFull,
  isNoFile,
  readRegularFile,
  refuseSpecialFile,
  replaceFile,
} from '@ict/integrity';
import { removeLeftAnswers } from './answer-leftovers.js';

/** An earlier answer to a conditional request. */
export interface StoredAnswer {
  /** The address that answered; its validators mean nothing to another. */
  readonly answeredBy: string;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface AnswerStore {
  find(url: string): Promise<StoredAnswer | undefined>;
  /** Copies the body to `target`; false when it is gone or damaged, and then the answer is forgotten. */
  copyBody(url: string, answer: StoredAnswer, target: string): Promise<boolean>;
  /** Keeps an answer; one that is kept already is not written again. */
  store(url: string, answer: StoredAnswer, body: string): Promise<void>;
}

function isStoredAnswer(value: unknown): value is StoredAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const { answeredBy, etag, lastModified, digest, sizeBytes } = value as Record<string, unknown>;
  const optional = (field: unknown): boolean => field === undefined || typeof field === 'string';
  return (
    typeof answeredBy === 'string' &&
    optional(etag) &&
    optional(lastModified) &&
    typeof digest === 'string' &&
    isSha256Digest(digest) &&
    Number.isSafeInteger(sizeBytes)
  );
}

async function isFileOf(sizeBytes: number, path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  return entry?.isFile() === true && entry.size === sizeBytes;
}

/**
 * Answers kept below `directory`, `{sha256 of the address}.json` beside its body. The body's name holds its digest, so that a
 * record never meets the body of another moment. A body is hashed each time it is used, so nothing is flushed.
 *
 * @param others directories of the same form that are asked after this one, and never written.
 */
export function createAnswerStore(directory: string, others: readonly string[] = []): AnswerStore {
  let cleared: Promise<void> | undefined;
  const nameOf = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 40);
  const recordAt = (name: string, place = directory): string => join(place, `${name}.json`);
  const bodyName = (name: string, digest: Digest): string => `${name}.${digest.slice(7, 39)}.body`;
  const recordOf = (url: string): string => recordAt(nameOf(url));
  const bodyOf = (url: string, digest: Digest, place = directory): string => join(place, bodyName(nameOf(url), digest));

  async function remove(path: string): Promise<void> {
    await unlink(path).catch((error: unknown) => {
      if (!isNoFile(error)) throw error;
    });
  }

  /** Runs `replace`, which puts a file at `path`, and once more after a directory that lay there was removed. */
  async function inPlace(path: string, replace: () => Promise<void>): Promise<void> {
    try {
      await replace();
    } catch (error) {
      if (errnoOf(error) !== 'EISDIR') throw error;
      await rm(path, { recursive: true, force: true });
      await replace();
    }
  }

  async function findIn(place: string, name: string): Promise<StoredAnswer | undefined> {
    try {
      const value: unknown = JSON.parse((await readRegularFile(recordAt(name, place))).toString());
      return isStoredAnswer(value) ? value : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || errnoOf(error) !== undefined) return undefined; // whatever the disk says: asked for anew
      throw error;
    }
  }

  /** Removes, once, what killed processes left. */
  function clear(): Promise<void> {
    cleared ??= removeLeftAnswers(directory, async (name) => {
      const answer = await findIn(directory, name);
      return answer && bodyName(name, answer.digest);
    });
    return cleared;
  }

  async function copyFrom(place: string, url: string, answer: StoredAnswer, target: string): Promise<boolean> {
    const stored = bodyOf(url, answer.digest, place);
    try {
      refuseSpecialFile(stored);
      await copyFile(stored, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } catch (error) {
      if (errnoOf(error) === undefined || isDiskFull(error)) throw error;
      await remove(target); // a part of it, when the disk is in trouble
      return false;
    }
    // The copy is what the caller gets, so the copy is what is checked.
    const { digest, sizeBytes } = await hashFile(target);
    if (digest === answer.digest && sizeBytes === answer.sizeBytes) return true;
    await remove(target);
    if (place === directory) await Promise.all([remove(recordOf(url)), remove(stored)]);
    return false;
  }

  return {
    async find(url) {
      for (const place of [directory, ...others]) {
        const answer = await findIn(place, nameOf(url));
        if (answer !== undefined) return answer;
      }
      return undefined;
    },
    async copyBody(url, answer, target) {
      for (const place of [directory, ...others]) if (await copyFrom(place, url, answer, target)) return true;
      return false;
    },
    async store(url, answer, body) {
      ensureDirectory(directory);
      await clear();
      const before = await findIn(directory, nameOf(url));
      const kept = bodyOf(url, answer.digest);
      if (before !== undefined && isDeepStrictEqual(before, answer) && (await isFileOf(answer.sizeBytes, kept))) return;
      const temporary = join(directory, `${nameOf(url)}.${randomBytes(6).toString('hex')}.tmp`);
      try {
        await copyFile(body, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        await chmod(temporary, 0o644); // whoever may read the cache may read this, as its packages
        await inPlace(kept, () => rename(temporary, kept));
      } catch (error) {
        await remove(temporary);
        throw error;
      }
      const record = recordOf(url);
      await inPlace(record, () => replaceFile(record, JSON.stringify(answer), `${temporary}.json`));
      if (before !== undefined && before.digest !== answer.digest) await remove(bodyOf(url, before.digest));
    },
  };
}
