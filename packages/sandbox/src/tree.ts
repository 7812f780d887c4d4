import { basename } from 'node:path';
import type {
  CommandResult,
  ExtractOptions,
  FileAttributes,
  TreeCommand,
  TreeEntry,
  TreePath,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';
import type { AgentChannel } from './channel.js';
import { sandboxError } from './errors.js';
import type { Attributes, MountSource } from './protocol.js';

/** So many lines are told of a command that failed. */
const FAILURE_LINES = 20;

/** A mounted, writable root. See {@link TreeSession}; `close` unmounts it. */
export class SandboxTree implements TreeSession {
  readonly #channel: AgentChannel;
  readonly #tree: number;
  readonly #epochSeconds: number;
  readonly #signal: AbortSignal;

  /** @internal Use `Sandbox.openTree`. */
  constructor(channel: AgentChannel, tree: number, epochSeconds: number, signal: AbortSignal) {
    this.#channel = channel;
    this.#tree = tree;
    this.#epochSeconds = epochSeconds;
    this.#signal = signal;
  }

  /**
   * Runs a command with this tree as its root, as root of the tree, in namespaces of its own. What it leaves running ends with it.
   *
   * @throws `ICT_COMMAND_FAILED`, `ICT_SANDBOX_COMMAND`, `ICT_SANDBOX_NETWORK`, `ICT_TREE_PATH` (`cwd`), `ICT_SANDBOX_MOUNT`; the
   *   signal's reason, after the command and all that it started have ended.
   */
  run(command: TreeCommand): Promise<CommandResult> {
    return this.runAll(command, []);
  }

  /**
   * As {@link SandboxTree.run}, for several commands in the same namespaces, one after another, until one fails. What one leaves running
   * ends with the last.
   *
   * @param following argvs of those after the first.
   * @returns how the last ended, and what all of them printed.
   */
  async runAll(command: TreeCommand, following: readonly (readonly string[])[]): Promise<CommandResult> {
    const { argv, env = {}, cwd = '/', stdin, network = false, accept = [0], onLine } = command;
    const argvs = [argv, ...following] as const;
    const params = { ...this.#at, argvs, accept, env, cwd, network, lines: onLine !== undefined };
    const { begun, ...result } = await this.#channel.call(
      'tree.run',
      { ...params, ...(stdin === undefined ? {} : { stdin }) },
      { signal: this.#signal, ...(onLine === undefined ? {} : { onLine }) },
    );
    if (!accept.includes(result.exitCode)) throw commandFailure(argvs[begun - 1] as readonly string[], result);
    return result;
  }

  /** One archive at a time, and commands wait for it. @throws `ICT_SANDBOX_BUSY` while a command runs. */
  async extract(file: string, format: 'deb' | 'tar', at: TreePath = '/', { without = [] }: ExtractOptions = {}): Promise<void> {
    await this.#channel.call('tree.extract', { ...this.#at, file, format, at, without }, { signal: this.#signal });
  }

  /** Missing directories above `path` are made, 0755 and root's. */
  async write(path: TreePath, content: Uint8Array | string, attributes: FileAttributes = {}): Promise<void> {
    const base64 = Buffer.from(content as string).toString('base64');
    await this.#channel.call('tree.write', { ...this.#at, path, base64, attributes: this.#attributes(attributes, 0o644) }, this.#options);
  }

  /** Missing directories above `path` are made, 0755 and root's. */
  async copyIn(hostFile: string, path: TreePath, attributes: FileAttributes = {}): Promise<void> {
    await this.#channel.call(
      'tree.copyIn',
      { ...this.#at, hostFile, path, attributes: this.#attributes(attributes, 0o644) },
      this.#options,
    );
  }

  async read(path: TreePath): Promise<Uint8Array | undefined> {
    const result = await this.#channel.call('tree.read', { ...this.#at, path }, this.#options);
    return result === null ? undefined : Buffer.from(result.base64, 'base64');
  }

  async stat(path: TreePath): Promise<TreeEntry | undefined> {
    return (await this.#channel.call('tree.stat', { ...this.#at, path }, this.#options)) ?? undefined;
  }

  async list(path: TreePath): Promise<readonly TreeEntry[]> {
    return this.#channel.call('tree.list', { ...this.#at, path }, this.#options);
  }

  /** The mode's default is 0755. A directory that is there keeps its attributes unless some are given. */
  async makeDirectory(path: TreePath, attributes?: FileAttributes): Promise<void> {
    const full = this.#attributes(attributes ?? {}, 0o755);
    await this.#channel.call(
      'tree.makeDirectory',
      { ...this.#at, path, attributes: full, update: attributes !== undefined },
      this.#options,
    );
  }

  async symlink(target: string, path: TreePath): Promise<void> {
    await this.#channel.call('tree.symlink', { ...this.#at, path, target }, this.#options);
  }

  async remove(path: TreePath): Promise<void> {
    await this.#channel.call('tree.remove', { ...this.#at, path }, this.#options);
  }

  /**
   * Each package, or the twin in its place, shows under the name that the package has in the cache. `at` is made when it is missing: choose one below `/run`.
   *
   * @throws `ICT_SANDBOX_BUSY` while a command runs.
   */
  async expose(packages: readonly VerifiedPackage[], at: TreePath): Promise<void> {
    const files = packages.map(({ file, twin = file }) => ({ file: twin, name: basename(file) }));
    await this.#channel.call('tree.expose', { ...this.#at, at, files }, this.#options);
  }

  /**
   * Mounts a host file or directory, or layers, at `at`, which is made when it is missing. Writes to layers are thrown away.
   *
   * @throws `ICT_SANDBOX_BUSY` while a command runs.
   */
  async mount(source: MountSource, at: TreePath, writable: boolean): Promise<void> {
    await this.#channel.call('tree.mount', { ...this.#at, source, at, writable }, this.#options);
  }

  /** Ends what still runs in the tree and unmounts it. The upper directory is complete then. Closing twice does nothing. */
  async close(): Promise<void> {
    await this.#channel.call('tree.close', this.#at);
  }

  get #at(): { readonly tree: number } {
    return { tree: this.#tree };
  }

  get #options(): { readonly signal: AbortSignal } {
    return { signal: this.#signal };
  }

  #attributes({ mode, uid = 0, gid = 0, mtimeSeconds = this.#epochSeconds }: FileAttributes, defaultMode: number): Attributes {
    return { mode: mode ?? defaultMode, uid, gid, mtimeSeconds };
  }
}

function commandFailure(argv: readonly string[], result: CommandResult): Error {
  const lastLines = lastLinesOf(result);
  const silent = lastLines.length === 0;
  const shown = argv.length > 8 ? [...argv.slice(0, 8), '...'] : argv;
  return sandboxError('ICT_COMMAND_FAILED', {
    message: `${shown.join(' ').slice(0, 400)} ended with status ${result.exitCode}${silent ? '' : `:\n${lastLines.join('\n')}`}`,
    hint: silent
      ? 'It printed nothing: only its status says why. Let it say more, such as with "set -x" in a script.'
      : 'Its last lines above say why; run with --verbose to see all that it printed.',
    facts: { argv, exitCode: result.exitCode, lastLines },
  });
}

/** The last lines of standard output, then of standard error: half of them each, or more where the other has fewer. */
function lastLinesOf({ stdout, stderr }: CommandResult): readonly string[] {
  const [out, err] = [stdout, stderr].map((text) => (text.trim() === '' ? [] : text.trimEnd().split('\n')));
  const half = FAILURE_LINES / 2;
  const kept = Math.min(out.length, Math.max(half, FAILURE_LINES - err.length));
  return [...out.slice(out.length - kept), ...err.slice(-(FAILURE_LINES - kept))];
}
