import { hasCode, type Context, type Json, type LayerRef, type Provider, type TreeRef } from '@ict/plugin-api';
import { changedPaths } from '@ict/sandbox';
import type { LayerCall, LayerMaker } from './composition.js';
import { coreError } from '../errors.js';
import type { LayerFinder } from '../trees/layer-shelf.js';
import type { SandboxTrees } from '../trees/trees.js';

/** Decides for each step whether it is looked at again. */
export interface AuditSample {
  readonly percent: number;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

/** How many paths an error names. */
const NAMED = 5;

/** Makes layers of the cache anew, from nothing but their key, and compares: the proof that a cache tells the truth. */
export class CacheAudit {
  private readonly sample: AuditSample;
  private readonly layers: LayerMaker;
  private readonly shelf: LayerFinder;
  private readonly trees: SandboxTrees;
  private readonly provider: Provider;
  private readonly emit: Context['emit'];

  constructor(sample: AuditSample, layers: LayerMaker, shelf: LayerFinder, trees: SandboxTrees, provider: Provider, emit: Context['emit']) {
    this.sample = sample;
    this.layers = layers;
    this.shelf = shelf;
    this.trees = trees;
    this.provider = provider;
    this.emit = emit;
  }

  /**
   * @param output what the cache, or a delta, gave for this step.
   * @throws `ICT_CACHE_AUDIT` when a clean run makes another layer. The one of the cache is dropped then.
   */
  async check(call: LayerCall, output: Json): Promise<void> {
    if (call.clean === undefined || this.sample.random() * 100 >= this.sample.percent) return;
    const cached = output as unknown as LayerRef;
    const clean = await call.clean(this.layers);
    this.emit({ type: 'cache.audited', step: call.type, equal: clean.digest === cached.digest });
    if (clean.digest !== cached.digest) throw await this.difference(call, cached, clean);
  }

  private async difference(call: LayerCall, cached: LayerRef, clean: LayerRef): Promise<Error> {
    const [before, after] = await Promise.all([this.shelf.find(cached), this.shelf.find(clean)]);
    const changed = changedPaths(before?.manifest.entries ?? [], after?.manifest.entries ?? []);
    const paths = await Promise.all(changed.slice(0, NAMED).map(async (path) => `${path}${await this.owner(path, call.over, clean)}`));
    await this.shelf.drop(cached);
    const more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : '';
    return coreError('ICT_CACHE_AUDIT', {
      message: `step ${call.type} makes another layer than the one in the cache: ${paths.join(', ')}${more} differ`,
      hint: 'The cached layer was dropped. If a clean build differs again, the step is not a function of its inputs.',
      facts: { step: call.type, cached: cached.digest, clean: clean.digest, paths: changed },
    });
  }

  private async owner(path: string, over: TreeRef, layer: LayerRef): Promise<string> {
    const { inventory } = this.provider;
    const tree = { layers: [...over.layers, layer] };
    try {
      const names = (await this.trees.inspect(tree, async (session) => inventory.owners?.(path, session))) ?? [];
      return names.length === 0 ? '' : ` of package ${names.join(' and ')}`;
    } catch (error) {
      // A database that cannot be read names nobody; the difference itself matters more.
      if (hasCode(error, 'ICT_LAYER_DAMAGED')) throw error;
      return '';
    }
  }
}
