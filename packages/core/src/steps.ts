import { taggedReferences, type StepRecord, type StepStore } from '@ict/cache';
import { canonicalJson, diffInputs, systemErrorOf, type CacheKey, type InputDifference } from '@ict/integrity';
import type { BlobStore, Context, Json, LayerRef, Step, TreeRef } from '@ict/plugin-api';
import type { StepReport } from './engine-api.js';
import { digestSecrets } from './secret-digests.js';
import type { CodeIdentity } from './plugins/code-identity.js';
import type { Check } from './plugins/value-check.js';
import { outputFault } from './step-output.js';

/** Tells whether a layer is still there. Its content is verified when it is mounted. */
export interface LayerPresence {
  has(layer: LayerRef): Promise<boolean>;
  /** Whether a remote cache was to have the layer, and did not give it. */
  isWithheld?(layer: LayerRef): boolean;
}

/** A step together with the identity of the code behind it. */
export interface StepCall<Out extends Json> extends Step<Out> {
  readonly by: CodeIdentity;
  /** What its output is: a stored one that is something else counts as missing. */
  readonly expects?: Check | undefined;
  /** Asked after `run`: false when its result is not what the key stands for, and must not be found by it. */
  readonly storable?: () => boolean;
}

type SoughtStep = Pick<StepCall<Json>, 'type' | 'expects'>;

/** The digests of a tree's layers, lowest first: what the tree is in a key. */
export function layerDigests(tree: TreeRef): readonly string[] {
  return tree.layers.map((layer) => layer.digest);
}

/** A stored result of the same step, by the same code, for another key. */
export interface StepSibling {
  readonly key: { readonly [name: string]: Json };
  readonly output: Json;
  /** Where its key differs from the one that was asked for, such as `packages.jq`. */
  readonly differences: readonly string[];
}

/** What is known of a step before it runs. */
export interface StepLook {
  /** The stored result; undefined when the step would run. */
  readonly output?: Json;
  /** Why it would run, as a build says it; empty for a hit. */
  readonly reason: string;
  /** From the inputs of the nearest stored result to those of the step. */
  readonly differences: readonly InputDifference[];
  /** The stored result, or the nearest one. */
  readonly past?: StepRecord;
}

/** A result, and what is told of how it was made. */
export interface MadeResult extends Pick<StepRecord, 'output' | 'tool' | 'durationMs'> {
  readonly type: string;
  readonly key: CacheKey;
}

/** Where results of other machines come from, and those of this one go to. */
export interface StepExchange {
  /** The result at this key, when it is what the step gives, and everything that it names can be had. */
  find(type: string, key: CacheKey, expected?: Check): Promise<Pick<MadeResult, 'output' | 'tool' | 'durationMs'> | undefined>;
  /** Takes note of a result of this machine. */
  offer(result: MadeResult): void;
}

/** How steps treat what is stored. */
export interface StepCare {
  /** Texts that stand in keys, and in what is stored of them, only as digests. */
  readonly secrets?: readonly string[];
  /** False makes everything anew, whatever is stored; default true. */
  readonly reuse?: boolean;
  /** Asked by `run` for what is not stored here. */
  readonly exchange?: StepExchange | undefined;
}

/** Runs steps, or takes their stored results: found by key, and never used when a layer or blob of them is gone or damaged. */
export class StepEngine {
  readonly reports: StepReport[] = [];
  private readonly records: Pick<StepStore, 'key' | 'get' | 'put' | 'nearest' | 'records'>;
  private readonly blobs: BlobStore;
  private readonly layers: LayerPresence;
  private readonly engine: CodeIdentity;
  private readonly emit: Context['emit'];
  private readonly secrets: readonly string[];
  private readonly reuse: boolean;
  private readonly exchange: StepExchange | undefined;

  constructor(
    records: StepEngine['records'],
    blobs: BlobStore,
    layers: LayerPresence,
    engine: CodeIdentity,
    emit: Context['emit'],
    { secrets = [], reuse = true, exchange }: StepCare = {},
  ) {
    this.records = records;
    this.blobs = blobs;
    this.layers = layers;
    this.engine = engine;
    this.emit = emit;
    this.secrets = secrets;
    this.reuse = reuse;
    this.exchange = exchange;
  }

  async run<Out extends Json>(call: StepCall<Out>): Promise<Out> {
    const { type } = call;
    const { inputs, key } = this.identify(call);
    const start = performance.now();
    const report = (hit: boolean, reason: string): void => {
      this.reports.push({ type, key, hit, reason, durationMs: Math.round(performance.now() - start) });
    };
    const { output: stored, reason, past } = await this.find(call, inputs);
    if (stored !== undefined) {
      this.emit({ type: 'step.hit', step: type, key });
      report(true, '');
      this.exchange?.offer({ ...(past as StepRecord), type });
      return stored as Out;
    }
    const brought = this.reuse ? await this.exchange?.find(type, key, call.expects) : undefined;
    if (brought !== undefined) {
      await this.records.put(type, inputs, brought.output, brought.tool, brought.durationMs);
      this.emit({ type: 'step.hit', step: type, key, from: 'remote' });
      report(true, '');
      return brought.output as Out;
    }
    this.emit({ type: 'step.miss', step: type, key, reason });
    this.emit({ type: 'step.start', step: type, key });
    const output = await call.run();
    report(false, reason);
    if (call.storable?.() === false) return output;
    const durationMs = Math.round(performance.now() - start);
    const tool = `${this.engine.name} ${this.engine.version}`;
    const kept = await this.records.put(type, inputs, output, tool, durationMs);
    if (kept !== undefined) this.emit({ type: 'step.stored', step: type, key, durationMs });
    this.exchange?.offer({ type, key, output, tool, durationMs });
    return output;
  }

  /** What `run` would do, without doing it. */
  async peek(call: Omit<StepCall<Json>, 'run'>): Promise<StepLook & { readonly key: CacheKey }> {
    const { inputs, key } = this.identify(call);
    return { key, ...(await this.find(call, inputs)) };
  }

  /** Stored results of this step by the same code. */
  async *siblings(call: Omit<StepCall<Json>, 'run'>): AsyncIterable<StepSibling> {
    if (!this.reuse) return;
    const { inputs } = this.identify(call);
    const code = (all: Json) => canonicalJson({ ...(all as object), input: null });
    for await (const record of this.records.records(call.type)) {
      if (code(record.inputs) !== code(inputs) || outputFault(record.output, call.expects) !== undefined) continue;
      const key = (record.inputs as { readonly input: StepSibling['key'] }).input;
      yield {
        key,
        output: record.output,
        differences: diffInputs(key, (inputs as { readonly input: Json }).input).map(({ path }) => path),
      };
    }
  }

  private identify(call: Omit<StepCall<Json>, 'run'>): { readonly inputs: Json; readonly key: CacheKey } {
    const input = digestSecrets(call.key, this.secrets, call.type);
    const inputs: Json = { step: call.type, version: call.version, by: { ...call.by }, engine: { ...this.engine }, input };
    return { inputs, key: this.records.key(call.type, inputs) };
  }

  /** A cache that cannot be read is one that has nothing. */
  private async find(call: SoughtStep, inputs: Json): Promise<StepLook> {
    try {
      return await this.look(call, inputs);
    } catch (error) {
      const reason = systemErrorOf(error);
      if (reason === undefined) throw error;
      return { reason: `the results in the cache cannot be read: ${reason}`, differences: [] };
    }
  }

  private async look({ type, expects }: SoughtStep, inputs: Json): Promise<StepLook> {
    if (!this.reuse) return { reason: 'the cache of layers is not to be used', differences: [] };
    const record = await this.records.get(type, inputs);
    if (record !== undefined) {
      const fault = outputFault(record.output, expects);
      if (fault !== undefined) return { reason: `the stored result is damaged: ${fault}`, differences: [] };
      const lost = await this.lost(record.output);
      const found = { differences: [], past: record };
      return lost === undefined ? { ...found, output: record.output, reason: '' } : { ...found, reason: lost };
    }
    const nearest = await this.records.nearest(type, inputs);
    if (nearest === undefined) return { reason: 'never built here', differences: [] };
    const { differences, record: past } = nearest;
    return { reason: describeDifferences(differences), differences, past };
  }

  /** What is said of the first layer or blob of an output that cannot be used any more. */
  private async lost(output: Json): Promise<string | undefined> {
    for (const reference of taggedReferences(output)) {
      if (reference.kind === 'layer' && !(await this.layers.has(reference))) {
        return this.layers.isWithheld?.(reference) === true
          ? 'a remote cache did not give its layer'
          : 'the stored layer is gone or damaged';
      }
      if (reference.kind === 'blob' && (await this.blobs.path(reference.digest)) === undefined) return 'the stored file is gone or damaged';
    }
    return undefined;
  }
}

/** The first inputs that differ, with their values before and after: why there was no hit. */
export function describeDifferences(differences: readonly InputDifference[]): string {
  return differences
    .slice(0, 3)
    .map(({ path, before, after }) => `${path}: ${show(path, before)} became ${show(path, after)}`)
    .join('; ');
}

function show(path: string, value: Json | undefined): string {
  const isMode = typeof value === 'number' && path.endsWith('.mode');
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? value : isMode ? value.toString(8) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
