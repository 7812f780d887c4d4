import { readFile } from 'node:fs/promises';
import { filesBelow, readDeb, readTarFile, type TarEntry } from '@ict/archive';
import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type {
  CommandResult,
  EntryType,
  FileAttributes,
  TreeCommand,
  TreeEntry,
  TreePath,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';

/** Content of a tree to begin with: text or bytes of a file, `null` for a directory, `{ link }` for a symbolic link. */
export type MemoryTreeContent = string | Uint8Array | null | { readonly link: string };

/** Answers a command of the tree; what it leaves out is exit status 0 and no output. */
export type CommandHandler = (command: TreeCommand, tree: TreeSession) => Partial<CommandResult> | Promise<Partial<CommandResult>>;

export interface MemoryTreeOptions {
  /** By absolute path; missing directories are made. */
  readonly files?: Readonly<Record<TreePath, MemoryTreeContent>>;
  /** Stands for the programs of the tree. Default: every command succeeds and prints nothing. */
  readonly run?: CommandHandler;
}

/** A tree that lives in memory, and remembers what was done to it. */
export interface MemoryTree extends TreeSession {
  /** Commands that were run, in order. */
  readonly commands: readonly TreeCommand[];
  /** Paths of the package files that were exposed, in order, with the directory in which the tree saw them. */
  readonly exposed: readonly { readonly at: TreePath; readonly file: string }[];
  /** One line for each entry, sorted by path: type, mode, owner, path, then the content's digest or the link's target. Equal trees have equal listings. */
  listing(): readonly string[];
}

interface Node {
  readonly type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  content: Uint8Array;
  readonly linkTarget?: string;
  readonly children: Map<string, Node>;
}

const MAX_LINKS = 40;
const NOTHING = new Uint8Array();

/**
 * A {@link TreeSession} over a map: paths are resolved as the sandbox resolves them (links inside the tree only, `..` refused, missing
 * directories made), packages and tars are unpacked, and commands go to `options.run`.
 */
export function memoryTree(options: MemoryTreeOptions = {}): MemoryTree {
  const root = directory({ mode: 0o755 });
  const commands: TreeCommand[] = [];
  const exposed: { at: TreePath; file: string }[] = [];

  const place = (path: TreePath, content: MemoryTreeContent): void => {
    if (content === null) makeDirectory(root, path);
    else if (typeof content === 'object' && 'link' in content) put(root, path, symlink(content.link), false);
    else put(root, path, file(bytesOf(content)), true);
  };
  for (const [path, content] of Object.entries(options.files ?? {})) place(path, content);

  const session: MemoryTree = {
    commands,
    exposed,
    listing: () => listing(root, ''),
    run: async (command) => {
      commands.push(command);
      const answer = (await options.run?.(command, session)) ?? {};
      const result = { exitCode: 0, stdout: '', stderr: '', ...answer };
      for (const stream of ['stdout', 'stderr'] as const) {
        for (const line of result[stream].split('\n')) if (line !== '') command.onLine?.(line, stream);
      }
      if (!(command.accept ?? [0]).includes(result.exitCode)) {
        throw new IctError('ICT_COMMAND_FAILED', 'command', {
          message: `${command.argv.join(' ')} ended with exit status ${result.exitCode}`,
          facts: { argv: command.argv, exitCode: result.exitCode, stderr: result.stderr },
        });
      }
      return result;
    },
    extract: async (hostFile, format, at = '/', { without = [] } = {}) => {
      const entries = format === 'deb' ? (await readDeb(hostFile)).data() : readTarFile(hostFile);
      const leftOut = filesBelow(without);
      for await (const entry of entries) if (!leftOut(entry)) await unpack(root, at, entry);
    },
    write: async (path, content, attributes) => put(root, path, file(bytesOf(content), attributes), true),
    copyIn: async (hostFile, path, attributes) => put(root, path, file(await readFile(hostFile), attributes), true),
    read: async (path) => {
      const node = locate(root, path, true);
      if (node === undefined) return undefined;
      if (node.type !== 'file') throw badPath(path, 'it is not a regular file');
      return Uint8Array.from(node.content);
    },
    stat: async (path) => {
      const node = locate(root, path, false);
      return node && entryOf(normalised(path), node);
    },
    list: async (path) => {
      const node = locate(root, path, true);
      if (node === undefined) return [];
      if (node.type !== 'directory') throw badPath(path, 'it is not a directory');
      const prefix = normalised(path) === '/' ? '' : normalised(path);
      return [...node.children.keys()].sort().map((name) => entryOf(`${prefix}/${name}`, node.children.get(name) as Node));
    },
    makeDirectory: async (path, attributes) => void makeDirectory(root, path, attributes),
    symlink: async (target, path) => put(root, path, symlink(target), false),
    remove: async (path) => {
      const parts = partsOf(path);
      const name = parts.pop();
      if (name === undefined) throw badPath(path, 'the root itself cannot be removed');
      locate(root, `/${parts.join('/')}`, true)?.children.delete(name);
    },
    expose: async (packages: readonly VerifiedPackage[], at) => {
      partsOf(at);
      for (const { file: hostFile } of packages) exposed.push({ at, file: hostFile });
    },
  };
  return session;
}

function file(content: Uint8Array, attributes: FileAttributes = {}): Node {
  return { type: 'file', ...owner(attributes), mode: attributes.mode ?? 0o644, content, children: new Map() };
}

function directory(attributes: FileAttributes = {}): Node {
  return { type: 'directory', ...owner(attributes), mode: attributes.mode ?? 0o755, content: NOTHING, children: new Map() };
}

function symlink(linkTarget: string): Node {
  return { type: 'symlink', uid: 0, gid: 0, mode: 0o777, content: NOTHING, linkTarget, children: new Map() };
}

function owner({ uid = 0, gid = 0 }: FileAttributes): { uid: number; gid: number } {
  return { uid, gid };
}

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content);
}

function partsOf(path: string): string[] {
  if (!path.startsWith('/')) throw badPath(path, 'it is not absolute');
  if (path.includes('\0')) throw badPath(path, 'it has a NUL byte');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw badPath(path, 'it has a ".." part');
  return parts;
}

function normalised(path: string): string {
  return `/${partsOf(path).join('/')}`;
}

interface Walk {
  /** Directories from the root to the one that holds the place. */
  readonly parent: Node;
  readonly name: string | undefined;
}

/** Walks to a place. @returns undefined when a directory on the way is missing and `make` is false. */
function walk(root: Node, path: string, follow: boolean, make: boolean): Walk | undefined {
  const pending = partsOf(path).reverse();
  const open: Node[] = [root];
  let links = 0;
  for (;;) {
    const here = open.at(-1) as Node;
    const part = pending.pop();
    if (part === undefined) return { parent: here, name: undefined };
    if (part === '..') {
      if (open.length > 1) open.pop();
      continue;
    }
    let node = here.children.get(part);
    const last = pending.length === 0;
    if (node?.type === 'symlink' && (!last || follow)) {
      if (++links > MAX_LINKS) throw badPath(path, 'it leads through too many symbolic links');
      const target = node.linkTarget as string;
      if (target.startsWith('/')) open.splice(1);
      pending.push(
        ...target
          .split('/')
          .filter((name) => name !== '' && name !== '.')
          .reverse(),
      );
      continue;
    }
    if (last) return { parent: here, name: part };
    if (node === undefined) {
      if (!make) return undefined;
      node = directory();
      here.children.set(part, node);
    }
    if (node.type !== 'directory') throw badPath(path, `${JSON.stringify(part)} is not a directory`);
    open.push(node);
  }
}

function locate(root: Node, path: string, follow: boolean): Node | undefined {
  const end = walk(root, path, follow, false);
  return end === undefined || end.name === undefined ? end?.parent : end.parent.children.get(end.name);
}

function put(root: Node, path: string, node: Node, follow: boolean): void {
  const { parent, name } = walk(root, path, follow, true) as Walk;
  if (name === undefined || parent.children.get(name)?.type === 'directory') throw badPath(path, 'a directory is there');
  parent.children.set(name, node);
}

/** Makes a directory and those above it; one that is there takes the attributes only when some are given. */
function makeDirectory(root: Node, path: string, attributes?: FileAttributes): Node {
  const { parent, name } = walk(root, path, true, true) as Walk;
  const there = name === undefined ? parent : parent.children.get(name);
  if (there === undefined) {
    const made = directory(attributes);
    parent.children.set(name as string, made);
    return made;
  }
  if (there.type !== 'directory') throw badPath(path, 'something that is not a directory is there');
  if (attributes !== undefined) Object.assign(there, owner(attributes), { mode: attributes.mode ?? there.mode });
  return there;
}

async function unpack(root: Node, at: TreePath, entry: TarEntry): Promise<void> {
  const path = `${at}/${entry.path}`;
  const { mode, uid, gid, type } = entry;
  switch (type) {
    case 'directory':
      makeDirectory(root, path, { mode, uid, gid });
      return;
    case 'symlink':
      put(root, path, symlink(entry.linkTarget as string), false);
      return;
    case 'hardlink': {
      const target = locate(root, `${at}/${entry.linkTarget as string}`, false);
      if (target === undefined) throw badPath(path, 'it is a hard link to nothing');
      put(root, path, target, false);
      return;
    }
    case 'file': {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content) chunks.push(chunk);
      put(root, path, file(Uint8Array.from(Buffer.concat(chunks)), { mode, uid, gid }), false);
      return;
    }
    default:
      put(root, path, { ...file(NOTHING, { mode, uid, gid }), type }, false);
  }
}

function entryOf(path: string, node: Node): TreeEntry {
  const { type, mode, uid, gid, content, linkTarget } = node;
  return { path, type, mode, uid, gid, sizeBytes: content.length, ...(linkTarget === undefined ? {} : { linkTarget }) };
}

function listing(node: Node, prefix: string): readonly string[] {
  return [...node.children.keys()].sort().flatMap((name) => {
    const child = node.children.get(name) as Node;
    const { type, mode, uid, gid, content, linkTarget } = child;
    const detail = type === 'file' ? ` ${digestOf(content)}` : linkTarget === undefined ? '' : ` -> ${linkTarget}`;
    return [`${type} ${mode.toString(8)} ${uid}:${gid} ${prefix}/${name}${detail}`, ...listing(child, `${prefix}/${name}`)];
  });
}

function badPath(path: string, reason: string): IctError {
  return new IctError('ICT_TREE_PATH', 'invalid', {
    message: `${JSON.stringify(path)} cannot be used inside the tree: ${reason}`,
    hint: 'Give an absolute path of the image, such as /etc/hostname, without "..".',
    facts: { path, reason },
  });
}
