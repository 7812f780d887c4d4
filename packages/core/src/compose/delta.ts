import type { Context, InstallChange, Installer, Json, LayerRef, PackageRef, VerifiedPackage } from '@ict/plugin-api';
import { changedPaths, type LayerManifest } from '@ict/sandbox';
import { seedName } from '../locks/request-spelling.js';
import type { LayerPresence, StepSibling } from '../steps.js';

/** How a layer of packages comes about. */
export type InstallWay =
  | {
      readonly kind: 'clean';
      readonly reason: string;
      /** The same over every base tree: what it comes out as changes neither way nor reason. */
      readonly overAnyBase?: true;
    }
  | { readonly kind: 'delta'; readonly reason: string; readonly start: LayerRef; readonly change: InstallChange };

/** Why packages are installed cleanly where nothing is there to begin with. */
export const NO_START = 'no cached layer of packages lies over the same base tree';

/** Thrown inside a delta whose result cannot be trusted to equal a clean installation; the layer is then built cleanly. */
export class DeltaRefused extends Error {}

/** Of the packages of a layer, by id: version and digest, as its key holds them. */
type PackageKeys = Readonly<Record<string, string>>;

/**
 * Chooses between a delta and a clean installation. The start is the layer whose key differs in packages alone, and in the fewest.
 *
 * @param siblings results of the same step, by the same code. Those farther away are tried when a nearer one is bound to an order.
 * @returns the way, and why in words: a plan and a build say it.
 */
export async function chooseWay(
  packages: readonly VerifiedPackage[],
  key: { readonly [name: string]: Json },
  siblings: AsyncIterable<StepSibling>,
  layers: LayerPresence,
  { delta }: Pick<Installer, 'delta'>,
  ctx: Context,
): Promise<InstallWay> {
  if (delta === undefined) return { kind: 'clean', reason: 'this package ecosystem knows no deltas', overAnyBase: true };
  const starts = await nearestLayers(packages, key, siblings, layers);
  if (starts.length === 0) return { kind: 'clean', reason: NO_START, overAnyBase: true };
  let obstacle: string | undefined;
  for (const { start, change } of starts) {
    const what = describeChange(change);
    // Past this, a clean installation is quicker than copying and changing.
    if (sizeOf(change) >= packages.length) {
      obstacle ??= `the nearest cached layer shares too little: ${what}`;
      break;
    }
    const verdict = await delta.judge(change, ctx);
    if (verdict.kind === 'bound') {
      obstacle ??= verdict.reason;
      continue;
    }
    const unless = verdict.kind === 'free' ? '' : `, unless ${verdict.packages.join(', ')}, not downloaded yet, must be installed in order`;
    return { kind: 'delta', reason: `from the nearest cached layer: ${what}${unless}`, start, change };
  }
  return { kind: 'clean', reason: obstacle as string };
}

interface Start {
  readonly start: LayerRef;
  readonly change: InstallChange;
}

/** How many layers are judged before a clean installation is chosen. */
const JUDGED = 4;

const sizeOf = ({ install, remove }: InstallChange): number => install.length + remove.length;

/** Layers to begin with, the one with the fewest differences first. */
async function nearestLayers(
  packages: readonly VerifiedPackage[],
  key: { readonly [name: string]: Json },
  siblings: AsyncIterable<StepSibling>,
  layers: LayerPresence,
): Promise<readonly Start[]> {
  const found: Start[] = [];
  for await (const { differences, key: theirs, output } of siblings) {
    // Anything but packages shapes every file of the layer.
    if (differences.some((path) => !/^packages[.[]/.test(path))) continue;
    const start = output as unknown as LayerRef;
    if (!(await layers.has(start))) continue;
    found.push({ start, change: packageChange(packages, theirs['packages'] as PackageKeys, key['packages'] as PackageKeys) });
  }
  return found.sort((a, b) => sizeOf(a.change) - sizeOf(b.change)).slice(0, JUDGED);
}

function packageChange(packages: readonly VerifiedPackage[], before: PackageKeys, after: PackageKeys): InstallChange {
  const [had, has] = [contentsOf(before), contentsOf(after)];
  return {
    install: packages.filter(({ id }) => !had.has(contentOf(id, after))),
    remove: Object.keys(before)
      .filter((id) => !has.has(contentOf(id, before)))
      .sort()
      .map((id) => packageRef(id, before[id]!)),
  };
}

/** What there is of each name and architecture, whichever of several versions has the id without one. */
function contentsOf(keys: PackageKeys): ReadonlySet<string> {
  return new Set(Object.keys(keys).map((id) => contentOf(id, keys)));
}

function contentOf(id: string, keys: PackageKeys): string {
  return `${seedName(id)} ${keys[id]}`;
}

function packageRef(id: string, key: string): PackageRef {
  const qualified = seedName(id);
  const colon = qualified.lastIndexOf(':');
  return { name: qualified.slice(0, colon), version: key.slice(0, key.indexOf(' ')), arch: qualified.slice(colon + 1) };
}

function describeChange({ install, remove }: InstallChange): string {
  const arriving = new Set(install.map(({ name, arch }) => `${name}:${arch}`));
  const leaving = new Set(remove.map(({ name, arch }) => `${name}:${arch}`));
  const list = (verb: string, ids: readonly string[]): string[] => (ids.length === 0 ? [] : [`${verb} ${ids.join(' ')}`]);
  return [
    ...list(
      'add',
      [...arriving].filter((id) => !leaving.has(id)),
    ),
    ...list(
      'change',
      [...arriving].filter((id) => leaving.has(id)),
    ),
    ...list(
      'remove',
      [...leaving].filter((id) => !arriving.has(id)),
    ),
  ].join('; ');
}

/**
 * Looks at what a delta did to a layer: nothing outside what its packages own, and no directory that is there only because
 * something was taken out of it.
 *
 * @throws {@link DeltaRefused} with the first path that a clean installation may have left otherwise.
 */
export function reviewDelta(before: LayerManifest, after: LayerManifest, expected: (path: string) => boolean): void {
  const stray = changedPaths(before.entries, after.entries).find((path) => !expected(path));
  if (stray !== undefined) throw new DeltaRefused(`${stray} changed, which belongs to no changed package`);
  const had = parents(before);
  const has = parents(after);
  const hollow = after.entries.find(({ path, type }) => type === 'directory' && had.has(path) && !has.has(path));
  if (hollow !== undefined) throw new DeltaRefused(`${hollow.path} was emptied`);
}

/** Directories in which a layer has something. */
function parents({ entries }: LayerManifest): ReadonlySet<string> {
  return new Set(entries.filter(({ path }) => path !== '/').map(({ path }) => path.slice(0, path.lastIndexOf('/')) || '/'));
}
