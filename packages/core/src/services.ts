import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { chooseCacheHome, claimCacheHome, openCache, placeOf, workspaceLock } from '@ict/cache';
import type { Cache, CacheHome, ImageStore, ProcessOwner } from '@ict/cache';
import { chooseMirrors, createFetcher, readHostSources } from '@ict/fetch';
import { ensureDirectory } from '@ict/integrity';
import type { BuildContext, Context, EventBody, Provider, TreeRef } from '@ict/plugin-api';
import { startSandbox, unfitForTrees } from '@ict/sandbox';
import { createVerifier } from '@ict/verify';
import { ArchivedLayers } from './trees/archived-layers.js';
import { CacheAudit, type AuditSample } from './compose/audit.js';
import { BaseTree } from './trees/base-tree.js';
import { closeInOrder } from './closing.js';
import { cacheHashing } from './cache-hashing.js';
import { withCacheMounts } from './trees/cache-mounts.js';
import { CachedLayers } from './trees/cached-layers.js';
import type { CodeIdentities, CodeIdentity } from './plugins/code-identity.js';
import type { LayerMaker, LayerSource } from './compose/composition.js';
import { EarlierLayers } from './compose/earlier-layers.js';
import type { EngineOptions } from './engine-api.js';
import { namingFullDisk, type WantedRoom } from './trees/full-disk.js';
import type { LayerShelf } from './trees/layer-shelf.js';
import { emptyTrash, removeLeftover, tellLeftovers } from './trees/leftovers.js';
import type { Lock } from './locks/lock.js';
import {
  asTheyAre,
  CachedPackages,
  PrivatePackages,
  type ForUnpacking,
  type PackageShelf,
  type TwinUse,
} from './packages/package-shelf.js';
import { within } from './trees/removed-directories.js';
import type { BareDefinition } from './repositories/bare-addresses.js';
import { openMirrors, unusedMirrors, type Mirrors } from './repositories/repository-mirrors.js';
import { patience } from './remote/patience.js';
import { openRemoteCaches, type BuildRemote } from './remote/remote-caches.js';
import { rememberSignatures } from './repositories/signature-memory.js';
import { StepEngine, type StepCare } from './steps.js';
import { enforceLimits } from './storage-limits.js';
import { TEMPLATE_EPOCH, treeEpoch } from './compose/template-epoch.js';
import { ToolsTree, type BuildTools } from './finalize/tools-tree.js';
import { LazySandbox, SandboxTrees } from './trees/trees.js';

/** What one build works with: trees, steps, and the context that steps are handed. */
export interface BuildServices {
  readonly steps: StepEngine;
  readonly trees: SandboxTrees;
  readonly layers: LayerMaker;
  readonly source: LayerSource;
  /** Layers that an audit makes go to the cache alone; the base tree stays where it is. */
  audit(sample: AuditSample, provider: Provider): CacheAudit;
  context(tools: BuildTools): BuildContext;
  /** Sends results to the remote cache that is for that, when there is one. */
  upload(): Promise<void>;
}

/** Whether a build uses one tier of the cache; default: it does. */
export interface TierUse {
  readonly use: boolean;
}

/** How a build uses the results of steps. */
export interface StepUse extends TierUse {
  /** Default: results of this machine alone. */
  readonly remote?: BuildRemote | undefined;
}

/** Everything that an engine holds open while it works for one distribution. */
export interface Services {
  readonly context: Context;
  readonly mirrors: Mirrors;
  readonly identity: CodeIdentity;
  readonly sourceDateEpoch: number | undefined;
  /** The package cache of the lock's target; what it stores names the root and the keys that vouch for it. */
  packages(lock: Lock, provider: Provider, tier?: TierUse): PackageShelf;
  readonly images: ImageStore;
  /** The remote caches for one build; undefined without any. @param secrets of the build: one that has some uploads nothing. */
  remote(secrets: readonly string[]): BuildRemote | undefined;
  /**
   * @param secrets texts that may not stand in a key as they are
   * @param forUnpacking default: packages are unpacked as they are
   */
  build(target: string, epochSeconds: number, secrets: readonly string[], tier?: StepUse, forUnpacking?: ForUnpacking): BuildServices;
  /** Runs `work`, which needs the directories of this process. @throws `ICT_DIRECTORY_REMOVED` when one of them was removed meanwhile, `ICT_HOST_DISK_FULL`. */
  within<T>(work: () => Promise<T>): Promise<T>;
  /**
   * As {@link Services.within}, as the only build of this work directory, which is made; what killed builds left there is removed before.
   * Where another build has it, that is an event, and `work` is told for how many milliseconds it waited; else 0.
   *
   * @param wantedBytes room that `work` needs: where less is left, what a program prints of a full disk is believed.
   */
  locked<T>(directory: string, wantedBytes: number, work: (waitedMs: number) => Promise<T>): Promise<T>;
  /** Removes packages and images beyond the limits of the configuration, but none that a running build uses. */
  enforceLimits(): Promise<void>;
  close(): Promise<void>;
}

/** Where a build writes, but for its output; programs are not believed when they print that a disk is full. */
export const roomOf = ({ cacheDir, workDir, temporaryDir }: EngineOptions): WantedRoom => {
  return { directories: [cacheDir, workDir, temporaryDir], wantedBytes: 0 };
};

/** Definitions of one key share what is opened: mirrors are looked for by their archives, and passwords are those of their addresses. */
export function servicesKey({ distribution, credentialed }: BareDefinition): string {
  return JSON.stringify([[...new Set(distribution.repositories.map(({ archive }) => archive))].sort(), [...credentialed].sort()]);
}

/**
 * Opens cache, transport, worker pool and, when first needed, the sandbox.
 *
 * @param identities by which plugins were identified.
 * @param home where the cache is, when that was looked for already.
 * @throws `ICT_HOST_DISK_FULL`
 */
export function openServices(
  options: EngineOptions,
  definition: BareDefinition,
  emit: (event: EventBody) => void,
  identities: CodeIdentities,
  home?: CacheHome,
): Promise<Services> {
  return namingFullDisk(roomOf(options), async () =>
    open(options, home ?? (await chooseCacheHome(options, unfitForTrees)), definition, emit, identities),
  );
}

async function open(
  options: EngineOptions,
  home: CacheHome,
  definition: BareDefinition,
  emit: (event: EventBody) => void,
  identities: CodeIdentities,
): Promise<Services> {
  const clock = options.clock ?? (() => Math.floor(Date.now() / 1000));
  const { signal } = options;
  const verifier = createVerifier({ workers: options.workers, signal, clock });
  await claimHome(home, options, emit);
  const cache = await openCache({ ...home, clock, emit, mode: options.verify, ...cacheHashing(verifier) });
  const temporary = await cache.temporaryDirectory('build');
  const named = options.mirrors.filter(({ source }) => source === 'flag');
  for (const warning of unusedMirrors(named, definition.distribution.repositories)) emit(warning);
  const fetchDirectory = await cache.fetchDirectory();
  const transport = { directory: fetchDirectory, temporary, signal, emit, concurrency: options.workers, ...patience(options.network) };
  const fetcher = createFetcher({
    ...transport,
    readOnlyDirectories: cache.readOnlyFetchDirectories,
    mirrors: await mirrorMap(options, definition),
    offline: options.offline,
  });
  const context: Context = {
    signal,
    clock,
    fetch: fetcher,
    blobs: cache.blobs,
    verify: rememberSignatures(verifier, cache.memo, clock),
    memo: cache.memo,
    temporary,
    emit,
  };
  const scratch = await cache.scratchDirectory('sandbox');
  const remote = openRemoteCaches(options, context, transport, scratch);
  const sandbox = new LazySandbox(() => startSandbox({ signal, temporary: scratch }));
  const identity = identities.identifyEngine();
  const own = [temporary, scratch, fetchDirectory];
  const room = roomOf(options);
  return {
    context,
    mirrors: openMirrors(fetcher, context),
    identity,
    sourceDateEpoch: options.sourceDateEpoch,
    packages: (lock, provider, tier) =>
      tier?.use === false
        ? new PrivatePackages(join(temporary, 'packages'), provider)
        : new CachedPackages(cache.packages(lock.target), lock, provider, twinUse(cache, lock.target, provider, options)),
    images: cache.images,
    remote: (secrets) => remote?.forBuild(secrets.length > 0),
    build: (target, epochSeconds, secrets, tier, forUnpacking = asTheyAre) =>
      openBuild(
        { cache, sandbox, identity, context, options },
        { target, epochSeconds, forUnpacking, secrets, reuse: tier?.use ?? true, remote: tier?.remote },
      ),
    within: (work) => namingFullDisk(room, () => within({ own, shared: [] }, work)),
    locked: (directory, wantedBytes, work) =>
      namingFullDisk(room, async () => {
        ensureDirectory(directory);
        let waitingMs: number | undefined;
        const onWait = (holder: ProcessOwner): void => {
          waitingMs = performance.now();
          const { pid, isHere } = placeOf(holder);
          emit({ type: 'build.waiting', directory, process: pid, elsewhere: !isHere });
        };
        return cache.withLock(
          workspaceLock(directory),
          async () => {
            const waitedMs = waitingMs === undefined ? 0 : Math.round(performance.now() - waitingMs);
            await BaseTree.removeLeftovers(directory, (leftover) => removeLeftover(leftover, sandbox));
            await emptyTrash(cache, sandbox);
            try {
              return await namingFullDisk({ ...room, wantedBytes }, () => within({ own, shared: [directory] }, () => work(waitedMs)));
            } finally {
              tellLeftovers(await emptyTrash(cache, sandbox), emit);
            }
          },
          { signal, onWait },
        );
      }),
    enforceLimits: () => enforceLimits(cache, options, emit),
    close: () =>
      closeInOrder([
        () => sandbox.close(),
        () => Promise.all([fetcher.close(), remote?.close(), verifier.close()]),
        () => cache.toTrash(temporary),
        () => rm(scratch, { recursive: true, force: true }),
        () => cache.reap(),
        () => cache.leave(),
      ]),
  };
}

/** What an engine holds open, of which every build makes use. */
interface OpenEngine {
  readonly cache: Cache;
  readonly sandbox: LazySandbox;
  readonly identity: CodeIdentity;
  readonly context: Context;
  readonly options: EngineOptions;
}

/** What is one build's own. */
interface OneBuild extends Pick<StepCare, 'secrets' | 'reuse'>, Pick<StepUse, 'remote'> {
  /** Id of the target, below which it works. */
  readonly target: string;
  /** Latest time that a file of the image may carry, seconds since 1970. */
  readonly epochSeconds: number;
  readonly forUnpacking: ForUnpacking;
}

function openBuild({ cache, sandbox, identity, context, options }: OpenEngine, build: OneBuild): BuildServices {
  const { target, epochSeconds, forUnpacking } = build;
  const tool = `${identity.name} ${identity.version}`;
  const shelf: LayerShelf = new ArchivedLayers(new CachedLayers(cache.layers), cache, sandbox, tool);
  const elsewhere = (options.readOnlyCacheDirs ?? []).map((other) => join(other, target));
  const base = new BaseTree(join(options.workDir, target), shelf, sandbox, elsewhere, (what, directory, reason) =>
    context.emit({
      type: 'warning',
      code: 'ICT_CACHE_UNREADABLE',
      message: `${what} in ${directory} cannot be read: ${reason}`,
      hint: 'The base tree is taken from elsewhere, or made again. Check the disk or file server below it, and who may read it.',
    }),
  );
  const remote = build.remote?.steps(base, shelf, sandbox);
  const everywhere = remote?.layers ?? base;
  const times = { epochSeconds: treeEpoch(options.sourceDateEpoch), latestSeconds: epochSeconds };
  const trees = new SandboxTrees(sandbox, everywhere, shelf, { times, verify: options.verify, signal: options.signal });
  const earlier = new EarlierLayers(cache.steps, base, tool);
  const { signal } = options;
  const layers: LayerMaker = {
    base: (work) => trees.change({ layers: [] }, work, { shelf: base }),
    over: (parent: TreeRef, work, latest) => trees.change(parent, work, { epochSeconds: latest }),
    from: (start, parent, work, review) => trees.change(parent, work, { start, review }),
    template: ({ parent, mounts, cacheMounts }, work, start) =>
      withCacheMounts(
        cacheMounts,
        cache,
        (caches) => {
          const from = start === undefined ? {} : { start };
          return trees.change(parent, work, { epochSeconds: TEMPLATE_EPOCH, mounts: [...mounts, ...caches], ...from });
        },
        signal,
      ),
    glance: ({ parent, mounts, cacheMounts }, work) =>
      withCacheMounts(
        cacheMounts,
        cache,
        (caches) => trees.inspect(parent, work, { epochSeconds: TEMPLATE_EPOCH, mounts: [...mounts, ...caches] }),
        signal,
      ),
    forUnpacking,
    recall: async (scope, terms) => (build.reuse === false ? undefined : earlier.recall(scope, terms)),
    remember: (scope, terms, layer) => earlier.remember(scope, terms, layer),
  };
  const care = { secrets: build.secrets, reuse: build.reuse, exchange: remote?.exchange };
  const steps = new StepEngine(cache.steps, cache.blobs, everywhere, identity, context.emit, care);
  return {
    steps,
    trees,
    layers,
    audit: (sample, provider) => {
      const clean: LayerMaker = { ...layers, forUnpacking: asTheyAre, base: (work) => trees.change({ layers: [] }, work) };
      return new CacheAudit(sample, clean, everywhere, trees, provider, context.emit);
    },
    source: { has: (layer) => everywhere.has(layer), stored: (layer) => everywhere.find(layer), siblings: (call) => steps.siblings(call) },
    context: (tools) => ({ ...context, trees, tools: new ToolsTree(tools, trees, sandbox, options.signal), epochSeconds }),
    upload: async () => remote?.upload(),
  };
}

/** Twins of packages, if the configuration wants them and the ecosystem has them. */
function twinUse(cache: Cache, target: string, { ecosystem, twins }: Provider, options: EngineOptions): TwinUse | undefined {
  const { storage, workers, signal } = options;
  if (twins === undefined || !storage.packageCache.twins) return undefined;
  const { version } = twins;
  const write = (file: string, out: string): Promise<void> => twins.write(file, out, { signal });
  const maker = { by: ecosystem, version, limitBytes: storage.packageCache.maxSizeBytes, signal, write };
  return { twins: cache.twins(target, maker), workers, signal };
}

/** Makes the place of the cache; that the configured directory can only be read is said. */
async function claimHome(home: CacheHome, options: EngineOptions, emit: (event: EventBody) => void): Promise<void> {
  await claimCacheHome(home, options);
  if (home.cacheDir === options.cacheDir) return;
  emit({
    type: 'warning',
    code: 'ICT_CACHE_READ_ONLY',
    message: `${options.cacheDir} can only be read: what has to be kept goes to ${home.cacheDir}`,
    hint: 'Name a directory of your own with --cache-dir, and this one with --read-only-cache-dir.',
  });
}

async function mirrorMap(options: EngineOptions, { distribution, credentialed }: BareDefinition) {
  const named = (source: 'flag' | 'config') => {
    const byArchive = Map.groupBy(
      options.mirrors.filter((mirror) => mirror.source === source),
      ({ archive }) => archive,
    );
    return Object.fromEntries(Array.from(byArchive, ([archive, list]) => [archive, list.map(({ url }) => url)]));
  };
  return chooseMirrors({
    flags: named('flag'),
    config: named('config'),
    hostSources: options.hostSources ? await readHostSources() : [],
    archives: [...new Set(distribution.repositories.map((repository) => repository.archive))],
    credentialed,
  });
}
