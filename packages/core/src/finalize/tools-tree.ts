import { canonicalJson, digestOf } from '@ict/integrity';
import type { CommandResult, Digest, Json, LayerRef, ToolCommand, ToolsRunner } from '@ict/plugin-api';
import type { ToolOptions } from '@ict/sandbox';
import { lookingForRoom } from '../trees/full-disk.js';
import type { StepCall } from '../steps.js';
import type { LazySandbox, SandboxTrees } from '../trees/trees.js';

/** The tools of a build. */
export interface ToolsSource {
  /** Says what is unpacked, how, and by which code. */
  readonly digest: Digest;
  /** Has them unpacked, once. */
  layer(): Promise<LayerRef>;
}

/** The tools that a step unpacks when they are asked for. */
export function toolsBy(call: StepCall<LayerRef & Json>, run: (call: StepCall<LayerRef & Json>) => Promise<LayerRef>): ToolsSource {
  const { by, version, key } = call;
  let layer: Promise<LayerRef> | undefined;
  return { digest: digestOf(canonicalJson({ by: { ...by }, version, key })), layer: () => (layer ??= run(call)) };
}

/** Runs the programs of one tools tree, each call in a throw-away root of its own. */
export class ToolsTree implements ToolsRunner {
  readonly digest: Digest;
  private readonly source: ToolsSource;
  private readonly trees: SandboxTrees;
  private readonly sandbox: LazySandbox;
  private readonly signal: AbortSignal;

  constructor(source: ToolsSource, trees: SandboxTrees, sandbox: LazySandbox, signal: AbortSignal) {
    this.digest = source.digest;
    this.source = source;
    this.trees = trees;
    this.sandbox = sandbox;
    this.signal = signal;
  }

  async run(command: ToolCommand): Promise<CommandResult> {
    const { mounts = [], following = [], ...rest } = command;
    const sandbox = await this.sandbox.get();
    const lowers = await this.trees.directories({ layers: [await this.source.layer()] });
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
