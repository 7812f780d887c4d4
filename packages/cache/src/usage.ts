import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, isReadFailure } from '@ict/integrity';
import { identityOf, statsBelow } from './directory-files.js';
import type { Layout } from './layout.js';
import type { Unseen } from './unread.js';

/** How much lies in one part of the cache or of a work directory, as `du` and `find` would say. */
export interface AreaUsage {
  /**
   * By kind: `packages/{provider-id}`, `images`, `blobs`, `layers`, ...; `{provider-id}/chrootenv` of a work directory. By provider:
   * `{provider-id}`, and `(no provider)` for what serves all.
   */
  readonly area: string;
  readonly files: number;
  /** Sum of file sizes; a file with several names counts once. */
  readonly sizeBytes: number;
  /** What they take on disk, directories included: `du --block-size=1`. */
  readonly allocatedBytes: number;
  /** How much of that is files which an area before this one has, too. */
  readonly sharedBytes: number;
  /** How many directories, and files in them, cannot be looked at. */
  readonly unreadable: number;
}

/** What is added up: parts of a directory, or all that each provider has in it. */
export type UsageGrouping = 'kind' | 'provider';

const NO_PROVIDER = '(no provider)';

/** One part of a directory. */
interface Part {
  readonly area: string;
  readonly root: string;
  readonly provider?: string;
}

/** Looks between which whoever waits for this process, a signal among them, gets a turn. */
const LOOKS = 4096;

/** @param before files with several names in the areas before this one; those of this one are added. */
async function measure(area: string, roots: readonly string[], before: Set<string>, unseen: Unseen): Promise<AreaUsage> {
  const seen = new Set<string>();
  const total = { files: 0, sizeBytes: 0, allocatedBytes: 0, sharedBytes: 0, unreadable: 0 };
  let looks = 0;
  const tell: Unseen = (path, error) => {
    total.unreadable += 1;
    unseen(path, error);
  };
  for (const stats of statsBelowAll(roots, tell)) {
    if (++looks % LOOKS === 0) await nextTurn();
    const bytes = stats.blocks * 512;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const id = identityOf(stats);
      if (seen.has(id)) continue;
      seen.add(id);
      if (before.has(id)) total.sharedBytes += bytes;
      before.add(id);
    }
    total.allocatedBytes += bytes;
    if (stats.isDirectory()) continue;
    total.files += 1;
    total.sizeBytes += stats.size;
  }
  return { area, ...total };
}

function* statsBelowAll(roots: readonly string[], unseen: Unseen): ReturnType<typeof statsBelow> {
  for (const root of roots) yield* statsBelow(root, unseen);
}

/**
 * The parts of a directory, sorted: none when it is absent (nothing is cached yet), and the directory itself, as `whole`, when it cannot be
 * read or is a file, so that the usage says so.
 *
 * @param partOf one of them, by its name.
 */
async function partsOf(directory: string, whole: string, partOf: (name: string) => Omit<Part, 'root'>): Promise<readonly Part[]> {
  try {
    return (await readdir(directory)).sort().map((name) => ({ ...partOf(name), root: join(directory, name) }));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP' || isReadFailure(error)) return [{ area: whole, root: directory }];
    throw error;
  }
}

/**
 * Usage by area, only of areas that exist. Reads every directory of the cache.
 *
 * @param unseen is told of what cannot be looked at, and does not count.
 */
export async function measureUsage(layout: Layout, unseen: Unseen, by: UsageGrouping = 'kind'): Promise<readonly AreaUsage[]> {
  const { cacheDir, roots } = layout;
  const named = (name: string) => ({ area: name });
  const ofProvider = (kind: string) => (name: string) => ({ area: `${kind}/${name}`, provider: name });
  const top = await partsOf(cacheDir, '.', named);
  const others = (await Promise.all(roots.map((root) => partsOf(root, '.ict', named)))).flat();
  const parts = [
    ...(await partsOf(join(cacheDir, 'pkgCache'), 'packages', ofProvider('packages'))),
    ...top.filter(({ area }) => area === 'imageCache').map(({ root }) => ({ area: 'images', root })),
    ...top.filter(({ area }) => area === '.'),
  ];
  if (by === 'kind') return measureParts([...parts, ...others], unseen);
  const isTwins = ({ area }: Part): boolean => area === 'twins';
  const twins = await Promise.all(others.filter(isTwins).map(({ area, root }) => partsOf(root, area, ofProvider(area))));
  return measureParts(byProvider([...parts, ...twins.flat(), ...others.filter((part) => !isTwins(part))]), unseen);
}

/** Likewise, of what builds keep in a work directory, by provider and kind: the base tree, its snapshot, what was delivered. */
export async function measureWorkspace(workDir: string, unseen: Unseen, by: UsageGrouping = 'kind'): Promise<readonly AreaUsage[]> {
  const named = (name: string) => ({ area: name, provider: name });
  const providers = (await partsOf(workDir, '.', named)).filter(({ area }) => area === '.' || !area.startsWith('.'));
  const parts = await Promise.all(
    providers.map(({ area: provider, root }) => partsOf(root, provider, (name) => ({ area: `${provider}/${name}`, provider }))),
  );
  return measureParts(by === 'kind' ? parts.flat() : byProvider(parts.flat()), unseen);
}

/** All parts of each provider as one, and then those of none. */
function byProvider(parts: readonly Part[]): readonly Part[] {
  const areas = parts.map((part) => ({ ...part, area: part.provider ?? NO_PROVIDER }));
  return [...areas.filter(({ provider }) => provider !== undefined), ...areas.filter(({ provider }) => provider === undefined)];
}

async function measureParts(parts: readonly Part[], unseen: Unseen): Promise<readonly AreaUsage[]> {
  const usage: AreaUsage[] = [];
  const linked = new Set<string>();
  for (const [area, together] of Map.groupBy(parts, (part) => part.area)) {
    const roots = together.map(({ root }) => root);
    usage.push(await measure(area, roots, linked, unseen));
  }
  return usage;
}
