import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Socket } from 'node:net';
import { pipeline as pipeStreams, type Readable, type Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { readTar } from '@ict/archive';
import { syncDirectory, temporaryName } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { makeManifest, type LayerEntry, type LayerManifest } from '../manifest.js';
import { exitStatus, hostEnvironment } from './host-program.js';
import { layerFailure, layerIo } from './layer-failure.js';
import { LayerLister } from './layer-lister.js';
import { compareDirectory, type RawPath } from './layer-walk.js';
import type { TarOutput, TarSockets } from './tar-sockets.js';
import { OutputTail } from '../output-tail.js';
import { FILL_BYTES, StoredGunzip } from './stored-gunzip.js';
import { StoredGzip } from './stored-gzip.js';

/** Attributes that say how one machine keeps a file, not what it is. Label-based access control is set by the image writer. */
const MACHINE_ATTRIBUTES = [
  'user.overlay.origin',
  'user.overlay.impure',
  'user.overlay.uuid',
  'user.overlay.nlink',
  'trusted.overlay.origin',
  'trusted.overlay.impure',
  'trusted.overlay.uuid',
  'trusted.overlay.nlink',
  'security.selinux',
];

/**
 * One pass of GNU tar says everything about a layer: names, owners, links, devices, contents and extended attributes, which
 * Node cannot read. ACLs come as attributes too, with numeric ids. Names of the extra headers, access and change times are
 * fixed or left out, so that the bytes depend on the layer alone.
 */
const CREATE = [
  'tar',
  '--create',
  '--file=-',
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--sort=name',
  '--numeric-owner',
  '--blocking-factor=512',
  '--xattrs',
  '--xattrs-include=*',
  ...MACHINE_ATTRIBUTES.map((name) => `--xattrs-exclude=${name}`),
];

const EXTRACT = [
  'tar',
  '--extract',
  '--file=-',
  '--no-unquote', // it takes `\040` in the name of the directory for a blank otherwise, and unpacks into another one
  '--blocking-factor=512',
  '--numeric-owner',
  '--same-owner',
  '--same-permissions',
  '--delay-directory-restore',
  '--xattrs',
  '--xattrs-include=*',
];

/** What reading a layer needs beside it. */
export interface ReadingHooks {
  readonly signal: AbortSignal;
  /** For what tar says of the layer. */
  readonly sockets: TarSockets;
}

/**
 * Reads the layer in `directory`, once.
 *
 * @param archive file that gets the same bytes as `tar.gz`; it appears whole or not at all.
 * @throws `ICT_SANDBOX_LAYER` when tar fails; the signal's reason.
 */
export async function readLayer(directory: string, hooks: ReadingHooks, archive?: string): Promise<LayerManifest> {
  if (archive === undefined) return list(directory, hooks, (tar) => tar);
  try {
    return await publishWhole(archive, async (temporary) => {
      // Stored, not compressed: docs/decisions/0010-snapshots-are-stored.md. What gzip has compressed is read, too.
      await using file = await open(temporary, 'wx', 0o644);
      const gzip = new StoredGzip(file.fd);
      const manifest = await list(directory, hooks, (tar) => copyTo(gzip, tar));
      gzip.end();
      await file.sync();
      return manifest;
    });
  } catch (error) {
    if (hooks.signal.aborted || isIctError(error)) throw error;
    throw layerFailure('Writing an archive', archive, error);
  }
}

/**
 * Reads some entries of a layer: each by itself, without what lies below it.
 *
 * @param relative their paths below the directory, such as `/etc`; empty for the directory itself. Every name of a file with hard
 *   links must be among them, or none.
 * @throws `ICT_SANDBOX_LAYER` when tar fails; the signal's reason.
 */
export async function readEntries(directory: string, relative: readonly RawPath[], hooks: ReadingHooks): Promise<LayerEntry[]> {
  const names = Buffer.from(relative.map((path) => `.${path}\0`).join(''), 'latin1');
  const argv = [...CREATE, '--no-recursion', '--null', '--verbatim-files-from', `--directory=${directory}`, '--files-from=-'];
  return listTar(argv, directory, hooks, (tar) => tar, names);
}

/**
 * Unpacks an archive into `directory`, which is made, or must be empty. Whether it is the right one is not checked here.
 *
 * @returns what lies in the directory now. It is listed and hashed as it is unpacked, from the same bytes; afterwards every entry is looked
 *   at, and the files are read only where that, or attributes that tar may have failed to set without saying so, leave a doubt.
 * @throws `ICT_SANDBOX_LAYER` when the directory has content or tar fails; the signal's reason.
 */
export async function unpackLayer(archive: string, directory: string, hooks: ReadingHooks): Promise<LayerManifest> {
  const { signal } = hooks;
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) throw layerFailure('Unpacking an archive', directory, new Error('the directory is not empty'));
  const tar = startTar([...EXTRACT, `--directory=${directory}`], ['pipe', 'ignore'], signal);
  const lister = new LayerLister();
  const fed = feed(tar.input as Writable, archive, lister, signal);
  const [feeding, unpacking] = await Promise.allSettled([fed, tar.done]);
  signal.throwIfAborted();
  // A damaged file cuts tar's input short, so its error comes first.
  for (const outcome of [feeding, unpacking]) {
    if (outcome.status === 'rejected') throw layerFailure('Unpacking an archive', archive, outcome.reason);
  }
  const entries = lister.entries();
  const doubtful = entries.some(({ xattrs, opaque }) => xattrs !== undefined || opaque === true);
  const changed = layerIo('Looking at a layer', directory, () => compareDirectory(directory, entries));
  return doubtful || changed.length > 0 ? readLayer(directory, hooks) : makeManifest(entries);
}

/**
 * Lists what an archive holds, and unpacks nothing.
 *
 * @returns what would lie in a directory that it is unpacked to. Whether it is the right archive is not checked here.
 * @throws `ICT_SANDBOX_LAYER` when it cannot be read; the signal's reason.
 */
export async function listArchive(archive: string, signal: AbortSignal): Promise<LayerManifest> {
  const lister = new LayerLister();
  try {
    await listBytes(unpacked(archive, [], signal), lister, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw layerFailure('Reading an archive', archive, error);
  }
  return makeManifest(lister.entries());
}

/** Writes all bytes to tar, even when tar, which stops at its end mark, takes no more, and lists what they hold. */
async function feed(sink: Writable, archive: string, lister: LayerLister, signal: AbortSignal): Promise<void> {
  // A broken pipe: tar ended, and says itself why.
  sink.on('error', () => sink.destroy());
  const sending: Promise<void>[] = [];
  try {
    await listBytes(unpacked(archive, sending, signal), lister, signal, (bytes) => sending.push(send(sink, bytes)));
  } finally {
    sink.end();
  }
}

/**
 * Lists what the bytes of an archive hold. They are read to their end, beyond the end mark too: only then the checksum of the compressed file
 * is known to be good.
 *
 * @param seen gets each piece, before it is listed.
 */
async function listBytes(
  bytes: AsyncGenerator<Uint8Array, void, undefined>,
  lister: LayerLister,
  signal: AbortSignal,
  seen: (piece: Uint8Array) => void = () => undefined,
): Promise<void> {
  // Of its own each time, as whoever reads the archive may stop at its end mark.
  async function* through(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) {
      seen(next.value);
      yield next.value;
    }
  }
  try {
    await listMembers(through(), lister, signal);
    const rest = through();
    while ((await rest.next()).done !== true);
  } finally {
    await bytes.return(undefined);
  }
}

/** Resolves when the bytes are on their way, or nobody takes them any more. */
function send(sink: Writable, bytes: Uint8Array): Promise<void> {
  return sink.destroyed ? Promise.resolve() : new Promise((resolve) => sink.write(bytes, () => resolve()));
}

/**
 * The bytes of an archive, in pieces that are good until the next one is asked for.
 *
 * @param sending grows by a promise for each piece; until that is kept, the bytes stay as they are.
 */
async function* unpacked(archive: string, sending: Promise<void>[], signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const stored = StoredGunzip.open(archive);
  if (stored === undefined) {
    const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
    pipeStreams(createReadStream(archive, { highWaterMark: PIECE_BYTES }), gunzip, () => undefined); // it fails with what either fails with
    for await (const bytes of gunzip as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      yield bytes;
      await sending[sending.length - PIECES_AHEAD];
    }
    return;
  }
  const buffers = Array.from({ length: PIECES_AHEAD }, () => Buffer.allocUnsafeSlow(FILL_BYTES));
  try {
    for (let piece = 0; ; piece++) {
      await sending[piece - PIECES_AHEAD]; // this buffer's last bytes
      await nextTurn(); // of the event loop: tar takes no bytes otherwise
      signal.throwIfAborted();
      const bytes = stored.fill(buffers[piece % PIECES_AHEAD] as Buffer);
      if (bytes === undefined) return;
      yield bytes;
    }
  } finally {
    stored.close();
  }
}

type TarBytes = AsyncIterable<Uint8Array>;

/** Decompressed at a time: each piece costs a turn of the event loop. */
const PIECE_BYTES = 256 * 1024;
/** Pieces on their way to tar. */
const PIECES_AHEAD = 4;

async function list(directory: string, hooks: ReadingHooks, through: (tar: TarBytes) => TarBytes): Promise<LayerManifest> {
  return makeManifest(await listTar([...CREATE, `--directory=${directory}`, '.'], directory, hooks, through));
}

/** @param input what tar reads. */
async function listTar(
  argv: readonly string[],
  directory: string,
  { signal, sockets }: ReadingHooks,
  through: (tar: TarBytes) => TarBytes,
  input?: Buffer,
): Promise<LayerEntry[]> {
  const output = await sockets.take().catch((error: unknown) => {
    throw layerFailure('Reading a layer', directory, error);
  });
  try {
    const tar = startInto(output, argv, input, signal);
    const lister = new LayerLister();
    const reading = listMembers(through(output.pieces), lister, signal);
    const [ending, listing] = await Promise.allSettled([tar.done, reading.catch(tar.stop)]);
    signal.throwIfAborted();
    // A tar that failed also cut its stream short: its own message says why.
    for (const outcome of tar.stopped() ? [listing, ending] : [ending, listing]) {
      // What tar says of itself is that it could not read; what is wrong with the files shows in what it lists.
      if (outcome.status === 'rejected') throw layerFailure('Reading a layer', directory, outcome.reason, outcome === ending);
    }
    return lister.entries();
  } finally {
    output.pieces.close();
  }
}

function startInto(output: TarOutput, argv: readonly string[], input: Buffer | undefined, signal: AbortSignal): RunningTar {
  try {
    const tar = startTar(argv, [input === undefined ? 'ignore' : 'pipe', output.end], signal);
    // A tar that ends before it has read everything says itself why.
    tar.input?.on('error', () => undefined).end(input);
    return tar;
  } finally {
    output.end.destroy();
  }
}

async function listMembers(tar: TarBytes, lister: LayerLister, signal: AbortSignal): Promise<void> {
  for await (const member of readTar(tar, { signal })) {
    const adding = lister.add(member);
    if (adding !== undefined) await adding;
  }
}

async function* copyTo(gzip: StoredGzip, source: TarBytes): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    gzip.write(chunk);
    yield chunk;
  }
}

interface RunningTar {
  /** Its standard input; null unless it reads. */
  readonly input: Writable | null;
  /** Rejects with tar's own message when it fails. */
  readonly done: Promise<void>;
  /** Ends it because of `error`, which is thrown on. */
  readonly stop: (error: unknown) => never;
  /** Whether that ended it: known once `done` is settled. */
  readonly stopped: () => boolean;
}

/** @param stdio its standard input and output. */
function startTar(argv: readonly string[], stdio: readonly ['pipe' | 'ignore', Socket | 'ignore'], signal: AbortSignal): RunningTar {
  signal.throwIfAborted();
  const child = spawn(argv[0] as string, argv.slice(1), {
    cwd: '/',
    env: hostEnvironment(),
    stdio: [...stdio, 'pipe'],
  });
  let stopped = false;
  const kill = (): void => {
    stopped = true;
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  const tail = new OutputTail(16 * 1024);
  (child.stderr as Readable).on('data', (chunk: Buffer) => tail.push(chunk));
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killed) => {
      signal.removeEventListener('abort', kill);
      stopped &&= killed === 'SIGKILL' || killed === 'SIGPIPE'; // it was killed, or nobody read on; else it had ended by itself before
      const status = exitStatus(code, killed);
      if (status === 0) resolve();
      else reject(new Error(tail.text().trim() || `tar ended with status ${status}`));
    });
  });
  return {
    input: child.stdin,
    done,
    stop: (error) => {
      kill();
      throw error;
    },
    stopped: () => stopped,
  };
}

/** Runs `write` on a temporary name beside `file`, then renames that; on failure nothing is left. */
async function publishWhole<T>(file: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(file), temporaryName());
  try {
    const result = await write(temporary);
    await rename(temporary, file);
    await syncDirectory(dirname(file));
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
