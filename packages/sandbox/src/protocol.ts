import type { CommandResult, Digest, ErrorRecord, PackTarget, Packing, TreeEntry } from '@ict/plugin-api';
import type { PackedFile, PlacedFile } from '@ict/archive';
import type { LayerEntry, LayerManifest } from './manifest.js';

/** File attributes with every default filled in. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

/** What a bind mount shows: a host path, or layers. */
export type MountSource = { readonly path: string } | { readonly lowers: readonly string[] };

/** Compact identity of every entry of a directory, or of its contents, as the file system reports it. */
export interface LayerSignature {
  /** SHA-256 over path, inode number, size, mtime, ctime and mode of each entry. */
  readonly digest: Digest;
  readonly entries: number;
}

/** Which times entries of a layer get when it is sealed, seconds since 1970. */
export interface LayerTimes {
  /** That of an entry which is later than `latestSeconds`, because it was made just now. */
  readonly epochSeconds: number;
  /** Up to here an entry keeps its own; default: `epochSeconds`. */
  readonly latestSeconds?: number | undefined;
}

/** A layer that was just sealed. */
export interface SealedLayer extends LayerManifest {
  /** Identity of what is in its directory, without the directory itself, as the file system reported it before any of it was read. */
  readonly contents: LayerSignature;
}

/** How the last of several commands that ran ended, what all of them printed, and how many were begun. */
export interface CommandsEnd extends CommandResult {
  readonly begun: number;
}

/** What the agent can do. Byte strings travel in base64. */
export interface AgentMethods {
  'agent.close': { params: Record<string, never>; result: null };
  'tree.open': {
    params: { lowers: readonly string[]; upper?: { directory: string; work: string }; epochSeconds: number };
    result: { tree: number };
  };
  'tree.close': { params: { tree: number }; result: null };
  'tree.run': {
    params: {
      tree: number;
      /** Run one after another in one namespace. */
      argvs: readonly [readonly string[], ...(readonly string[])[]];
      /** Statuses after which the next one runs. */
      accept: readonly number[];
      env: Readonly<Record<string, string>>;
      cwd: string;
      stdin?: string;
      network: boolean;
      lines: boolean;
    };
    result: CommandsEnd;
  };
  'tree.extract': {
    params: { tree: number; file: string; format: 'deb' | 'tar'; at: string; without: readonly string[] };
    result: null;
  };
  'tree.write': { params: { tree: number; path: string; base64: string; attributes: Attributes }; result: null };
  'tree.copyIn': { params: { tree: number; hostFile: string; path: string; attributes: Attributes }; result: null };
  'tree.read': { params: { tree: number; path: string }; result: { base64: string } | null };
  'tree.stat': { params: { tree: number; path: string }; result: TreeEntry | null };
  'tree.list': { params: { tree: number; path: string }; result: readonly TreeEntry[] };
  'tree.makeDirectory': { params: { tree: number; path: string; attributes: Attributes; update: boolean }; result: null };
  'tree.symlink': { params: { tree: number; path: string; target: string }; result: null };
  'tree.remove': { params: { tree: number; path: string }; result: null };
  'tree.expose': { params: { tree: number; at: string; files: readonly { file: string; name: string }[] }; result: null };
  'tree.mount': { params: { tree: number; source: MountSource; at: string; writable: boolean }; result: null };
  'layer.seal': { params: { directory: string; archive?: string } & LayerTimes; result: SealedLayer };
  'layer.read': { params: { directory: string; archive?: string }; result: LayerManifest };
  'layer.list': { params: { archive: string }; result: LayerManifest };
  'layer.unpack': { params: { archive: string; directory: string }; result: LayerManifest };
  'layer.copy': { params: { from: string; to: string; entries?: readonly LayerEntry[] }; result: null };
  'layer.sign': { params: { directory: string; contents?: LayerSignature }; result: LayerSignature };
  'layer.compare': { params: { directory: string; entries: readonly LayerEntry[] }; result: { changed: readonly string[] } };
  'files.pack': { params: { files: readonly PackedFile[]; target: PackTarget }; result: Packing };
  'files.place': { params: { files: readonly PlacedFile[]; target: string }; result: null };
  'directory.remove': { params: { directory: string }; result: null };
}

export type MethodName = keyof AgentMethods;
export type Params<M extends MethodName> = AgentMethods[M]['params'];
export type Result<M extends MethodName> = AgentMethods[M]['result'];

/** A line that ict writes. */
export type Request =
  | { readonly id: number; readonly method: MethodName; readonly params: unknown }
  /** Stops a call; its answer still comes. */
  | { readonly cancel: number };

export type OutputLine = readonly ['stdout' | 'stderr', string];

/** A line that the agent writes. */
export type Reply =
  | { readonly unmapped: true }
  | { readonly ready: true }
  | { readonly id: number; readonly lines: readonly OutputLine[] }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ErrorRecord };
