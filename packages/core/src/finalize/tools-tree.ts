import { canonicalJson, digestOf } from '@ict/integrity';
import type { CommandResult, Digest, Json, LayerRef, ToolCommand, ToolsRunner, TreePath, TreeRef } from '@ict/plugin-api';
import type { ToolOptions } from '@ict/sandbox';
import type { Composition } from '../compose/composition.js';
import { lookingForRoom } from '../trees/full-disk.js';
import type { StepCall } from '../steps.js';
import type { LazySandbox, SandboxTrees } from '../trees/trees.js';

/** The tools of a build. */
export interface BuildTools {
  /** Says what is unpacked, how, and by which code. */
  readonly digest: Digest;
  /** Undefined for an image whose format runs none. */
  readonly layer: LayerRef | undefined;
}

/** Has the tools unpacked that the format of an image runs, by a step. */
export async function unpackTools(
  { format, spec }: Pick<Composition, 'format' | 'spec'>,
  call: StepCall<LayerRef & Json>,
  run: (call: StepCall<LayerRef & Json>) => Promise<LayerRef>,
): Promise<BuildTools> {
  const { by, version, key } = call;
  const layer = format.part.tools(spec).length > 0 ? await run(call) : undefined;
  return { digest: digestOf(canonicalJson({ by: { ...by }, version, key })), layer };
}

/** Runs the programs of one tools tree, each call in a throw-away root of its own. */
export class ToolsTree implements ToolsRunner {
  readonly digest: Digest;
  private readonly layer: LayerRef | undefined;
  private readonly trees: SandboxTrees;
  private readonly sandbox: LazySandbox;
  private readonly signal: AbortSignal;

  constructor({ digest, layer }: BuildTools, trees: SandboxTrees, sandbox: LazySandbox, signal: AbortSignal) {
    this.digest = digest;
    this.layer = layer;
    this.trees = trees;
    this.sandbox = sandbox;
    this.signal = signal;
  }

  async run(command: ToolCommand): Promise<CommandResult> {
    const { mounts = [], following = [], ...rest } = command;
    const tree = this.tree(`runs ${command.argv[0]}`);
    const sandbox = await this.sandbox.get();
    const lowers = await this.trees.directories(tree);
    const resolved: ToolOptions['mounts'][number][] = [];
    for (const { source, at, writable } of mounts) {
      resolved.push({
        source: typeof source === 'string' ? source : { lowers: await this.trees.directories(source) },
        at,
        writable: writable === true,
      });
    }
    const written = mounts.flatMap(({ source, writable }) => (writable === true && typeof source === 'string' ? [source] : []));
    return lookingForRoom(written, () => sandbox.runTool({ lowers, mounts: resolved, command: rest, following, signal: this.signal }));
  }

  async read(path: TreePath): Promise<Uint8Array | undefined> {
    return this.trees.inspect(this.tree(`reads ${path}`), (tree) => tree.read(path));
  }

  /** @param use what a format does with it. */
  private tree(use: string): TreeRef {
    if (this.layer === undefined) throw new Error(`a format ${use}, but names no tools for this image`);
    return { layers: [this.layer] };
  }
}
