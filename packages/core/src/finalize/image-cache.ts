import { readFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { ImageLookup, ImageStore, StoredImage } from '@ict/cache';
import { toErrorRecord, type EventBody, type Exporter, type Json, type TemplateRepository } from '@ict/plugin-api';
import type { CodeIdentity } from '../plugins/code-identity.js';
import { configurationKey, fileKeys } from '../compose/configure.js';
import type { Composition } from '../compose/composition.js';
import type { Deliverable } from './delivery.js';
import type { StepReport } from '../engine-api.js';
import type { Loaded } from '../plugins/plugin-host.js';
import { digestSecrets } from '../secret-digests.js';
import type { RemoteImages } from '../remote/remote-images.js';
import { describeDifferences } from '../steps.js';
import { cacheTargets, type GatheredLayer } from '../compose/template-layers.js';

/** What a build calls the image cache among its steps. */
export const IMAGE_STEP = 'ict.image';

/**
 * Values of a specification that say where something was written, or how to build, and do not shape the image. Secrets shape it where they
 * are used; for the hash of a password stands a digest among the configuration. Layers have names of their own, and are listed apart; what
 * is said to plugins is taken whole, beside the rest.
 */
const SHAPELESS: ReadonlySet<string> = new Set([
  'file',
  'metadata',
  'position',
  'positions',
  'source',
  'keyFile',
  'caches',
  'lockFile',
  'secrets',
  'sections',
  'passwordHash',
  'layers',
]);
const NOTHING: ReadonlySet<string> = new Set();

/**
 * Everything that shapes an image: what the template asks for, with the content of the files that it names, the lock, the definition,
 * and the code that makes it. A digest stands for each secret. Undefined when some of that is not known before the build: what
 * `validate` of a layer decides depends on what the cache holds. Such an image is neither kept nor taken from the cache.
 */
export function imageInputs(
  input: Omit<Composition, 'packages'>,
  exporters: readonly Loaded<Exporter>[],
  epochSeconds: number,
): Json | undefined {
  const { spec, distribution, provider, format, configuration, layers, lock, treeEpoch, core } = input;
  if (spec.layers.some(({ types, validate }) => types.cache && validate !== undefined)) return undefined;
  const { os, dist, title, essential, boot, tools, quirks } = distribution;
  // What packages were held to: an image of laxer rules is none of stricter ones.
  const repositories = distribution.repositories.map(({ id, gpgCheck, repoGpgCheck, legacyCrypto, fingerprints }) => {
    return { id, gpgCheck, repoGpgCheck, legacyCrypto, fingerprints };
  });
  const inputs: Json = {
    template: shape({ ...spec, repositories: spec.repositories.map(placeless) } as unknown as Json, SHAPELESS),
    // Whole: only the plugin knows which of its words shape the image.
    sections: { ...spec.sections },
    configuration: configurationKey(configuration),
    layers: layers.map(layerInputs),
    lock,
    epochSeconds,
    treeEpoch,
    definition: shape({ os, dist, title, essential, boot, tools, repositories, quirks: quirks ?? {} } as unknown as Json, NOTHING),
    engine: { ...core },
    provider: { ...provider.identity, installer: provider.part.installer.version },
    format: { ...format.identity, version: format.part.version },
    exporters: Object.fromEntries(exporters.map(({ part, identity }) => [part.name, { ...identity } as Json])),
  };
  return digestSecrets(inputs, spec.secrets, IMAGE_STEP);
}

/** A repository without where its directory and its keys lie on this machine: what it holds is in the lock. */
function placeless({ path, url, recordedAs, keys, ...rest }: TemplateRepository): object {
  const address = path === undefined ? url : undefined;
  const directory = recordedAs ?? path;
  return { ...rest, keys: keys.map((key) => (isAbsolute(key) ? basename(key) : key)), url: address, path: directory };
}

/** Everything of a layer that shapes it. */
function layerInputs({ spec, files, inputs }: GatheredLayer): Json {
  const { name, run, types, env, network, metadata, invalidateOn } = spec;
  const own = { name, run, types: { ...types }, env, network, metadata, invalidateOn: { ...invalidateOn } };
  return { ...own, files: fileKeys(files), inputs, cacheMounts: cacheTargets(spec) };
}

/** Plain data without what is undefined and without members of these names. */
function shape(value: Json, without: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((item) => shape(item as Json, without));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, member]) => !without.has(name) && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, shape(member as Json, without)]));
}

/** A finished image as delivery takes it. */
export interface FinishedImage {
  readonly artifacts: readonly Deliverable[];
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

/** The image cache as one build uses it. */
export class ImageCache {
  readonly reports: StepReport[] = [];
  private readonly store: ImageStore;
  private readonly engine: CodeIdentity;
  private readonly emit: (event: EventBody) => void;
  private readonly remote: RemoteImages | undefined;

  /** @param remote images of other machines, when there are any. */
  constructor(store: ImageStore, engine: CodeIdentity, emit: (event: EventBody) => void, remote?: RemoteImages) {
    this.store = store;
    this.engine = engine;
    this.emit = emit;
    this.remote = remote;
  }

  /** The image made from equal inputs, each file verified. */
  async find(inputs: Json): Promise<FinishedImage | undefined> {
    const start = performance.now();
    const key = this.store.key(inputs);
    const found = await this.store.find(inputs);
    if (found.image !== undefined) this.remote?.offer(found.image);
    const brought = found.image === undefined ? await this.bring(inputs) : undefined;
    const image = found.image ?? brought;
    const reason = image === undefined ? describeImageMiss(found as ImageMiss) : '';
    const hit: EventBody = { type: 'step.hit', step: IMAGE_STEP, key, ...(brought === undefined ? {} : { from: 'remote' }) };
    this.emit(image === undefined ? { type: 'step.miss', step: IMAGE_STEP, key, reason } : hit);
    this.reports.push({ type: IMAGE_STEP, key, hit: image !== undefined, reason, durationMs: Math.round(performance.now() - start) });
    return image && open(image);
  }

  /** Gets the image from another machine, and keeps it. */
  private async bring(inputs: Json): Promise<StoredImage | undefined> {
    const made = await this.remote?.find(this.store.key(inputs));
    if (made === undefined) return undefined;
    try {
      return (await this.store.put(inputs, made.image, made.tool)) ?? (await this.store.find(inputs)).image;
    } catch (error) {
      this.tellNotKept(error);
      return undefined;
    }
  }

  /** Takes away the image of these inputs, when one is kept. */
  async drop(inputs: Json): Promise<void> {
    await this.store.drop(inputs);
  }

  /** Keeps an image for the next build; that it cannot be kept is a warning. */
  async keep(inputs: Json, { artifacts, documents }: FinishedImage): Promise<void> {
    const start = performance.now();
    try {
      const kept = await this.store.put(
        inputs,
        { artifacts: artifacts.map((artifact) => ({ ...artifact, source: artifact.file })), documents },
        `${this.engine.name} ${this.engine.version}`,
      );
      const durationMs = Math.round(performance.now() - start);
      this.emit({ type: 'step.stored', step: IMAGE_STEP, key: this.store.key(inputs), durationMs });
      if (kept !== undefined) this.remote?.offer(kept);
    } catch (error) {
      this.tellNotKept(error);
    }
  }

  private tellNotKept(error: unknown): void {
    const { code, message, hint } = toErrorRecord(error);
    this.emit({ type: 'warning', code, message: `the image was not kept: ${message}`, ...(hint === undefined ? {} : { hint }) });
  }
}

type ImageMiss = Extract<ImageLookup, { readonly reason: string }>;

/** Why an image was not taken from the cache. */
export function describeImageMiss({ reason, differences }: ImageMiss): string {
  return differences.length > 0 ? describeDifferences(differences) : reason;
}

async function open({ directory, files }: StoredImage): Promise<FinishedImage> {
  const artifacts: Deliverable[] = [];
  const documents = new Map<string, Uint8Array>();
  for (const { name, type, digest, sizeBytes } of files) {
    const file = join(directory, name);
    if (type === undefined) documents.set(name, await readFile(file));
    else artifacts.push({ name, type, file, digest, sizeBytes });
  }
  return { artifacts, documents };
}
