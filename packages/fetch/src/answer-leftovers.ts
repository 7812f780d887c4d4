import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreSystemError } from '@ict/integrity';

/** Nobody is writing a file any more that did not change for so long, and nobody is about to say what it is. */
const LEFT_MS = 7 * 24 * 3600 * 1000;

/** What a file of answers is being written under. */
const UNFINISHED = /^[0-9a-f]{40}\.[0-9a-f]{12}\.tmp(?:\.json)?$/;

const BODY = /^([0-9a-f]{40})\.([0-9a-f]{32})\.body$/;

/**
 * Removes from a directory of answers what killed processes left long ago: files that were being written, and bodies of which no record speaks.
 * What cannot be looked at or removed stays.
 *
 * @param bodyOf the name of the body that the record of this name speaks of.
 * @throws what `bodyOf` throws.
 */
export async function removeLeftAnswers(directory: string, bodyOf: (name: string) => Promise<string | undefined>): Promise<void> {
  const names = (await readdir(directory).catch(ignoreSystemError)) ?? [];
  const bodies = Map.groupBy(names, (name) => BODY.exec(name)?.[1]);
  const records = new Set(names.filter((name) => name.endsWith('.json')));
  for (const name of names) {
    const record = BODY.exec(name)?.[1];
    if (record === undefined ? !UNFINISHED.test(name) : records.has(`${record}.json`) && bodies.get(record)?.length === 1) continue;
    const path = join(directory, name);
    const entry = await stat(path).catch(ignoreSystemError);
    if (entry === undefined || Date.now() - entry.mtimeMs < LEFT_MS) continue;
    if (record === undefined || (await bodyOf(record)) !== name) await unlink(path).catch(ignoreSystemError);
  }
}
