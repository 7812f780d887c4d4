import type { ImageManifest } from '@ict/boot';

/** A package as a manifest names it. */
export interface ManifestPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** The packages that a manifest lists; undefined for a document that lists none. */
export function packagesOf({ document: { packages } }: ImageManifest): readonly ManifestPackage[] | undefined {
  if (!Array.isArray(packages)) return undefined;
  return (packages as unknown[]).flatMap((one) => {
    const { name, version, arch } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof version === 'string' && typeof arch === 'string' ? [{ name, version, arch }] : [];
  });
}
