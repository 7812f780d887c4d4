import { stat } from 'node:fs/promises';
import type { ImageManifest } from '@ict/boot';
import { errnoOf } from '@ict/integrity';
import { cliError } from './errors.js';

/** A package as a manifest names it. */
export interface ManifestPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** @throws `ICT_CLI_USAGE` for what is evidently no file of an image. */
export async function inspectedFile(path: string, image: string): Promise<void> {
  if (/\.ya?ml$/.test(image)) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${image} is a template, and no image`,
      hint: `Build it with \`ict build ${image}\`, which ends with the path of its image.`,
    });
  }
  const found = await stat(path).catch((error: unknown) => {
    throw cliError('ICT_CLI_USAGE', {
      message: `the image ${image} cannot be read: ${errnoOf(error) ?? String(error)}`,
      hint: 'Build it first, or check its path.',
      cause: error,
    });
  });
  if (!found.isFile()) throw cliError('ICT_CLI_USAGE', { message: `${image} is no file`, hint: 'Give the file of an image.' });
}

/** The packages that a manifest lists; undefined for a document that lists none. */
export function packagesOf({ document: { packages } }: ImageManifest): readonly ManifestPackage[] | undefined {
  if (!Array.isArray(packages)) return undefined;
  return (packages as unknown[]).flatMap((one) => {
    const { name, version, arch } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof version === 'string' && typeof arch === 'string' ? [{ name, version, arch }] : [];
  });
}
