import { makeManifest, type LayerEntry } from '../manifest.js';
import type { LayerTimes, SealedLayer } from '../protocol.js';
import { readEntries, readLayer, type ReadingHooks } from './layer-archive.js';
import type { LayerBaseline } from './layer-baseline.js';
import { layerIo } from './layer-failure.js';
import { settle, type RawPath } from './layer-walk.js';

/** A name in a layer, and its entry where that is known without reading it. */
interface SettledName {
  readonly relative: RawPath;
  readonly known: LayerEntry | undefined;
}

/**
 * Settles the times of a finished upper directory, and reads what it holds.
 *
 * @param archive file that gets the layer as `tar.gz`; then everything is read.
 * @param baseline what the directory began with: entries that are still the same are not read again.
 * @throws `ICT_SANDBOX_LAYER`; the signal's reason.
 */
export async function sealLayer(
  directory: string,
  times: LayerTimes,
  hooks: ReadingHooks,
  { archive, baseline }: { readonly archive?: string | undefined; readonly baseline?: LayerBaseline | undefined },
): Promise<SealedLayer> {
  const kept: LayerEntry[] = [];
  const changed: RawPath[] = [];
  const take = (names: readonly SettledName[]): void => {
    const known = names.flatMap((name) => name.known ?? []);
    if (known.length === names.length) kept.push(...known);
    else changed.push(...names.map(({ relative }) => relative));
  };
  // Names of one file describe each other. One of them changes without a trace in the file when a directory above it is renamed.
  const linked = new Map<bigint, SettledName[]>();
  const contents = layerIo('Sealing a layer', directory, () =>
    settle(directory, times, (relative, stats, touched) => {
      const name = { relative, known: touched ? undefined : baseline?.unchanged(relative, stats) };
      if (stats.nlink === 1n || stats.isDirectory()) return take([name]);
      const names = linked.get(stats.ino);
      if (names === undefined) linked.set(stats.ino, [name]);
      else names.push(name);
    }),
  );
  for (const names of linked.values()) take(names);
  if (baseline === undefined || archive !== undefined) return { ...(await readLayer(directory, hooks, archive)), contents };
  return { ...makeManifest([...kept, ...(await readEntries(directory, changed, hooks))]), contents };
}
