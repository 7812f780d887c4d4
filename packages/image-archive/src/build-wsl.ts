import { storedBlob } from '@ict/image-parts';
import type { BuildContext, FormatArtifact, ImageInput, StepRunner } from '@ict/plugin-api';
import { buildArtifacts, type ArchiveKind } from './build-artifacts.js';
import { layOutTar } from './tar-layout.js';
import { writeArchive } from './write-archive.js';

/** Bumped when the archive of an equal tree gets other bytes. */
export const TAR_VERSION = 1;

const KIND: ArchiveKind = { step: 'wsl.compress', decompressor: 'any', usual: { type: 'tar', compression: 'gz' } };

/** Makes the archives of a prepared tree. */
export async function buildWsl({ spec, tree }: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const key = { tree: tree.layers.map((layer) => layer.digest) };
  const plain = await storedBlob(steps, 'wsl.assemble', TAR_VERSION, key, async () => {
    ctx.emit({ type: 'image.progress', artifact: 'tar', action: 'write' });
    return writeArchive(layOutTar(await ctx.trees.records(tree)), tree, ctx);
  });
  return buildArtifacts(plain, spec.disk.artifacts, KIND, steps, ctx);
}
