import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { gatherUnread, unreadable, type ImageFile } from '@ict/cache';
import { copySparse, ensureDirectory, errnoOf, systemErrorOf, temporaryName } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { convertDisk, diskForms, endingOf, programsWords, sourceForms } from '../disk-forms.js';
import { cliError } from '../errors.js';
import { cacheOf, entriesOf, lookAtEach } from '../open-cache.js';
import { giveToInvoker } from '../invoker.js';
import type { CacheFlags } from '../flag-types.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { unwritableFile } from '../unwritable-file.js';
import { warnUnread } from '../unread.js';
import { plainText } from '../views/terminal-text.js';
import { findEntry } from '../views/cache-entry-text.js';

/** `ict cache export`: one file of a kept image as it is, or its disk in another form. */
export async function cacheExport(session: Session, id: string, file: string, flags: CacheFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const target = resolve(session.surroundings.cwd, file);
  const { unread, unseen } = gatherUnread();
  const { own, behind } = await lookAtEach(engine, unseen, session.signal);
  const caches = own === undefined ? behind : [own, ...behind];
  const entries = await entriesOf(caches, unseen, ['image']);
  warnUnread(session, unread);
  const entry = findEntry(entries, id);
  const cache = cacheOf(caches, entry);
  const { images } = cache;
  if (cache === own) await images.noteUse(entry.id); // caches that are only read remember no use
  const faults = await images.check(entry.id).catch((error: unknown) => Promise.reject(unreadable(entry.path, error)));
  if (faults.length > 0) {
    throw cliError('ICT_CLI_IMAGE_DAMAGED', {
      message: `the image ${entry.id} is damaged: ${faults.join('; ')}`,
      hint: '`ict cache verify --repair` takes it away; build it again.',
      facts: { id: entry.id },
    });
  }
  const { files } = (await images.record(entry.id)) ?? { files: [] };
  const { source, write } = choose(files, file);
  await requireNoOther(target, file);
  const fresh = join(dirname(target), temporaryName());
  try {
    ensureDirectory(dirname(target));
    await write(join(entry.path, source.name), fresh, session.signal);
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined); // the cause says more
    session.signal.throwIfAborted();
    throw failure(error, file);
  }
  await giveToInvoker([target], session.surroundings);
  session.document({ id: entry.id, source: source.name, file: target, unread });
  session.result(`${plainText(target)}\n`);
}

/** Whatever is no file is never replaced: a device, for one. @throws `ICT_CLI_FILE_UNWRITABLE` */
async function requireNoOther(target: string, file: string): Promise<void> {
  const there = await lstat(target).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw unwritableFile(file, error);
    return undefined;
  });
  if (there !== undefined && !there.isFile() && !there.isSymbolicLink()) throw unwritableFile(file, undefined, 'what is there is no file');
}

/** Writes the file of an image to a place. */
type Writing = (from: string, to: string, signal: AbortSignal) => Promise<void>;

/** The file with the same ending, else a disk, the raw one if there is one, with what makes it the form that the ending asks for. */
function choose(files: readonly ImageFile[], file: string): { readonly source: ImageFile; readonly write: Writing } {
  const ending = endingOf(file);
  const same = files.find(({ name }) => endingOf(name) === ending);
  if (same !== undefined) return { source: same, write: copySparse };
  const disks = files.flatMap((source) => {
    const form = source.type === undefined ? undefined : sourceForms[endingOf(source.name)];
    return form === undefined ? [] : [{ source, form }];
  });
  const plain = disks.filter(({ form }) => form.compression === undefined);
  const disk = plain.find(({ form }) => form.format === 'raw') ?? plain[0] ?? disks[0];
  const target = diskForms[ending];
  if (disk !== undefined && target !== undefined) {
    return { source: disk.source, write: (from, to, signal) => convertDisk(from, disk.form, to, target, signal) };
  }
  throw cliError('ICT_CLI_USAGE', {
    message: `the image cannot be written as ${JSON.stringify(file)}`,
    hint: `It has ${files.map(({ name }) => name).join(', ')}${disk === undefined ? ', each of which is written under its own ending' : `; its disk can become ${Object.keys(diskForms).join(', ')}`}.`,
  });
}

function failure(error: unknown, file: string): unknown {
  if (isIctError(error)) return error;
  const reason = systemErrorOf(error) ?? programsWords(error);
  if (reason === undefined) return error;
  return unwritableFile(file, error, reason);
}
