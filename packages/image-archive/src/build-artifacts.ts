import { DERIVE_VERSION, artifactExtension, compressArtifact, compressKey, storedBlob, type Decompressor } from '@ict/image-parts';
import type { ArtifactSpec, BlobRef, BuildContext, FormatArtifact, StepRunner } from '@ict/plugin-api';

/** How finished archives of one kind are compressed. */
export interface ArchiveKind {
  /** Type of the step that compresses. */
  readonly step: string;
  readonly decompressor: Decompressor;
  /** What is made when the template asks for nothing. */
  readonly usual: ArtifactSpec;
}

/** Makes each artifact that a template asks for of a finished archive. */
export async function buildArtifacts(
  plain: BlobRef,
  asked: readonly ArtifactSpec[],
  { step, decompressor, usual }: ArchiveKind,
  steps: StepRunner,
  ctx: BuildContext,
): Promise<readonly FormatArtifact[]> {
  const artifacts: FormatArtifact[] = [];
  for (const spec of asked.length === 0 ? [usual] : asked) {
    const { compression } = spec;
    const extension = artifactExtension(spec);
    ctx.emit({ type: 'image.progress', artifact: extension, action: 'write' });
    const blob =
      compression === undefined
        ? plain
        : await storedBlob(steps, step, DERIVE_VERSION, compressKey(plain.digest, compression, ctx, decompressor), () =>
            compressArtifact(plain.digest, compression, ctx, { decompressor }),
          );
    artifacts.push({ spec, extension, blob });
  }
  return artifacts;
}
