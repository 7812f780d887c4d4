import type { Digest } from './digest.js';
import type { VerifiedPackage } from './packages.js';

/** Absolute path inside a tree, such as `/etc/hostname`. `..` is refused; symbolic links are followed inside the tree only. */
export type TreePath = string;

/** A cached difference between two trees. Tagged, so that the engine finds it inside step outputs. */
export interface LayerRef {
  readonly kind: 'layer';
  /** Digest of the canonical listing: paths, types, modes, owners, times, links, attributes and content digests. */
  readonly digest: Digest;
  readonly entries: number;
  readonly sizeBytes: number;
}

/** A tree as data: layers, lowest first. */
export interface TreeRef {
  readonly layers: readonly LayerRef[];
}

export interface FileAttributes {
  /** Permission bits, default 0o644. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970; default: the build's epoch. */
  readonly mtimeSeconds?: number;
}

/** A program inside a tree, as an argv; no shell is involved unless the argv names the tree's own. */
export interface TreeCommand {
  readonly argv: readonly string[];
  /** The whole environment; nothing of the host's is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: TreePath;
  readonly stdin?: string;
  /** Default false: the command sees a network namespace with nothing in it. */
  readonly network?: boolean;
  /** Exit statuses that are not failures; default [0]. */
  readonly accept?: readonly number[];
  /** Called for each line of output as it appears. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface CommandResult {
  readonly exitCode: number;
  /** The last 256 KiB of each stream. */
  readonly stdout: string;
  readonly stderr: string;
}

export type EntryType = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

export interface TreeEntry {
  readonly path: TreePath;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly linkTarget?: string;
}

/** An entry of a whole tree as its layers describe it; no file system is asked. */
export interface TreeRecord {
  /** `/` is the root itself. */
  readonly path: TreePath;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Bytes of a file; only the first name of a hard link carries it. */
  readonly sizeBytes?: number;
  /** SHA-256 of a file's bytes; only the first name of a hard link carries it. */
  readonly digest?: Digest;
  readonly linkTarget?: string;
  /** The first path of the file that this entry is another name of. */
  readonly hardlinkOf?: TreePath;
  readonly dev?: { readonly major: number; readonly minor: number };
  /** Extended attributes, ACLs and capabilities among them, in base64, as the system calls give them. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** Blocks that follow each other: in a file, as `first` of them, and in what it is packed into. */
export interface BlockExtent {
  /** Counted from the start of the file. */
  readonly first: number;
  /** Counted from {@link PackTarget.offsetBytes}. */
  readonly at: number;
  readonly count: number;
}

/** Where contents of files are packed. */
export interface PackTarget {
  /** Absolute path of an existing file of the host, which holds zeros in `free`. */
  readonly file: string;
  /** Where block 0 lies in it. */
  readonly offsetBytes: number;
  readonly blockBytes: number;
  /** What may be written to, in this order. */
  readonly free: readonly { readonly at: number; readonly count: number }[];
}

/** Where each file went, in the order that they were named; `full` when there are fewer free blocks than the contents take. */
export type Packing =
  | { readonly kind: 'packed'; readonly extents: readonly (readonly BlockExtent[])[] }
  | { readonly kind: 'full'; readonly blocks: number };

/** Where the content of a file goes. */
export interface ContentPlace {
  readonly path: TreePath;
  /** Counted from the start of the file that it is written into. */
  readonly offsetBytes: number;
}

/** What of an archive is unpacked. */
export interface ExtractOptions {
  /**
   * Directories of the archive, such as `/usr/share/doc`, of which no file is unpacked, nor hard links to one; directories in them are made.
   * Whoever only wants a package's programs to run spares half of its files.
   */
  readonly without?: readonly string[];
}

/** A writable root on top of cached layers, inside the sandbox. */
export interface TreeSession {
  /** @throws `ICT_COMMAND_FAILED` when the exit status is not accepted. */
  run(command: TreeCommand): Promise<CommandResult>;
  /**
   * Unpacks a package's files, without its scripts. `format` says how to find the tar inside. A member that leaves the root is an error, and so is
   * a command that still runs in the tree (`ICT_SANDBOX_BUSY`); one that is started meanwhile waits.
   */
  extract(file: string, format: 'deb' | 'tar', at?: TreePath, options?: ExtractOptions): Promise<void>;
  write(path: TreePath, content: Uint8Array | string, attributes?: FileAttributes): Promise<void>;
  /** Copies a host file in, without reading it into memory. */
  copyIn(hostFile: string, path: TreePath, attributes?: FileAttributes): Promise<void>;
  /** @returns the bytes, or undefined when nothing is there. */
  read(path: TreePath): Promise<Uint8Array | undefined>;
  stat(path: TreePath): Promise<TreeEntry | undefined>;
  /** Entries directly below a directory, sorted by name; empty when it is absent. */
  list(path: TreePath): Promise<readonly TreeEntry[]>;
  makeDirectory(path: TreePath, attributes?: FileAttributes): Promise<void>;
  symlink(target: string, path: TreePath): Promise<void>;
  /** Removes a file, or a directory with all below it; nothing happens when it is absent. */
  remove(path: TreePath): Promise<void>;
  /** Makes package files readable inside the tree, read-only, under the names that they have in the cache, their twins in place of those that have one; gone when the session ends. As {@link extract}, not while a command runs. */
  expose(packages: readonly VerifiedPackage[], at: TreePath): Promise<void>;
}

export interface ChangeOptions {
  /**
   * Latest time that an entry of the new layer may carry, seconds since 1970. Default: what is brought keeps its own up to the image's epoch, and what is
   * made gets 1980-01-01T00:00:01Z or `SOURCE_DATE_EPOCH`.
   */
  readonly epochSeconds?: number;
}

/** Opens trees. */
export interface TreeRunner {
  /** Runs `work` on a fresh writable layer over `parent` and returns that layer. */
  change(parent: TreeRef, work: (tree: TreeSession) => Promise<void>, options?: ChangeOptions): Promise<LayerRef>;
  /** Runs `work` on a throw-away view of `tree`. */
  inspect<T>(tree: TreeRef, work: (tree: TreeSession) => Promise<T>): Promise<T>;
  /**
   * All that a tree holds: directories before what is in them, names in the order of their bytes. Sockets are in none. Names and
   * targets of links are UTF-8: a layer with any other is refused.
   */
  records(tree: TreeRef): Promise<readonly TreeRecord[]>;
  /**
   * Writes the contents of files of a tree, one after another, into free blocks of a host file. A file's blocks of zeros are left out,
   * wherever the disk of this machine has its holes, and its last block is filled up with zeros.
   *
   * @param paths files of the tree, by any of their names.
   */
  pack(tree: TreeRef, paths: readonly TreePath[], target: PackTarget): Promise<Packing>;
  /**
   * Writes the contents of files of a tree whole, each at its own place, into a host file that exists and is large enough. Long runs of
   * zeros are left out: the file must hold zeros there.
   *
   * @param contents files of the tree, by any of their names; links are not followed.
   */
  place(tree: TreeRef, contents: readonly ContentPlace[], file: string): Promise<void>;
}

/** A host path made visible to a tool. */
export interface ToolMount {
  /** Absolute host path of a file or directory, or a tree. */
  readonly source: string | TreeRef;
  /** Where the tool sees it, such as `/in` or `/out`. */
  readonly at: TreePath;
  readonly writable?: boolean;
}

/** A command that runs in a throw-away view of the tools tree. */
export interface ToolCommand extends TreeCommand {
  readonly mounts?: readonly ToolMount[];
  /**
   * Argvs of further commands, run one after another in the same view, alike in everything else: setting one up costs more than a small
   * command. Of `stdin` each gets what those before it left, and what one leaves running ends with the last.
   */
  readonly following?: readonly (readonly string[])[];
}

/** Runs programs of the tools tree: those that shape an image's bytes. Host versions never reach an image. */
export interface ToolsRunner {
  /**
   * @returns how the last command ended, and what all of them printed.
   * @throws `ICT_COMMAND_FAILED` for the first whose exit status is not accepted; those after it do not run.
   */
  run(command: ToolCommand): Promise<CommandResult>;
  /** A file of the tools tree as it is; undefined when there is none. */
  read(path: TreePath): Promise<Uint8Array | undefined>;
  /** Says which tools these are: belongs to the key of each step that may use them. */
  readonly digest: Digest;
}
