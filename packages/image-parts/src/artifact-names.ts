import type { ArtifactSpec, Compression } from '@ict/plugin-api';

const SUFFIX: Readonly<Record<Compression, string>> = { gz: 'gz', xz: 'xz', zstd: 'zst', bz2: 'bz2' };

/** What follows the image's name: `raw`, `raw.gz`, `cpio.zst`. */
export function artifactExtension(spec: ArtifactSpec): string {
  return spec.compression === undefined ? spec.type : `${spec.type}.${SUFFIX[spec.compression]}`;
}

/** Capability of the tools tree that a compression needs; gzip and zstd are part of Node. */
export function compressionCapability(compression: Compression | undefined): string | undefined {
  return compression === 'xz' || compression === 'bz2' ? compression : undefined;
}
