import { makeManifest, type LayerEntry, type LayerManifest } from '../manifest.js';
import { readEntries, readLayer } from './layer-archive.js';
import type { LayerBaseline } from './layer-baseline.js';
import { layerIo } from './layer-failure.js';
import { settle, type RawPath } from './layer-walk.js';

/**
 * Settles the times of a finished upper directory, and reads what it holds.
 *
 * @param snapshot file that gets the layer as `tar.gz`; then everything is read.
 * @param baseline what the directory began with: entries that are still the same are not read again.
 * @throws `ICT_SANDBOX_LAYER`; the signal's reason.
 */
export async function sealLayer(
  directory: string,
  epochSeconds: number,
  signal: AbortSignal,
  { snapshot, baseline }: { readonly snapshot?: string | undefined; readonly baseline?: LayerBaseline | undefined },
): Promise<LayerManifest> {
  const kept: LayerEntry[] = [];
  const changed: RawPath[] = [];
  layerIo('Sealing a layer', directory, () =>
    settle(directory, epochSeconds, (relative, stats, touched) => {
      const entry = touched ? undefined : baseline?.unchanged(relative, stats);
      if (entry === undefined) changed.push(relative);
      else kept.push(entry);
    }),
  );
  if (baseline === undefined || snapshot !== undefined) return readLayer(directory, signal, snapshot);
  return makeManifest([...kept, ...(await readEntries(directory, changed, signal))]);
}
