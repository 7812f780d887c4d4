import type { BaselineSpec, OverlayPolicySpec } from '@ict/plugin-api';
import { findLocal } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';

/** Reads `baseline`: its files become absolute, and one that is missing goes to `refuse`. */
export async function readBaseline(merged: MergedTemplate, refuse: Report): Promise<BaselineSpec | undefined> {
  const { baseline } = merged.template;
  if (baseline === undefined) return undefined;
  const { mode = 'create', source } = baseline;
  if (source === undefined) return mode === 'create' ? undefined : { mode };
  const at = (key: string): Path => ['baseline', 'source', key];
  const { path, url, format = 'raw', sbomPath } = source;
  return {
    mode,
    source: {
      ...(path ? { path: await findLocal(path, at('path'), merged, refuse, 'file') } : {}),
      ...(url === undefined ? {} : { url }),
      format,
      ...(sbomPath ? { sbomPath: await findLocal(sbomPath, at('sbomPath'), merged, refuse, 'file') } : {}),
    },
  };
}

/** Reads `overlayPolicy`: what it does not allow is forbidden. */
export function readOverlayPolicy({ template: { overlayPolicy } }: MergedTemplate): OverlayPolicySpec | undefined {
  if (overlayPolicy === undefined) return undefined;
  const { allowDiskResize = false, allowPackageRemoval = false, ...rest } = overlayPolicy;
  return { ...rest, allowDiskResize, allowPackageRemoval };
}
