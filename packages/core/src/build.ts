import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chooseCacheHome, type CacheHome } from '@ict/cache';
import { hasCode, type BuildContext, type ImageSpec, type InstalledPackage, type Json } from '@ict/plugin-api';
import type { ProblemReport, TreeRef } from '@ict/plugin-api';
import { unfitForTrees } from '@ict/sandbox';
import { cacheUse } from './cache-use.js';
import { composeTree, compositionSteps, type Composition } from './compose/composition.js';
import { gatherConfiguration } from './compose/configure.js';
import { treeEpoch } from './compose/template-epoch.js';
import { gatherLayers } from './compose/template-layers.js';
import type { BuildOptions, BuildReport, CacheUse, EngineOptions } from './engine-api.js';
import { warningEvent, type EventStream } from './event-stream.js';
import { copyDelivery, deliver, type Delivery } from './finalize/delivery.js';
import { buildArtifacts, documents, formatSteps, imageEpoch, inventoryStep, toolsStep } from './finalize/finalization.js';
import { ImageCache, imageInputs, type FinishedImage } from './finalize/image-cache.js';
import { replacedImage } from './finalize/replaced-image.js';
import { unpackTools } from './finalize/tools-tree.js';
import { formatLock, lockDigest, lockSeed, type Lock } from './locks/lock.js';
import { settleLock } from './locks/lock-settling.js';
import { providerId } from './locks/request.js';
import { fetchPackages, type LockedPackages } from './packages/locked-packages.js';
import { asTheyAre } from './packages/package-shelf.js';
import type { PluginHost } from './plugins/plugin-host.js';
import { checkHost, wantedRoom } from './preflight.js';
import { atRepository } from './repositories/repository-places.js';
import { stepsToldOnce } from './steps-told-once.js';
import { withoutDamagedLayers } from './without-damaged-layers.js';
import type { BuildServices, Services } from './services.js';
import { requireSound, type Intake, type TemplateReading } from './templates/template-intake.js';

/** One build, and what it is handed by the engine. */
export interface ImageBuild {
  /** Path of the template. */
  readonly template: string;
  readonly options: BuildOptions;
  readonly engine: EngineOptions;
  readonly plugins: PluginHost;
  readonly events: EventStream;
  read(): Promise<TemplateReading>;
  /** @param home where the cache is. */
  open(intake: Intake, home: CacheHome): Promise<Services>;
}

type Warn = (reports: readonly ProblemReport[]) => void;

/** Runs the four stages of a build. */
export async function buildImage(build: ImageBuild): Promise<BuildReport> {
  const { options, engine, events } = build;
  const start = performance.now();
  const warnings: ProblemReport[] = [];
  const warn: Warn = (reports) => {
    for (const report of reports) events.emit(warningEvent(report));
    warnings.push(...reports);
  };
  const { intake, services } = await events.run('validate', () => validate(build, warn));
  const { spec } = intake;
  const directory = targetDirectory(engine, spec);
  const built = services.locked(directory, wantedRoom(spec.disk.sizeBytes), async (waitedMs) => {
    const target = join(directory, 'imagebuild', spec.system.name);
    warn(await replacedImage(target, spec));
    const use = cacheUse(options.caches, engine.storage, spec);
    const remote = use.remote ? services.remote(spec.secrets) : undefined;
    const images = new ImageCache(services.images, services.identity, events.emit, remote?.images);
    const sound: SoundBuild = { ...build, intake, services, images, use, late: remote?.asks === true && options.audit === undefined };
    const gathered = await events.run('packages', () => gather(sound, warn));
    const { lock, image, epochSeconds, forUnpacking } = gathered;
    const work = services.build(lock.target, epochSeconds, spec.secrets, { use: use.layers, remote }, forUnpacking);
    const make = async (): Promise<Delivery> => {
      const composed = await events.run('compose', () => compose(sound, gathered, work));
      return events.run('finalize', () => finalize(sound, gathered, work, composed, target));
    };
    const delivery =
      image === undefined
        ? await withoutDamagedLayers(make, warn)
        : await events.run('finalize', () => deliver(target, image.artifacts, image.documents, services.context));
    const final = options.output === undefined ? delivery : await copyDelivery(delivery, options.output, engine.signal);
    for (const artifact of final.artifacts) events.emit({ type: 'artifact.written', artifact });
    await work.upload();
    await services.enforceLimits();
    const tally = remote?.tally();
    const asked = tally === undefined ? {} : { remote: tally };
    const waited = waitedMs === 0 ? {} : { waitedMs };
    const durationMs = Math.round(performance.now() - start) - waitedMs;
    events.emit({ type: 'build.done', artifacts: final.artifacts, durationMs, ...waited, ...asked });
    return {
      target: lock.target,
      directory: final.directory,
      artifacts: final.artifacts,
      documents: final.documents,
      stages: events.stages(),
      ...waited,
      steps: stepsToldOnce([...images.reports, ...work.steps.reports]),
      ...asked,
      warnings,
      lock: final.documents.find((document) => document.endsWith('.lock.yml')) as string,
    };
  });
  return built.catch((error: unknown) => {
    throw atRepository(build.plugins.blame(error), intake.places);
  });
}

/** Where builds of one target work. */
function targetDirectory({ workDir }: EngineOptions, spec: ImageSpec): string {
  return join(workDir, providerId(spec.target));
}

/** Reads the template, looks at the host, and opens the cache: whatever is wrong with the two is told at once. */
async function validate(build: ImageBuild, warn: Warn): Promise<{ readonly intake: Intake; readonly services: Services }> {
  const { template, options, engine, events } = build;
  const reading = await build.read();
  const home = await chooseCacheHome(engine, unfitForTrees);
  const own = reading.intake && targetDirectory(engine, reading.intake.spec);
  const places = [
    ...(home.cacheDir === engine.cacheDir ? [{ path: engine.cacheDir, trees: home.treesDir === undefined }] : []),
    // The directory of this target may be another user's, though the work directory is not.
    { path: own !== undefined && existsSync(own) ? own : engine.workDir, trees: true },
    ...(options.output === undefined ? [] : [{ path: options.output, output: true }]),
  ];
  const image = reading.intake && { sizeBytes: reading.intake.spec.disk.sizeBytes, architecture: reading.intake.spec.target.arch };
  const host = await checkHost(image, places, engine.signal);
  requireSound(template, [...reading.problems, ...reading.refused, ...host]);
  const intake = reading.intake as Intake;
  warn(reading.warnings);
  events.emit({ type: 'build.start', template, target: providerId(intake.spec.target) });
  return { intake, services: await build.open(intake, home) };
}

/** A build whose template and host were found sound. */
interface SoundBuild extends ImageBuild {
  readonly intake: Intake;
  readonly services: Services;
  readonly images: ImageCache;
  /** The tiers of the cache that it uses. */
  readonly use: Required<CacheUse>;
  /** Packages are fetched when they are unpacked: their layers may come from other machines. An audit unpacks all of them. */
  readonly late: boolean;
}

/** Everything that the image is made of, or the image itself where it is kept. */
interface Gathered extends Pick<LockedPackages, 'tools' | 'forUnpacking'> {
  readonly lock: Lock;
  /** Latest time that a file of the image may carry, seconds since 1970. */
  readonly epochSeconds: number;
  /** What the image is kept by; undefined where not all of it is known yet. */
  readonly inputs: Json | undefined;
  /** The kept image of these inputs: nothing has to be made, and so no package was fetched. */
  readonly image: FinishedImage | undefined;
  readonly composition: Composition;
}

/** Settles the lock, reads the files of the host that the template names, and fetches the packages unless the finished image is kept. */
async function gather(build: SoundBuild, warn: Warn): Promise<Gathered> {
  const { template, options, engine, plugins, intake, services, images, use, late } = build;
  const { spec, distribution, provider, format } = intake;
  const settled = await settleLock(template, intake, options, services);
  warn(settled.warnings);
  const { lock } = settled;
  const parts = {
    spec,
    distribution,
    provider,
    format,
    configuration: await gatherConfiguration(spec, format.part),
    layers: await gatherLayers(spec.layers),
    lock: lockDigest(lock),
    seed: lockSeed(lock),
    treeEpoch: treeEpoch(engine.sourceDateEpoch),
    core: services.identity,
  };
  const epochSeconds = imageEpoch(lock, engine.sourceDateEpoch);
  const inputs = imageInputs(parts, await plugins.exporters(), epochSeconds);
  // An audit looks at the layers below an image, and so needs them.
  const image = inputs === undefined || !use.images || options.audit !== undefined ? undefined : await images.find(inputs);
  const { packages, tools, forUnpacking }: Omit<LockedPackages, 'distinct'> =
    image === undefined
      ? await fetchPackages(settled, intake, engine, services, { use: use.packages, late })
      : { packages: [], tools: [], forUnpacking: asTheyAre };
  return { lock, epochSeconds, inputs, image, composition: { ...parts, packages, offline: engine.offline }, tools, forUnpacking };
}

/** A root tree, and the context of the steps that make files of it. */
interface Composed {
  readonly tree: TreeRef;
  readonly ctx: BuildContext;
}

/** Makes the layers of the root tree, or finds them. */
async function compose({ options, intake, services, images }: SoundBuild, gathered: Gathered, work: BuildServices): Promise<Composed> {
  const { composition, tools, forUnpacking, inputs } = gathered;
  const unpacking = toolsStep(composition, tools, work.trees, services.context, forUnpacking);
  const ctx = work.context(await unpackTools(composition, unpacking, (call) => work.steps.run(call)));
  const steps = compositionSteps(composition, work.layers, work.source, ctx);
  const audit = options.audit === undefined ? undefined : work.audit(options.audit, intake.provider.part);
  const tree = await composeTree(steps, async (call) => {
    const output = await work.steps.run(call);
    if (call.storable?.() !== false) await audit?.check(call, output);
    return output;
  }).catch(async (error: unknown) => {
    // A kept image of the same inputs was made from the layer that turned out to be wrong.
    if (hasCode(error, 'ICT_CACHE_AUDIT') && inputs !== undefined) await images.drop(inputs);
    throw error;
  });
  return { tree, ctx };
}

/** Makes the files of the image and the documents beside them, keeps them in the image cache, and delivers them to `target`. */
async function finalize(
  { plugins, intake, images, use }: SoundBuild,
  { lock, inputs, composition }: Gathered,
  { steps, trees }: BuildServices,
  { tree, ctx }: Composed,
  target: string,
): Promise<Delivery> {
  const { spec, format } = intake;
  const artifacts = await buildArtifacts(composition, tree, formatSteps(steps, format.identity, spec), ctx);
  const installed = (await steps.run(inventoryStep(composition, tree, trees))) as unknown as readonly InstalledPackage[];
  const bills = documents(await plugins.exporters(), composition, lock, installed, artifacts, ctx);
  const beside = new Map([...bills, [`${spec.image.name}-${spec.image.version}.lock.yml`, new TextEncoder().encode(formatLock(lock))]]);
  if (inputs !== undefined && use.images) await images.keep(inputs, { artifacts, documents: beside });
  return deliver(target, artifacts, beside, ctx);
}
