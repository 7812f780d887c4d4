import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chooseCacheHome, type CacheHome } from '@ict/cache';
import type { StorageSettings } from '@ict/template';
import { hasCode, type Context, type ImageSpec, type InstalledPackage, type ProblemReport, type RepositorySpec } from '@ict/plugin-api';
import { unfitForTrees } from '@ict/sandbox';
import { composeTree, compositionSteps, type Composition } from './compose/composition.js';
import { gatherConfiguration } from './compose/configure.js';
import { copyDelivery, deliver, type Delivery } from './finalize/delivery.js';
import { dependencyGraph } from './questions/dependency-graph.js';
import { obtainPackages } from './packages/downloads.js';
import type { BuildOptions, BuildReport, CacheUse, EngineOptions } from './engine-api.js';
import { warningEvent, type EventStream } from './events.js';
import { buildArtifacts, documents, formatSteps, imageEpoch, inventoryStep, runsTools, toolsStep } from './finalize/finalization.js';
import { ImageCache, imageInputs } from './finalize/image-cache.js';
import { formatLock, lockDigest } from './locks/lock.js';
import { asTheyAre } from './packages/package-shelf.js';
import { settleLock, type SettledLock } from './locks/lock-settling.js';
import type { PluginHost } from './plugins/plugin-host.js';
import { checkArchitecture, checkHost, wantedRoom } from './preflight.js';
import { providerId } from './locks/request.js';
import { restart } from './restart.js';
import type { Services, TierUse } from './services.js';
import { requireSound, type Intake, type TemplateReading } from './templates/template-intake.js';
import { gatherLayers } from './compose/template-layers.js';
import { toolsBy } from './finalize/tools.js';

/** Runs the four stages of a build. */
export async function buildImage(
  template: string,
  options: BuildOptions,
  engine: EngineOptions,
  read: () => Promise<TemplateReading>,
  plugins: PluginHost,
  events: EventStream,
  open: (intake: Intake, home: CacheHome) => Promise<Services>,
): Promise<BuildReport> {
  const start = performance.now();
  const warnings: ProblemReport[] = [];
  const warn = (reports: readonly ProblemReport[]): void => {
    for (const report of reports) events.emit(warningEvent(report));
    warnings.push(...reports);
  };
  const directoryOf = (spec: ImageSpec): string => join(engine.workDir, providerId(spec.target));
  const { intake, services } = await events.run('validate', async () => {
    const reading = await read();
    const home = await chooseCacheHome(engine, unfitForTrees);
    const own = reading.intake && directoryOf(reading.intake.spec);
    const places = [
      ...(home.cacheDir === engine.cacheDir ? [{ path: engine.cacheDir, trees: home.treesDir === undefined }] : []),
      // The directory of this target may be another user's, though the work directory is not.
      { path: own !== undefined && existsSync(own) ? own : engine.workDir, trees: true },
      ...(options.output === undefined ? [] : [{ path: options.output }]),
    ];
    const host = await checkHost(reading.intake?.spec.disk.sizeBytes ?? 0, places, engine.signal);
    const arch = reading.intake === undefined ? [] : checkArchitecture(reading.intake.spec.target.arch);
    requireSound(template, [...reading.problems, ...reading.refused, ...arch, ...host]);
    const sound = reading.intake as Intake;
    warn(reading.warnings);
    events.emit({ type: 'build.start', template, target: providerId(sound.spec.target) });
    return { intake: sound, services: await open(sound, home) };
  });
  const { spec, distribution, provider } = intake;
  const directory = directoryOf(spec);
  return services.locked(directory, wantedRoom(spec.disk.sizeBytes), async () => {
    const use = cacheUse(options.caches, engine.storage, spec);
    const images = new ImageCache(services.images, services.identity, events.emit);
    const { lock, image, inputs, parts, packages, tools, forUnpacking } = await events.run('packages', async () => {
      const settled = await settleLock(template, intake, options, services);
      warn(settled.warnings);
      const found = {
        lock: settled.lock,
        parts: {
          spec,
          distribution,
          provider,
          format: intake.format,
          configuration: await gatherConfiguration(spec),
          layers: await gatherLayers(spec.layers),
          seed: lockDigest(settled.lock),
          core: services.identity,
        },
      };
      const epochSeconds = imageEpoch(settled.lock, engine.sourceDateEpoch);
      const inputs = imageInputs(found.parts, await plugins.exporters(), epochSeconds);
      // An audit looks at the layers below an image, and so needs them.
      const kept = inputs === undefined || !use.images || options.audit !== undefined ? undefined : await images.find(inputs);
      if (kept !== undefined) return { ...found, image: kept, inputs, packages: [], tools: [], forUnpacking: asTheyAre };
      const fetched = await fetchPackages(settled, intake, engine, services, { use: use.packages });
      return { ...found, image: undefined, inputs, ...fetched };
    });
    const build = services.build(lock.target, imageEpoch(lock, engine.sourceDateEpoch), spec.secrets, { use: use.layers }, forUnpacking);
    const composition: Composition = { ...parts, packages };
    const target = join(directory, 'imagebuild', spec.system.name);
    const restartable = async (): Promise<Delivery> => {
      const { tree, ctx } = await events.run('compose', async () => {
        const unpacked = toolsBy(toolsStep(composition, tools, build.trees, services.context, forUnpacking), (call) =>
          build.steps.run(call),
        );
        if (runsTools(intake.format.part, spec)) await unpacked.layer();
        const context = build.context(unpacked);
        const steps = compositionSteps(composition, build.layers, build.source, context);
        const audit = options.audit === undefined ? undefined : build.audit(options.audit, provider.part);
        const composed = await composeTree(steps, async (call) => {
          const output = await build.steps.run(call);
          if (call.storable?.() !== false) await audit?.check(call, output);
          return output;
        }).catch(async (error: unknown) => {
          // A kept image of the same inputs was made from the layer that turned out to be wrong.
          if (hasCode(error, 'ICT_CACHE_AUDIT') && inputs !== undefined) await images.drop(inputs);
          throw error;
        });
        return { tree: composed, ctx: context };
      });
      return events.run('finalize', async () => {
        const artifacts = await buildArtifacts(composition, tree, formatSteps(build.steps, intake.format.identity, spec), ctx);
        const installed = (await build.steps.run(inventoryStep(composition, tree, build.trees))) as unknown as readonly InstalledPackage[];
        const bills = documents(await plugins.exporters(), composition, lock, installed, artifacts, ctx);
        const beside = new Map([
          ...bills,
          [`${spec.image.name}-${spec.image.version}.lock.yml`, new TextEncoder().encode(formatLock(lock))],
        ]);
        if (inputs !== undefined && use.images) await images.keep(inputs, { artifacts, documents: beside });
        return deliver(target, artifacts, beside, ctx);
      });
    };
    const delivery =
      image === undefined
        ? await restart(restartable, warn)
        : await events.run('finalize', () => deliver(target, image.artifacts, image.documents, services.context));
    await services.enforceLimits();
    const final = options.output === undefined ? delivery : await copyDelivery(delivery, options.output, engine.signal);
    for (const artifact of final.artifacts) events.emit({ type: 'artifact.written', artifact });
    events.emit({ type: 'build.done', artifacts: final.artifacts, durationMs: Math.round(performance.now() - start) });
    return {
      target: lock.target,
      directory: final.directory,
      artifacts: final.artifacts,
      documents: final.documents,
      stages: events.stages(),
      steps: [...images.reports, ...build.steps.reports],
      warnings,
      lock: final.documents.find((document) => document.endsWith('.lock.yml')) as string,
    };
  });
}

/** The part of the storage settings that switches tiers on and off. */
export type StorageSwitches = { readonly [Tier in keyof StorageSettings]: Pick<StorageSettings[Tier], 'enabled'> };

/** Which tiers of the cache a build uses: what it was told, else what configuration and template agree on. */
export function cacheUse(
  asked: CacheUse = {},
  { packageCache, imageCache }: StorageSwitches,
  { caches }: Pick<ImageSpec, 'caches'>,
): Required<CacheUse> {
  return {
    packages: asked.packages ?? (packageCache.enabled && caches.packages),
    images: asked.images ?? (imageCache.enabled && caches.images),
    layers: asked.layers ?? true,
  };
}

/** Makes every package of a lock lie verified on this machine. */
export async function fetchPackages(
  { lock, file, request }: SettledLock,
  intake: Intake,
  engine: EngineOptions,
  services: Services,
  tier: TierUse,
) {
  const context: Context = services.context;
  const wanted = [...lock.packages, ...lock.tools];
  const shelf = services.packages(lock, intake.provider.part, tier);
  context.emit({
    type: 'resolve.done',
    packages: lock.packages.length,
    downloadBytes: wanted.reduce((sum, pkg) => sum + pkg.sizeBytes, 0),
    fromLock: file !== undefined,
  });
  const provider = intake.provider.part;
  const { workers, offline } = engine;
  const list = (repository: RepositorySpec) => services.mirrors.list(repository, provider);
  const verified = await obtainPackages(wanted, request.repositories, provider, shelf, { workers, offline, list }, context);
  await shelf.writeGraph(dependencyGraph(lock.packages));
  const { forUnpacking } = shelf;
  return { packages: verified.slice(0, lock.packages.length), tools: verified.slice(lock.packages.length), forUnpacking };
}
