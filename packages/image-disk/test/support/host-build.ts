import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packFiles } from '@ict/archive';
import { IctError } from '@ict/plugin-api';
import type {
  BlobRef,
  BuildContext,
  CommandResult,
  Digest,
  EntryType,
  EventBody,
  Json,
  LayerRef,
  StepRunner,
  ToolsRunner,
  TreeEntry,
  TreeRef,
  TreeSession,
} from '@ict/plugin-api';
import { hostRecords } from './host-records.js';

export const EPOCH = 1_700_000_000;

/** A build that keeps trees in host directories and runs the host's own programs in place of a tools tree. */
export interface HostBuild {
  readonly ctx: BuildContext;
  readonly steps: StepRunner & { readonly ran: string[] };
  readonly events: EventBody[];
  readonly commands: string[][];
  /** Makes a tree of one layer: path to text, `null` for a directory, `{link}` for a symbolic link. */
  tree(files: Readonly<Record<string, TreeContent>>): TreeRef;
  session(tree: TreeRef): TreeSession;
  blobPath(blob: BlobRef): string;
  remove(): void;
}

export type TreeContent = string | Uint8Array | null | { readonly link: string };

export function hostBuild(): HostBuild {
  const base = mkdtempSync(join(tmpdir(), 'ict-disk-test-'));
  const layers = new Map<string, string>();
  const commands: string[][] = [];
  const events: EventBody[] = [];
  const directoryOf = (tree: TreeRef): string => {
    const top = tree.layers.at(-1);
    if (top === undefined) return emptyDirectory(base);
    return layers.get(top.digest) as string;
  };
  const addLayer = (directory: string): LayerRef => {
    const digest = digestText(listing(directory).join('\n'));
    layers.set(digest, directory);
    return { kind: 'layer', digest, entries: 10, sizeBytes: 1024 };
  };
  const tools: ToolsRunner = {
    digest: digestText('tools'),
    run: async ({ argv, following = [], env, mounts = [], accept = [0] }) => {
      const sources = mounts.map(({ at, source }) => ({ at, path: typeof source === 'string' ? source : directoryOf(source) }));
      const onHost = (text: string): string => {
        const mount = sources.find(({ at }) => text === at || text.startsWith(`${at}/`));
        return mount === undefined ? text : mount.path + text.slice(mount.at.length);
      };
      const environment = Object.fromEntries(Object.entries(env ?? {}).map(([name, value]) => [name, onHost(value)]));
      const runOne = async (command: readonly string[]): Promise<CommandResult> => {
        commands.push([...command]);
        const [program, ...rest] = command.map(onHost) as [string, ...string[]];
        const result = await execute(program, rest, environment);
        if (accept.includes(result.exitCode)) return result;
        throw new IctError('ICT_COMMAND_FAILED', 'command', { message: `${command.join(' ')}: ${result.stderr}` });
      };
      let result = await runOne(argv);
      for (const next of following) result = await runOne(next);
      return result;
    },
  };
  const temporary = join(base, 'temporary');
  mkdirSync(temporary);
  const blobs = join(base, 'blobs');
  mkdirSync(blobs);
  const store = (file: string): BlobRef => {
    const digest = digestFile(file);
    renameSync(file, join(blobs, digest));
    return { kind: 'blob', digest, sizeBytes: statSync(join(blobs, digest)).size };
  };
  const unused = (): never => {
    throw new Error('not part of this test');
  };
  const ctx: BuildContext = {
    signal: new AbortController().signal,
    clock: () => EPOCH + 1000,
    fetch: { fetch: unused },
    verify: { digestFile: unused, checkParts: unused, clearsigned: unused, detached: unused },
    memo: { get: unused, set: unused },
    temporary,
    epochSeconds: EPOCH,
    emit: (event) => events.push(event),
    blobs: {
      putFile: async (file) => store(file),
      putBytes: unused,
      path: async (digest) => (existsSync(join(blobs, digest)) ? join(blobs, digest) : undefined),
    },
    tools,
    trees: {
      inspect: (tree, work) => work(hostSession(directoryOf(tree))),
      change: async (parent, work) => {
        const copy = join(base, randomUUID());
        cpSync(directoryOf(parent), copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
        await work(hostSession(copy));
        return addLayer(copy);
      },
      records: (tree) => (tree.layers.length === 0 ? Promise.resolve([]) : hostRecords(directoryOf(tree))),
      pack: (tree, paths, target) => {
        const files = paths.map((path) => ({
          path: join(directoryOf(tree), path),
          sizeBytes: statSync(join(directoryOf(tree), path)).size,
        }));
        return packFiles(files, target, ctx.signal);
      },
    },
  };
  const results = new Map<string, Json>();
  const ran: string[] = [];
  return {
    ctx,
    events,
    commands,
    steps: {
      ran,
      step: async (type, version, key, run) => {
        const id = JSON.stringify([type, version, key]);
        if (!results.has(id)) {
          ran.push(type);
          results.set(id, await run());
        }
        return results.get(id) as Awaited<ReturnType<typeof run>>;
      },
    },
    tree: (files) => {
      const directory = join(base, randomUUID());
      mkdirSync(directory);
      for (const [path, content] of Object.entries(files)) writeEntry(join(directory, path), content);
      return { layers: [addLayer(directory)] };
    },
    session: (tree) => hostSession(directoryOf(tree)),
    blobPath: (blob) => join(blobs, blob.digest),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

function hostSession(root: string): TreeSession {
  const at = (path: string): string => join(root, path);
  const entry = (path: string): TreeEntry | undefined => {
    const stats = lstatSync(at(path), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const type: EntryType = stats.isSymbolicLink() ? 'symlink' : stats.isDirectory() ? 'directory' : stats.isFIFO() ? 'fifo' : 'file';
    const link = type === 'symlink' ? { linkTarget: readlinkSync(at(path)) } : {};
    return { path, type, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, sizeBytes: stats.size, ...link };
  };
  const unused = (): never => {
    throw new Error('not part of this test');
  };
  return {
    run: unused,
    extract: unused,
    copyIn: unused,
    expose: unused,
    write: async (path, content) => writeFileSync(at(path), content),
    read: async (path) => (existsSync(at(path)) ? readFileSync(at(path)) : undefined),
    stat: async (path) => entry(path),
    list: async (path) =>
      existsSync(at(path)) && statSync(at(path)).isDirectory()
        ? readdirSync(at(path))
            .sort()
            .map((name) => entry(join(path, name)) as TreeEntry)
        : [],
    makeDirectory: async (path) => void mkdirSync(at(path), { recursive: true }),
    symlink: async (target, path) => symlinkSync(target, at(path)),
    remove: async (path) => rmSync(at(path), { recursive: true, force: true }),
  };
}

function writeEntry(file: string, content: TreeContent): void {
  mkdirSync(content === null ? file : dirname(file), { recursive: true });
  if (content === null) return;
  if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, file);
  else writeFileSync(file, content);
}

function listing(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path.slice(directory.length)} ${entry.isFile() ? digestFile(path) : entry.isSymbolicLink() ? readlinkSync(path) : ''}`;
    })
    .sort();
}

function emptyDirectory(base: string): string {
  const directory = join(base, 'empty');
  mkdirSync(directory, { recursive: true });
  return directory;
}

function digestText(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest;
}

export function digestFile(file: string): Digest {
  return `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}` as Digest;
}

/** Runs a program of the host, without a shell; never throws for an exit status. */
export function execute(program: string, argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult> {
  const path = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    execFile(program, [...argv], { env: env ?? path, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** Cuts bytes out of a file into a new one, for programs that know no offsets. */
export function cut(from: string, offset: number, size: number, to: string): string {
  writeFileSync(to, readFileSync(from).subarray(offset, offset + size));
  return to;
}
