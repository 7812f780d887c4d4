import type {
  BlobRef,
  BuildContext,
  Context,
  Exporter,
  FormatArtifact,
  ImageInput,
  ImageSpec,
  InstalledPackage,
  Json,
  LayerRef,
  StepRunner,
  TreeRef,
  VerifiedPackage,
} from '@ict/plugin-api';
import { sectionOf } from '@ict/plugin-api';
import type { Composition } from '../compose/composition.js';
import type { Deliverable } from './delivery.js';
import { lockEpoch, type Lock } from '../locks/lock.js';
import type { CodeIdentity } from '../plugins/code-identity.js';
import type { Loaded } from '../plugins/plugin-host.js';
import { COMPARE, pluginFailure } from '../plugins/plugin-calls.js';
import { installedPackages } from '../plugins/plugin-answers.js';
import { specFor } from '../plugins/plugin-view.js';
import { is } from '../plugins/value-check.js';
import { layerOutput } from '../step-output.js';
import { asTheyAre, type ForUnpacking } from '../packages/package-shelf.js';
import { layerDigests, type StepCall, type StepEngine } from '../steps.js';
import type { SandboxTrees } from '../trees/trees.js';

/** The step that unpacks the programs which write images. */
export function toolsStep(
  input: Composition,
  tools: readonly VerifiedPackage[],
  trees: SandboxTrees,
  ctx: Context,
  forUnpacking: ForUnpacking = asTheyAre,
): StepCall<LayerRef & Json> {
  const { installer } = input.provider.part;
  return {
    type: 'ict.tools',
    version: 1,
    by: input.provider.identity,
    expects: layerOutput,
    key: {
      packages: Object.fromEntries(tools.map((pkg) => [pkg.id, `${pkg.version} ${pkg.digest}`])),
      installer: installer.version,
      quirks: (input.distribution.quirks ?? {}) as Json,
    },
    run: async () => ({
      ...(await trees.change({ layers: [] }, async (tree) => installer.unpack(await forUnpacking(tools), tree, input.distribution, ctx))),
    }),
  };
}

/** The steps of an image format, run by the engine under the format's own identity. */
export function formatSteps(steps: StepEngine, by: CodeIdentity, spec: ImageSpec): StepRunner {
  return {
    step: (type, version, key, run, _unmade, accepts) => {
      const expects = accepts === undefined ? {} : { expects: is(`what the step ${type} gives`, (output) => accepts(output as Json)) };
      return steps.run({ type, version, by, key: formatKey(key, by, spec), run, ...expects });
    },
  };
}

/** The key of a step of an image format. What the template says to its plugin is part of each: the format sees it. */
export function formatKey(key: Json, by: CodeIdentity, spec: ImageSpec): Json {
  const section = sectionOf<Json>(spec, by.name);
  return section === undefined ? key : { step: key, section };
}

/** Makes the image's files. */
export async function buildArtifacts(
  input: Composition,
  tree: TreeRef,
  steps: StepRunner,
  ctx: BuildContext,
): Promise<readonly Deliverable[]> {
  const artifacts = await input.format.part.build(formatInput(input, tree), steps, ctx);
  return Promise.all(artifacts.map((artifact) => deliverable(artifact, input.spec.image, ctx)));
}

/** What an image format is told. */
export function formatInput({ spec, distribution, seed, format }: Composition, tree: TreeRef): ImageInput {
  return { spec: specFor(spec, format.identity), distribution, tree, seed };
}

async function deliverable(artifact: FormatArtifact, image: { name: string; version: string }, ctx: BuildContext): Promise<Deliverable> {
  const blob: BlobRef = artifact.blob;
  const file = await ctx.blobs.path(blob.digest);
  if (file === undefined) throw new Error(`blob ${blob.digest} of a step that just succeeded is gone`);
  const name = `${image.name}-${image.version}.${artifact.extension}`;
  return { name, type: artifact.spec?.type ?? artifact.extension, file, digest: blob.digest, sizeBytes: blob.sizeBytes };
}

/** Reads what the finished tree says is installed. */
export function inventoryStep(input: Composition, tree: TreeRef, trees: SandboxTrees): StepCall<Json> {
  const { inventory } = input.provider.part;
  return {
    type: 'ict.inventory',
    version: 1,
    by: input.provider.identity,
    expects: installedPackages,
    key: { tree: layerDigests(tree) },
    run: async () => (await trees.inspect(tree, (session) => inventory.list(session))) as unknown as Json,
  };
}

/** The documents beside the image: bills of material and the manifest, by file name. @throws `ICT_PLUGIN_FAILED` */
export function documents(
  exporters: readonly Loaded<Exporter>[],
  input: Composition,
  lock: Lock,
  installed: readonly InstalledPackage[],
  artifacts: readonly Deliverable[],
  ctx: BuildContext,
): ReadonlyMap<string, Uint8Array> {
  const { spec, distribution, provider, core } = input;
  const bill = {
    distribution,
    installed: installed.map((pkg) => ({ ...pkg, purl: provider.part.inventory.purl(pkg, distribution) })),
    packages: lock.packages,
    repositories: lock.repositories,
    artifacts: artifacts.map(({ name, digest, sizeBytes }) => ({ name, digest, sizeBytes })),
    epochSeconds: ctx.epochSeconds,
    seed: input.lock,
    creator: `${core.name}-${core.version}`,
  };
  const prefix = `${spec.image.name}-${spec.image.version}`;
  const taken = new Set(artifacts.map(({ name }) => name));
  return new Map(
    exporters.map(({ part, identity }) => {
      const name = `${prefix}.${part.extension}`;
      if (taken.has(name)) throw pluginFailure(identity, 'export', `its document ${name} has the name of a file of the image`, COMPARE);
      return [name, part.export({ ...bill, spec: specFor(spec, identity) })];
    }),
  );
}

/** Latest time that a file of the image may carry, seconds since 1970. */
export function imageEpoch(lock: Lock, sourceDateEpoch: number | undefined): number {
  return sourceDateEpoch ?? lockEpoch(lock);
}
