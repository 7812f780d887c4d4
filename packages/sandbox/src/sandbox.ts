import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { errnoOf } from '@ict/integrity';
import type { PackedFile, PlacedFile } from '@ict/archive';
import type { CommandResult, Digest, PackTarget, Packing, TreeCommand } from '@ict/plugin-api';
import { AgentChannel } from './channel.js';
import { sandboxError } from './errors.js';
import { launchCommand } from './launch.js';
import { changedPaths, type LayerManifest } from './manifest.js';
import { programPath } from './programs.js';
import type { LayerSignature, LayerTimes, MountSource, SealedLayer } from './protocol.js';
import { mapIds } from './subordinate-ids.js';
import { SandboxTree } from './tree.js';

export interface SandboxOptions {
  /** Ends the sandbox, and all that runs in it, when it aborts. */
  readonly signal: AbortSignal;
  /** Directory for throw-away files, on a disk file system with extended attributes. */
  readonly temporary: string;
  /** Absolute path of the Node for the agent; default: the one that runs. */
  readonly node?: string;
}

export interface OpenTreeOptions {
  /** Directories of layers, lowest first. */
  readonly lowers: readonly string[];
  /**
   * Where changes go: `directory` becomes the new layer, `work` is a directory of the same file system that is emptied first and
   * removed at the end. Without it changes are thrown away.
   */
  readonly upper?: { readonly directory: string; readonly work: string } | undefined;
  /** Time of files that are made without one, seconds since 1970. */
  readonly epochSeconds: number;
  readonly signal: AbortSignal;
}

export interface SealOptions extends LayerTimes {
  /** File that gets the layer as `tar.gz`, from the same read. It appears whole or not at all. */
  readonly archive?: string;
  readonly signal?: AbortSignal;
}

export interface ReadOptions {
  /** File that gets the layer as `tar.gz`, as sealing writes it. It appears whole or not at all. */
  readonly archive?: string;
  readonly signal?: AbortSignal;
}

export interface CopyOptions {
  /** What the layer holds. Given, sealing the copy reads only what changed in it meanwhile, as the file system tells; without it, everything. */
  readonly manifest?: Pick<LayerManifest, 'entries'>;
  readonly signal?: AbortSignal;
}

export interface VerifyOptions {
  /** `signature`: compare what the file system reports with `signature`, reading no file. `full`: read and hash everything. */
  readonly mode: 'signature' | 'full';
  /** What {@link Sandbox.statLayer} said when the layer was last known to be good. */
  readonly signature?: Digest;
  readonly signal?: AbortSignal;
}

export interface LayerVerification {
  /** False also when a signature differs though no listed path does: then only `full` can tell. */
  readonly ok: boolean;
  /** Paths that differ from the manifest, sorted by bytes. */
  readonly changed: readonly string[];
}

export interface ToolOptions {
  /** Layers of the tools tree, lowest first. */
  readonly lowers: readonly string[];
  readonly mounts: readonly {
    /** A host file or directory, or layers, lowest first. */
    readonly source: string | { readonly lowers: readonly string[] };
    /** Where the tool sees it. */
    readonly at: string;
    readonly writable: boolean;
  }[];
  readonly command: TreeCommand;
  /** Argvs of commands that run after it in the same view, alike in everything else. */
  readonly following?: readonly (readonly string[])[];
  readonly signal: AbortSignal;
}

/** A long-lived process in namespaces of its own that mounts trees, runs commands in them and turns them into layers. */
export class Sandbox {
  readonly #channel: AgentChannel;
  readonly #session: string;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link startSandbox}. */
  constructor(channel: AgentChannel, session: string) {
    this.#channel = channel;
    this.#session = session;
  }

  /** Host process id of the sandbox's outermost process: when it is killed, so is everything inside. */
  get pid(): number | undefined {
    return this.#channel.pid;
  }

  /**
   * Mounts a tree: an overlay of the layers with a writable one on top or, without layers, the upper itself. `/dev`, `/proc`,
   * `/run`, `/sys` and `/tmp` are mounted over it, so that what is written there never reaches the layer; where one of these
   * directories is missing it is made in the layer, 0755 (`/tmp` 1777), root's, at the epoch.
   *
   * @throws `ICT_SANDBOX_MOUNT`; the signal's reason. Nothing stays mounted then.
   */
  async openTree(options: OpenTreeOptions): Promise<SandboxTree> {
    const { lowers, upper, epochSeconds, signal } = options;
    // Not cancelled half-way: a tree that opens after an abort is closed again.
    signal.throwIfAborted();
    const { tree } = await this.#channel.call('tree.open', { lowers, epochSeconds, ...(upper === undefined ? {} : { upper }) });
    const opened = new SandboxTree(this.#channel, tree, epochSeconds, signal);
    if (signal.aborted) {
      await opened.close();
      signal.throwIfAborted();
    }
    return opened;
  }

  /**
   * Makes a finished upper directory a layer: times become whole seconds, as {@link LayerTimes} says; sockets are removed; then one read
   * gives its manifest and, if asked for, its archive. Attributes that say how this machine keeps a file (the overlay's
   * `origin`, `impure` and `uuid`, SELinux labels) are in neither.
   *
   * @throws `ICT_SANDBOX_LAYER`; the signal's reason.
   */
  async sealLayer(directory: string, options: SealOptions): Promise<SealedLayer> {
    const { epochSeconds, latestSeconds, archive, signal } = options;
    const params = { directory, epochSeconds, latestSeconds, ...(archive === undefined ? {} : { archive }) };
    return this.#channel.call('layer.seal', params, signal === undefined ? {} : { signal });
  }

  /** Reads a layer as it is, without changing anything. @throws `ICT_SANDBOX_LAYER`; the signal's reason. */
  async readLayer(directory: string, { archive, signal }: ReadOptions = {}): Promise<LayerManifest> {
    const params = { directory, ...(archive === undefined ? {} : { archive }) };
    return this.#channel.call('layer.read', params, signal === undefined ? {} : { signal });
  }

  /**
   * Unpacks an archive that {@link Sandbox.sealLayer} wrote into a new or empty directory.
   *
   * @returns what was unpacked, read once. Compare its digest with that of the layer: whether it is the right archive is not checked.
   * @throws `ICT_SANDBOX_LAYER`; the signal's reason.
   */
  async unpackLayer(archive: string, directory: string, signal?: AbortSignal): Promise<LayerManifest> {
    return this.#channel.call('layer.unpack', { archive, directory }, signal === undefined ? {} : { signal });
  }

  /**
   * Lists what an archive that {@link Sandbox.sealLayer} wrote would unpack to, and unpacks nothing.
   *
   * @returns what it holds. Compare its digest with that of the layer: whether it is the right archive is not checked.
   * @throws `ICT_SANDBOX_LAYER` when it cannot be read; the signal's reason.
   */
  async listArchive(archive: string, signal?: AbortSignal): Promise<LayerManifest> {
    return this.#channel.call('layer.list', { archive }, signal === undefined ? {} : { signal });
  }

  /**
   * Copies a layer into a new or empty directory, which may then become the upper of a tree: whiteouts, attributes, links and holes
   * stay what they are. Verify the layer first.
   *
   * @throws `ICT_SANDBOX_LAYER`; the signal's reason.
   */
  async copyLayer(from: string, to: string, { manifest, signal }: CopyOptions = {}): Promise<void> {
    const params = { from, to, ...(manifest === undefined ? {} : { entries: manifest.entries }) };
    await this.#channel.call('layer.copy', params, signal === undefined ? {} : { signal });
  }

  /**
   * Identity of a layer as the file system reports it; changes with every write, and with a copy or move to another disk.
   *
   * @param contents what sealing said of them: then only the directory itself is looked at, wherever it was moved meanwhile.
   */
  async statLayer(directory: string, contents?: LayerSignature): Promise<LayerSignature> {
    return this.#channel.call('layer.sign', { directory, ...(contents === undefined ? {} : { contents }) });
  }

  /** Compares a layer with its manifest. @throws `ICT_SANDBOX_LAYER`; the signal's reason. */
  async verifyLayer(directory: string, manifest: LayerManifest, options: VerifyOptions): Promise<LayerVerification> {
    if (options.mode === 'full') {
      const { signal } = options;
      const now = await this.readLayer(directory, signal === undefined ? {} : { signal });
      if (now.digest === manifest.digest) return { ok: true, changed: [] };
      return { ok: false, changed: changedPaths(manifest.entries, now.entries) };
    }
    const { digest } = await this.statLayer(directory);
    if (digest === options.signature) return { ok: true, changed: [] };
    return { ok: false, changed: (await this.#channel.call('layer.compare', { directory, entries: manifest.entries })).changed };
  }

  /**
   * Writes contents of files of layers into free blocks of a host file, as `TreeRunner.pack` says.
   *
   * @throws `ICT_SANDBOX_LAYER`, when a file is shorter than it should be, for example; the signal's reason.
   */
  async packFiles(files: readonly PackedFile[], target: PackTarget, signal: AbortSignal): Promise<Packing> {
    return this.#channel.call('files.pack', { files, target }, { signal });
  }

  /**
   * Writes contents of files of layers, each at its place, into a host file, as `TreeRunner.place` says.
   *
   * @throws `ICT_SANDBOX_LAYER`, when a file is shorter than it should be, for example; the signal's reason.
   */
  async placeFiles(files: readonly PlacedFile[], target: string, signal: AbortSignal): Promise<void> {
    await this.#channel.call('files.place', { files, target }, { signal });
  }

  /**
   * Runs programs of a tools tree, one after another, on one throw-away view of it, with host paths and trees mounted where they ask.
   *
   * @returns as {@link SandboxTree.runAll}.
   * @throws as {@link SandboxTree.run} does.
   */
  async runTool(options: ToolOptions): Promise<CommandResult> {
    const { lowers, mounts, command, following = [], signal } = options;
    const tree = await this.openTree({ lowers, epochSeconds: 0, signal });
    try {
      for (const { source, at, writable } of mounts) {
        const from: MountSource = typeof source === 'string' ? { path: source } : { lowers: source.lowers };
        await tree.mount(from, at, writable);
      }
      return await tree.runAll(command, following);
    } finally {
      await tree.close();
    }
  }

  /**
   * Removes a directory and all below it, also what belongs to subordinate ids. Links are not followed; nothing happens when it is
   * absent.
   *
   * @throws `ICT_SANDBOX_REMOVE`, when something is mounted below it, for example.
   */
  async removeTree(directory: string): Promise<void> {
    await this.#channel.call('directory.remove', { directory });
  }

  /** Closes every tree and ends the sandbox. Closing twice does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#channel.call('agent.close', {});
    } finally {
      await this.#channel.close();
    }
    for (const part of ['mounts', 'scratch', '']) {
      await rmdir(join(this.#session, part)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error; // somebody emptied the temporary directory meanwhile
      });
    }
  }
}

/** @internal See `start.ts`. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { signal, temporary, node = process.execPath } = options;
  if (!isMainThread) {
    throw sandboxError('ICT_SANDBOX_START', {
      message: 'The sandbox could not be started: this is a worker thread',
      hint: 'Start it on the main thread; it would end with the worker.',
    });
  }
  signal.throwIfAborted();
  const session = await mkdtemp(join(await realpath(temporary), 'sandbox-'));
  for (const part of ['mounts', 'scratch']) await mkdir(join(session, part));
  const userNamespace = process.geteuid?.() !== 0;
  // Only root may go back into the host's network namespace.
  const network = userNamespace ? undefined : openSync('/proc/self/ns/net', 'r');
  try {
    const argv = launchCommand({ node, session, userNamespace, hostNetwork: network !== undefined });
    const path = programPath(process.env['PATH']);
    const channel = await AgentChannel.start(argv, {
      path,
      extra: network === undefined ? [] : [network],
      ...(userNamespace ? { mapIds: (pid: number) => mapIds(pid, path) } : {}),
      signal,
    });
    return new Sandbox(channel, session);
  } catch (error) {
    for (const part of ['mounts', 'scratch', '']) await rmdir(join(session, part));
    throw error;
  } finally {
    if (network !== undefined) closeSync(network);
  }
}
