import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { isIctError } from '@ict/plugin-api';
import { sandboxError } from '../errors.js';
import type { CommandsEnd, MountSource } from '../protocol.js';
import { runCommands, type CommandHooks, type CommandSpec } from './command.js';
import { extractInto, type ArchiveToUnpack } from './extraction.js';
import { bindFiles, bindMount, changeMounts, detachAll, furnish, MOUNT_POINTS, overlayMount, unmountAll } from './mounting.js';
import { readMountTable } from './mount-table.js';
import type { OutputPipePool } from './output-pipes.js';
import { removeOwnDirectories } from './removal.js';
import { TreeFiles } from './tree-files.js';
import { badPath, locate, makeDirectoryAt, treeIo, treePathParts } from './tree-path.js';

export interface OpenTreeOptions {
  /** Where mount points and the links for overlay options are made: a tmpfs of the agent. */
  readonly directory: string;
  /** Where throw-away uppers are made: a directory on disk that knows extended attributes. */
  readonly scratch: string;
  /** Layer directories, lowest first. */
  readonly lowers: readonly string[];
  readonly upper?: { readonly directory: string; readonly work: string };
  readonly epochSeconds: number;
  readonly pipes: OutputPipePool;
}

/** One mounted tree. `bare` shows the tree alone, `root` the tree with the mounts that commands need. */
export class OpenTree {
  readonly files: TreeFiles;
  readonly #bare: string;
  readonly #root: string;
  readonly #options: OpenTreeOptions;
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<unknown>>();
  /** Directories to remove when the tree closes. */
  readonly #discard: string[] = [];
  /** Where host files show. */
  readonly #shown = new Set<string>();
  /** Commands that run, or wait for their turn in the network. */
  #commands = 0;
  /** Settles when work that has the tree to itself is done. */
  #alone: Promise<void> | undefined;
  #mounts = 0;
  #networkTurn: Promise<unknown> = Promise.resolve();

  private constructor(options: OpenTreeOptions) {
    this.#options = options;
    this.#bare = `${options.directory}/bare`;
    this.#root = `${options.directory}/root`;
    this.files = new TreeFiles(this.#root, options.epochSeconds);
  }

  /** Mounts a tree. @throws `ICT_SANDBOX_MOUNT`; nothing stays mounted then. */
  static async open(options: OpenTreeOptions): Promise<OpenTree> {
    const tree = new OpenTree(options);
    try {
      await tree.#mountLayers();
      await furnish(options.directory);
      return tree;
    } catch (error) {
      await tree.close();
      if (isIctError(error)) throw error;
      throw sandboxError('ICT_SANDBOX_MOUNT', {
        message: `A tree could not be prepared: ${(error as Error).message}`,
        hint: 'Check that its layers and the work directory are there and that the disk has room.',
        facts: { errno: (error as NodeJS.ErrnoException).code },
        cause: error,
      });
    }
  }

  /** Keeps the tree mounted until `work` ends; a closing tree takes none. */
  use<T>(work: (stopping: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.reject(closedTree());
    const running = work(signal);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#work.add(settled);
    void settled.then(() => this.#work.delete(settled));
    return running;
  }

  /** Runs commands, once nobody has the tree to itself. */
  async run(spec: Omit<CommandSpec, 'network'>, network: number | undefined, hooks: CommandHooks): Promise<CommandsEnd> {
    while (this.#alone !== undefined) await this.#alone;
    this.#commands++;
    try {
      return await this.#run(spec, network, hooks);
    } finally {
      this.#commands--;
    }
  }

  async #run(spec: Omit<CommandSpec, 'network'>, network: number | undefined, hooks: CommandHooks): Promise<CommandsEnd> {
    await treeIo('run a command in', spec.cwd, () => {
      using place = locate(this.#root, spec.cwd, { follow: true });
      if (place?.stats?.isDirectory() !== true) throw badPath(spec.cwd, 'it is not a directory, so no command can start there');
    });
    if (network === undefined) return runCommands(this.#root, spec, this.#options.pipes, hooks);
    // One at a time: each mounts over the same resolv.conf.
    const turn = this.#networkTurn.then(() => this.#runWithNetwork({ ...spec, network }, hooks));
    this.#networkTurn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Unpacks an archive. Where the sandbox has mounts of its own, the package's entries go under them, into the layer, unless
   * `at` itself lies in such a mount.
   *
   * @throws `ICT_SANDBOX_BUSY`, and what {@link extractInto} throws.
   */
  async extract(archive: ArchiveToUnpack, signal: AbortSignal): Promise<void> {
    const { file, at } = archive;
    const [top] = treePathParts(at);
    const root = MOUNT_POINTS.some(([name]) => name === top) ? this.#root : this.#bare;
    await this.#withoutCommands(`${basename(file)} cannot be unpacked`, { file }, () =>
      treeIo(`unpack ${basename(file)} to`, at, () => extractInto(root, archive, signal)),
    );
  }

  /**
   * Does what goes by names of the tree, one at a time, and not while commands run: a directory that one of them made a link between two looks would
   * lead out of the tree.
   *
   * @param problem what is said when it cannot be done.
   */
  async #withoutCommands(problem: string, facts: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
    while (this.#alone !== undefined) await this.#alone;
    if (this.#commands > 0) throw busyTree(problem, facts);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      await work();
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }

  /** Shows host files, read-only, in a new tmpfs at `at`. @throws `ICT_SANDBOX_BUSY` */
  expose(at: string, files: readonly { readonly file: string; readonly name: string }[]): Promise<void> {
    return this.#withoutCommands(`nothing can be shown at ${at}`, { path: at }, () => this.#expose(at, files));
  }

  async #expose(at: string, files: readonly { readonly file: string; readonly name: string }[]): Promise<void> {
    const names = new Set(files.map(({ name }) => name));
    if (names.size !== files.length || files.some(({ name }) => name === '' || name === '.' || name === '..' || /[/\0]/.test(name))) {
      throw badPath(at, 'two of the files to show there have one name, or a name is not a file name');
    }
    const missing = files.find(({ file }) => statSync(file, { throwIfNoEntry: false })?.isFile() !== true);
    if (missing !== undefined) throw badPath(at, `${missing.file}, which should show there, is not a file`);
    await this.#overDirectory(at, async (place) => {
      const shown = realpathSync.native(place);
      // What is hidden there still counts as mounted: mount(8) would pass over a file that is shown again.
      if (this.#shown.has(shown) && readMountTable().some(({ path }) => path === shown)) await detachAll([shown]);
      this.#shown.add(shown);
    });
    await this.#overDirectory(at, async (place) => {
      await changeMounts(
        `Mounting ${at}`,
        ['mount', '-n', '-i', '-t', 'tmpfs', '-o', 'mode=0755,nosuid,nodev,noexec', 'tmpfs', '.'],
        place,
      );
    });
    await this.#overDirectory(at, async (place) => {
      for (const { name } of files) writeFileSync(`${place}/${name}`, '', { flag: 'wx' });
      await bindFiles(
        files.map(({ file, name }) => ({ source: file, target: `./${name}` })),
        place,
        `${this.#options.directory}/files-${this.#mounts++}.fstab`,
      );
    });
  }

  /** Mounts a host path or layers at `at`, which is made when it is missing. @throws `ICT_SANDBOX_BUSY` */
  mount(source: MountSource, at: string, writable: boolean): Promise<void> {
    return this.#withoutCommands(`nothing can be mounted at ${at}`, { path: at }, () => this.#mount(source, at, writable));
  }

  async #mount(source: MountSource, at: string, writable: boolean): Promise<void> {
    if ('lowers' in source) return this.#mountTree(source.lowers, at, writable);
    const directory = await treeIo('mount at', at, () => statSync(source.path).isDirectory());
    if (directory) return this.#overDirectory(at, (place) => bindMount(source.path, '.', place, writable));
    if ((await this.files.stat(at)) === undefined)
      await this.files.write(at, Buffer.alloc(0), { ...ROOT_OWNED, mode: 0o644, ...this.#time() });
    await treeIo('mount at', at, async () => {
      using place = locate(this.#root, at, { follow: true });
      if (place?.stats?.isFile() !== true) throw badPath(at, 'a file cannot be mounted over something that is not one');
      await bindMount(source.path, `./${place.name}`, place.directory, writable);
    });
  }

  /** Stops what runs, unmounts, and removes what was thrown away. */
  async close(): Promise<void> {
    this.#stopping.abort(closedTree());
    while (this.#work.size > 0) await Promise.all(this.#work);
    const mounted = new Set(readMountTable().map((mount) => mount.path));
    await detachAll([...this.#shown].filter((path) => mounted.has(path)));
    await unmountAll([this.#root, this.#bare].filter((path) => mounted.has(path)));
    await removeOwnDirectories([...this.#discard.splice(0), this.#options.directory]);
  }

  async #mountLayers(): Promise<void> {
    const { directory, lowers, upper = this.#scratchUpper() } = this.#options;
    for (const path of [directory, this.#bare, this.#root]) mkdirSync(path, { mode: 0o755 });
    prepareUpper(upper.directory, lowers.at(-1));
    await removeOwnDirectories([upper.work]);
    this.#discard.push(upper.work);
    if (lowers.length === 0) {
      await bindMount(upper.directory, this.#bare, '/', true);
    } else {
      mkdirSync(upper.work, { recursive: true, mode: 0o700 });
      await overlayMount(lowers.length, true, this.#bare, this.#linkLayers(lowers, upper));
    }
    for (const [name, mode] of MOUNT_POINTS) {
      const path = `${this.#bare}/${name}`;
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeDirectoryAt(path, { ...ROOT_OWNED, mode, ...this.#time() });
    }
  }

  async #mountTree(lowers: readonly string[], at: string, writable: boolean): Promise<void> {
    // Without an upper the kernel wants two lowers: empty ones below change nothing.
    const layers = writable ? [this.#scratch('empty'), ...lowers] : [this.#scratch('empty'), this.#scratch('empty'), ...lowers];
    const upper = writable ? this.#scratchUpper() : undefined;
    if (upper !== undefined) {
      prepareUpper(upper.directory, layers.at(-1));
      mkdirSync(upper.work, { mode: 0o700 });
    }
    const links = this.#linkLayers(layers, upper);
    await this.#overDirectory(at, (place) => overlayMount(layers.length, writable, realpathSync.native(place), links));
  }

  /** Makes short names for layers: links `0` (the lowest), `1`, ..., and `u` and `w` for the upper. @returns their directory. */
  #linkLayers(lowers: readonly string[], upper?: UpperDirectories): string {
    const links = `${this.#options.directory}/links-${this.#mounts++}`;
    mkdirSync(links, { mode: 0o700 });
    for (const [index, lower] of lowers.entries()) symlinkSync(lower, `${links}/${index}`);
    if (upper !== undefined) {
      symlinkSync(upper.directory, `${links}/u`);
      symlinkSync(upper.work, `${links}/w`);
    }
    return links;
  }

  /** Makes an empty directory on disk that goes when the tree closes. */
  #scratch(name: string): string {
    const directory = `${this.#options.scratch}/${basename(this.#options.directory)}-${this.#mounts++}-${name}`;
    mkdirSync(directory, { mode: 0o755 });
    this.#discard.push(directory);
    return directory;
  }

  #scratchUpper(): UpperDirectories {
    const directory = this.#scratch('upper');
    return { directory: `${directory}/u`, work: `${directory}/w` };
  }

  /** Calls `mount` with a path of the directory at `at`, which is made when it is missing. */
  async #overDirectory(at: string, mount: (place: string) => Promise<void>): Promise<void> {
    await this.files.makeDirectory(at, { ...ROOT_OWNED, mode: 0o755, ...this.#time() }, false);
    await treeIo('mount at', at, async () => {
      using place = locate(this.#root, at, { follow: true });
      if (place?.stats?.isDirectory() !== true) throw badPath(at, 'it is not a directory');
      await mount(place.path);
    });
  }

  /** Runs a command that sees the host's network and, in the place of the tree's resolv.conf, its name servers. */
  async #runWithNetwork(spec: CommandSpec, hooks: CommandHooks): Promise<CommandsEnd> {
    const path = '/etc/resolv.conf';
    if (!existsSync(path)) return runCommands(this.#root, spec, this.#options.pipes, hooks);
    using before = locate(this.#root, path, { follow: true });
    const made = before?.stats === undefined;
    if (made) await this.files.write(path, Buffer.alloc(0), { ...ROOT_OWNED, mode: 0o644, ...this.#time() });
    await this.#mount({ path }, path, false);
    try {
      return await runCommands(this.#root, spec, this.#options.pipes, hooks);
    } finally {
      await treeIo('unmount', path, async () => {
        // The directory as it was: the command may have replaced the link that led here.
        using place = before ?? locate(this.#root, path, { follow: true });
        if (place === undefined) throw badPath(path, 'the command removed its directory');
        await changeMounts('Unmounting resolv.conf', ['umount', '-n', '--', realpathSync.native(place.path)], '/');
        if (made) unlinkSync(place.path);
      });
    }
  }

  #time(): { mtimeSeconds: number } {
    return { mtimeSeconds: this.#options.epochSeconds };
  }
}

type UpperDirectories = NonNullable<OpenTreeOptions['upper']>;

const ROOT_OWNED = { uid: 0, gid: 0 };

/** Gives a fresh upper the attributes of the root that it covers: the root of an overlay shows those of its upper. */
function prepareUpper(directory: string, top: string | undefined): void {
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0) return;
  const { mode, uid, gid } = top === undefined ? { mode: 0o755, ...ROOT_OWNED } : statSync(top);
  chownSync(directory, uid, gid);
  chmodSync(directory, mode & 0o7777);
}

function busyTree(problem: string, facts: Readonly<Record<string, string>>): Error {
  return sandboxError('ICT_SANDBOX_BUSY', {
    message: `${problem}: a command still runs in the tree, and could lead it out of there`,
    hint: 'This is a mistake in the program: wait for the commands of a tree first.',
    facts,
  });
}

function closedTree(): Error {
  return sandboxError('ICT_SANDBOX_CLOSED', {
    message: 'The tree was used after it was closed',
    hint: 'This is a mistake in the program: end all work on a tree before closing it.',
  });
}
