import type { ArtifactType, BlobRef, BuildContext, Digest, FormatArtifact, ImageInput, StepRunner } from '@ict/plugin-api';
import { artifactExtension } from './artifacts.js';
import { compressArtifact, compressKey } from './compress-artifact.js';
import { convertDisk, convertKey } from './convert-disk.js';
import { DERIVE_VERSION } from './derived-blob.js';
import { ASSEMBLE_VERSION, assembleDisk, assembleKey } from './assemble-disk.js';
import { diskError } from './errors.js';
import { layoutDisk } from './partitions.js';
import { isVirtualDisk, type VirtualDiskType } from './virtual-disk.js';

/** A step's output: {@link BlobRef} as plain data. */
type StoredBlob = { readonly blob: { readonly kind: 'blob'; readonly digest: Digest; readonly sizeBytes: number } };

/** Assembles the disk of a prepared tree, and makes of it what the template asks for. */
export async function buildDisk(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const raw = await stored(steps, 'disk.assemble', ASSEMBLE_VERSION, assembleKey(input, ctx), () => assembleDisk(input, ctx));
  const virtual = new Map<VirtualDiskType, Promise<BlobRef>>();
  const name = `${input.spec.image.name}-${input.spec.image.version}`;
  const artifacts: FormatArtifact[] = [];
  async function wholeDisk(type: ArtifactType): Promise<BlobRef> {
    if (!isVirtualDisk(type)) throw diskError('ICT_DISK_UNSUPPORTED', { message: `a disk is not written as ${type}` });
    const key = convertKey(raw.digest, type, name, ctx);
    const made = virtual.get(type) ?? stored(steps, 'disk.convert', DERIVE_VERSION, key, () => convertDisk(raw.digest, type, name, ctx));
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
        : await stored(steps, 'disk.compress', DERIVE_VERSION, compressKey(whole.digest, compression, ctx), () =>
            compressArtifact(whole.digest, compression, type === 'raw' ? layoutDisk(input.spec.disk) : undefined, ctx),
          );
    artifacts.push({ spec, extension, blob });
  }
  return artifacts;
}

async function stored(
  steps: StepRunner,
  type: string,
  version: number,
  key: Parameters<StepRunner['step']>[2],
  run: () => Promise<BlobRef>,
): Promise<BlobRef> {
  const { blob } = await steps.step<StoredBlob>(type, version, key, async () => ({ blob: { ...(await run()) } }));
  return blob;
}
