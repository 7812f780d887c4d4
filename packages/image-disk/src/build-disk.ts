import type { ArtifactType, BlobRef, BuildContext, FormatArtifact, ImageInput, StepRunner } from '@ict/plugin-api';
import { DERIVE_VERSION, artifactExtension, compressArtifact, compressKey, storedBlob } from '@ict/image-parts';
import { ASSEMBLE_VERSION, assembleDisk, assembleKey } from './assemble-disk.js';
import { convertDisk, convertKey } from './convert-disk.js';
import { diskError } from './errors.js';
import { planVerity } from './verity-plan.js';
import { likelyData } from './likely-data.js';
import { layoutDisk } from './partitions.js';
import { ROOT_HASH_EXTENSION, rootHashFile, rootHashKey } from './root-hash-file.js';
import { isVirtualDisk, type VirtualDiskType } from './virtual-disk.js';

/** Assembles the disk of a prepared tree, and makes of it what the template asks for; with one that is immutable goes a file with its root hash. */
export async function buildDisk(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const raw = await storedBlob(steps, 'disk.assemble', ASSEMBLE_VERSION, assembleKey(input, ctx), () => assembleDisk(input, ctx));
  const virtual = new Map<VirtualDiskType, Promise<BlobRef>>();
  const name = `${input.spec.image.name}-${input.spec.image.version}`;
  const artifacts: FormatArtifact[] = [];
  async function wholeDisk(type: ArtifactType): Promise<BlobRef> {
    if (!isVirtualDisk(type)) throw diskError('ICT_DISK_UNSUPPORTED', { message: `a disk is not written as ${type}` });
    const key = convertKey(raw.digest, type, name, ctx);
    const made =
      virtual.get(type) ?? storedBlob(steps, 'disk.convert', DERIVE_VERSION, key, () => convertDisk(raw.digest, type, name, ctx));
    virtual.set(type, made);
    return made;
  }
  for (const spec of input.spec.disk.artifacts) {
    const extension = artifactExtension(spec);
    ctx.emit({ type: 'image.progress', artifact: extension, action: 'write' });
    const { type, compression } = spec;
    const whole = type === 'raw' ? raw : await wholeDisk(type);
    const blob =
      compression === undefined
        ? whole
        : await storedBlob(steps, 'disk.compress', DERIVE_VERSION, compressKey(whole.digest, compression, ctx), () =>
            compressArtifact(
              whole.digest,
              compression,
              ctx,
              type === 'raw' ? { findData: (file) => likelyData(file, layoutDisk(input.spec.disk)) } : {},
            ),
          );
    artifacts.push({ spec, extension, blob });
  }
  const verity = planVerity(input, layoutDisk(input.spec.disk));
  if (verity === undefined) return artifacts;
  const rootHash = await storedBlob(steps, 'disk.root-hash', DERIVE_VERSION, rootHashKey(raw.digest, verity), () =>
    rootHashFile(raw.digest, verity, ctx),
  );
  return [...artifacts, { extension: ROOT_HASH_EXTENSION, blob: rootHash }];
}
