import { existsSync, realpathSync } from 'node:fs';
import { packFiles, placeFiles } from '@ict/archive';
import { sandboxError } from '../errors.js';
import type { AgentMethods, CommandsEnd, MethodName, OutputLine, Params, Result } from '../protocol.js';
import { listArchive, readLayer, unpackLayer } from './layer-archive.js';
import { LayerBaseline } from './layer-baseline.js';
import { copyLayer } from './layer-copy.js';
import { layerFailure, layerIo } from './layer-failure.js';
import { sealLayer } from './layer-sealing.js';
import { compareDirectory, signDirectory } from './layer-walk.js';
import { OpenTree } from './open-tree.js';
import { OutputPipePool } from './output-pipes.js';
import { TarSockets } from './tar-sockets.js';
import { removeDirectory } from './removal.js';

export interface CallHooks {
  readonly signal: AbortSignal;
  readonly onLines: (lines: readonly OutputLine[]) => Promise<void> | undefined;
}

type Handler<M extends MethodName> = (params: Params<M>, hooks: CallHooks) => Promise<Result<M>>;

export interface ServiceOptions {
  /** A tmpfs for mount points. */
  readonly mounts: string;
  /** A directory on disk for throw-away uppers. */
  readonly scratch: string;
  /** Descriptor of the host's network namespace; undefined when it cannot be entered. */
  readonly network: number | undefined;
}

/** Everything that the agent does for ict, by method. */
export class SandboxService {
  readonly #options: ServiceOptions;
  readonly #trees = new Map<number, OpenTree>();
  readonly #pipes: OutputPipePool;
  readonly #sockets: TarSockets;
  /** Of copied layers that are not sealed yet, by their directories. */
  readonly #baselines = new Map<string, LayerBaseline>();
  #opened = 0;

  constructor(options: ServiceOptions) {
    this.#options = { ...options, mounts: realpathSync(options.mounts), scratch: realpathSync(options.scratch) };
    this.#pipes = new OutputPipePool(this.#options.mounts);
    this.#sockets = new TarSockets(this.#options.mounts);
  }

  /** Carries out one call. */
  async call<M extends MethodName>(method: M, params: Params<M>, hooks: CallHooks): Promise<Result<M>> {
    if (!Object.hasOwn(this.#handlers, method)) throw new Error(`The agent knows no method ${JSON.stringify(method)}`);
    return (this.#handlers[method] as Handler<M>)(params, hooks);
  }

  readonly #handlers: { readonly [M in keyof AgentMethods]: Handler<M> } = {
    'agent.close': () => this.#close(),
    'tree.open': (params) => this.#openTree(params),
    'tree.close': async ({ tree }) => {
      const open = this.#trees.get(tree);
      this.#trees.delete(tree);
      await open?.close();
      return null;
    },
    'tree.run': (params, hooks) => this.#run(params, hooks),
    'tree.extract': ({ tree, ...archive }, { signal }) =>
      this.#use(tree, (open, stopping) => open.extract(archive, AbortSignal.any([signal, stopping]))),
    'tree.write': ({ tree, path, base64, attributes }) =>
      this.#use(tree, ({ files }) => files.write(path, Buffer.from(base64, 'base64'), attributes)),
    'tree.copyIn': ({ tree, hostFile, path, attributes }) => this.#use(tree, ({ files }) => files.copyIn(hostFile, path, attributes)),
    'tree.read': async ({ tree, path }) => {
      const bytes = await this.#tree(tree).use(() => this.#tree(tree).files.read(path));
      return bytes === undefined ? null : { base64: bytes.toString('base64') };
    },
    'tree.stat': async ({ tree, path }) => (await this.#tree(tree).use(() => this.#tree(tree).files.stat(path))) ?? null,
    'tree.list': ({ tree, path }) => this.#tree(tree).use(() => this.#tree(tree).files.list(path)),
    'tree.makeDirectory': ({ tree, path, attributes, update }) =>
      this.#use(tree, ({ files }) => files.makeDirectory(path, attributes, update)),
    'tree.symlink': ({ tree, path, target }) => this.#use(tree, ({ files }) => files.symlink(target, path)),
    'tree.remove': ({ tree, path }) => this.#use(tree, ({ files }) => files.remove(path)),
    'tree.expose': ({ tree, at, files }) => this.#use(tree, (open) => open.expose(at, files)),
    'tree.mount': ({ tree, source, at, writable }) => this.#use(tree, (open) => open.mount(source, at, writable)),
    'layer.seal': (params, { signal }) => this.#seal(params, signal),
    'layer.read': ({ directory, archive }, { signal }) => readLayer(directory, { signal, sockets: this.#sockets }, archive),
    'layer.list': ({ archive }, { signal }) => listArchive(archive, signal),
    'layer.unpack': ({ archive, directory }, { signal }) => unpackLayer(archive, directory, { signal, sockets: this.#sockets }),
    'layer.copy': async ({ from, to, entries }, { signal }) => {
      // Those of layers that were abandoned, which were moved away.
      for (const directory of this.#baselines.keys()) if (!existsSync(directory)) this.#baselines.delete(directory);
      await copyLayer(from, to, signal);
      if (entries !== undefined) this.#baselines.set(to, await LayerBaseline.take(to, entries));
      return null;
    },
    'layer.sign': async ({ directory, contents }) => layerIo('Looking at a layer', directory, () => signDirectory(directory, contents)),
    'layer.compare': async ({ directory, entries }) => ({
      changed: layerIo('Looking at a layer', directory, () => compareDirectory(directory, entries)),
    }),
    'files.pack': async ({ files, target }, { signal }) => {
      try {
        return await packFiles(files, target, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw layerFailure('Packing the files of a tree', target.file, error);
      }
    },
    'files.place': async ({ files, target }, { signal }) => {
      try {
        await placeFiles(files, target, signal);
        return null;
      } catch (error) {
        signal.throwIfAborted();
        throw layerFailure('Copying the files of a tree', target, error);
      }
    },
    'directory.remove': async ({ directory }) => {
      await removeDirectory(directory);
      return null;
    },
  };

  async #openTree({ lowers, upper, epochSeconds }: Params<'tree.open'>): Promise<{ tree: number }> {
    const tree = ++this.#opened;
    const directory = `${this.#options.mounts}/t${tree}`;
    const { scratch } = this.#options;
    const options = { directory, scratch, lowers, epochSeconds, pipes: this.#pipes, ...(upper === undefined ? {} : { upper }) };
    this.#trees.set(tree, await OpenTree.open(options));
    return { tree };
  }

  #run({ tree, argvs, accept, env, cwd, stdin, network, lines }: Params<'tree.run'>, hooks: CallHooks): Promise<CommandsEnd> {
    if (network && this.#options.network === undefined) throw noNetwork(argvs[0]);
    const spec = { argvs, accept, env, cwd, ...(stdin === undefined ? {} : { stdin }) };
    const open = this.#tree(tree);
    return open.use((stopping) =>
      open.run(spec, network ? this.#options.network : undefined, {
        signal: AbortSignal.any([hooks.signal, stopping]),
        ...(lines ? { onLines: hooks.onLines } : {}),
      }),
    );
  }

  #seal({ directory, archive, ...times }: Params<'layer.seal'>, signal: AbortSignal): Promise<Result<'layer.seal'>> {
    const baseline = this.#baselines.get(directory);
    this.#baselines.delete(directory);
    return sealLayer(directory, times, { signal, sockets: this.#sockets }, { archive, baseline });
  }

  async #use(tree: number, work: (open: OpenTree, stopping: AbortSignal) => Promise<void>): Promise<null> {
    const open = this.#tree(tree);
    await open.use((stopping) => work(open, stopping));
    return null;
  }

  #tree(tree: number): OpenTree {
    const open = this.#trees.get(tree);
    if (open === undefined) {
      throw sandboxError('ICT_SANDBOX_CLOSED', {
        message: 'The tree was used after it was closed',
        hint: 'This is a mistake in the program: end all work on a tree before closing it.',
      });
    }
    return open;
  }

  async #close(): Promise<null> {
    const open = [...this.#trees.values()];
    this.#trees.clear();
    for (const tree of open) await tree.close();
    return null;
  }
}

function noNetwork(argv: readonly string[]): Error {
  return sandboxError('ICT_SANDBOX_NETWORK', {
    message: `The command ${JSON.stringify(argv.slice(0, 4))} asks for the network, which a build without root cannot give it`,
    hint: 'Run the build as root, or fetch what the command needs through the template instead.',
    facts: { argv: argv.slice(0, 100) },
  });
}
