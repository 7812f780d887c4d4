import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, createZstdCompress } from 'node:zlib';
import { gatherUnread, unreadable, type ImageFile } from '@ict/cache';
import { copySparse, errnoOf, systemErrorOf, temporaryName } from '@ict/integrity';
import { cliError } from '../errors.js';
import { cacheOf, entriesOf, lookAtEach } from '../open-cache.js';
import { giveToInvoker } from '../ownership.js';
import type { CacheFlags } from '../flag-types.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { unwritableFile } from '../unwritable-file.js';
import { warnUnread } from '../unread.js';
import { plainText } from '../views/terminal-text.js';
import { findEntry } from '../views/cache-entry-text.js';

const run = promisify(execFile);

/** Writes `to` from the raw disk `from`. */
type Conversion = (from: string, to: string, signal: AbortSignal) => Promise<unknown>;

const disk =
  (format: string, ...options: readonly string[]): Conversion =>
  (from, to, signal) =>
    run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, from, to], { signal });

/** What a raw disk can be made into, by the suffix of the file. */
const conversions: Readonly<Record<string, Conversion>> = {
  '.raw': copySparse,
  '.img': copySparse,
  '.raw.gz': (from, to, signal) => pipeline(createReadStream(from), createGzip(), createWriteStream(to), { signal }),
  '.raw.zst': (from, to, signal) => pipeline(createReadStream(from), createZstdCompress(), createWriteStream(to), { signal }),
  '.qcow2': disk('qcow2'),
  '.vmdk': disk('vmdk'),
  // Without force_size the disk grows to what cylinders, heads and sectors can say.
  '.vhd': disk('vpc', '-o', 'force_size=on'),
  '.vhdx': disk('vhdx'),
  '.vdi': disk('vdi'),
};

/** `ict cache export`: one file of a kept image as it is, or its disk in another form. */
export async function cacheExport(session: Session, id: string, file: string, flags: CacheFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const target = resolve(session.surroundings.cwd, file);
  const { unread, unseen } = gatherUnread();
  const { own, behind } = await lookAtEach(engine, unseen);
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
  const { source, convert } = choose(files, file);
  await requireNoOther(target, file);
  const fresh = join(dirname(target), temporaryName());
  try {
    await convert(join(entry.path, source.name), fresh, session.signal);
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

/** The file with the same ending, else the raw disk with what makes it the form that the ending asks for. */
function choose(files: readonly ImageFile[], file: string): { readonly source: ImageFile; readonly convert: Conversion } {
  const ends = (ending: string): boolean => file.endsWith(ending);
  const same = files.find(({ name }) => ends(name.replace(/^.*?(?=\.[a-z])/, '')));
  if (same !== undefined) return { source: same, convert: copySparse };
  const raw = files.find(({ name, type }) => type !== undefined && name.endsWith('.raw'));
  const [, convert] = Object.entries(conversions).find(([ending]) => ends(ending)) ?? [];
  if (raw !== undefined && convert !== undefined) return { source: raw, convert };
  throw cliError('ICT_CLI_USAGE', {
    message: `the image cannot be written as ${JSON.stringify(file)}`,
    hint: `It has ${files.map(({ name }) => name).join(', ')}${raw === undefined ? '' : `; its disk can become ${Object.keys(conversions).join(', ')}`}.`,
  });
}

function failure(error: unknown, file: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && path === 'qemu-img') {
    return cliError('ICT_CLI_HOST_MISSING', {
      message: `qemu-img is needed to write ${file}`,
      hint: 'Run `ict doctor --for boot --install`.',
      cause: error,
    });
  }
  const reason = systemErrorOf(error) ?? programsWords(error);
  if (reason === undefined) return error;
  return unwritableFile(file, error, reason);
}

/** The last line that a program which failed wrote to standard error. */
function programsWords(error: unknown): string | undefined {
  const { stderr } = error as { readonly stderr?: unknown };
  return typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : undefined;
}
