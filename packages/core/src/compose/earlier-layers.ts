import type { StepStore } from '@ict/cache';
import { canonicalJson, ignoreSystemError } from '@ict/integrity';
import type { Json, LayerRef } from '@ict/plugin-api';
import { record, shape, text } from '../plugins/value-check.js';
import { layerOutput, outputFault } from '../step-output.js';
import type { LayerPresence } from '../steps.js';

const KIND = 'ict.earlier';

const remembered = shape({ terms: shape({}), layer: layerOutput, metadata: record(text) });

/** A layer of a template as it was last made, and the facts that were kept with it. */
export interface EarlierLayer {
  readonly layer: LayerRef;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The fixed part of a key, for comparing what was kept with what is wanted. */
export type LayerTerms = Readonly<Record<string, Json>>;

/**
 * Remembers how each layer of type `cache` last came out, by its name. What is remembered is offered to `validate`, and is never the
 * answer to a key.
 */
export class EarlierLayers {
  private readonly records: Pick<StepStore, 'get' | 'put'>;
  private readonly layers: LayerPresence;
  private readonly tool: string;

  constructor(records: Pick<StepStore, 'get' | 'put'>, layers: LayerPresence, tool: string) {
    this.records = records;
    this.layers = layers;
    this.tool = tool;
  }

  /** @returns undefined when there is none, when its terms (types, `invalidateOn`) were others, or when it is gone or cannot be read. */
  async recall(scope: string, terms: LayerTerms): Promise<EarlierLayer | undefined> {
    const stored = await this.records.get(KIND, { scope }).catch(ignoreSystemError);
    if (stored === undefined || outputFault(stored.output, remembered) !== undefined) return undefined;
    const kept = stored.output as { readonly terms: Json; readonly layer: Json; readonly metadata: Json };
    const layer = kept.layer as unknown as LayerRef;
    if (canonicalJson(kept.terms) !== canonicalJson(terms) || !(await this.layers.has(layer))) return undefined;
    return { layer, metadata: kept.metadata as EarlierLayer['metadata'] };
  }

  async remember(scope: string, terms: LayerTerms, { layer, metadata }: EarlierLayer): Promise<void> {
    await this.records.put(KIND, { scope }, { terms, layer: { ...layer }, metadata }, this.tool);
  }
}
