import type { CommandResult, Digest, LayerRef, ToolCommand, ToolsRunner } from '@ict/plugin-api';
import type { ToolOptions } from '@ict/sandbox';
import { lookingForRoom } from './full-disk.js';
import type { LazySandbox, SandboxTrees } from './trees.js';

/** Runs the programs of one tools tree, each call in a throw-away root of its own. */
export class ToolsTree implements ToolsRunner {
  readonly digest: Digest;
  private readonly layer: LayerRef;
  private readonly trees: SandboxTrees;
  private readonly sandbox: LazySandbox;
  private readonly signal: AbortSignal;

  constructor(layer: LayerRef, trees: SandboxTrees, sandbox: LazySandbox, signal: AbortSignal) {
    this.digest = layer.digest;
    this.layer = layer;
    this.trees = trees;
    this.sandbox = sandbox;
    this.signal = signal;
  }

  async run(command: ToolCommand): Promise<CommandResult> {
    const { mounts = [], following = [], ...rest } = command;
    const sandbox = await this.sandbox.get();
    const lowers = await this.trees.directories({ layers: [this.layer] });
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
}
