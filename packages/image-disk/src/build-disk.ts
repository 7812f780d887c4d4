import type { BlobRef, BuildContext, Digest, FormatArtifact, ImageInput, StepRunner } from '@ict/plugin-api';
import { artifactExtension } from './artifacts.js';
import { DERIVE_VERSION, compress, compressKey, convertKey, convertToQcow2 } from './derive.js';
import { ASSEMBLE_VERSION, assembleDisk, assembleKey } from './disk.js';
import { layoutDisk } from './partitions.js';

/** A step's output: {@link BlobRef} as plain data. */
type StoredBlob = { readonly blob: { readonly kind: 'blob'; readonly digest: Digest; readonly sizeBytes: number } };

/** Assembles the disk of a prepared tree, and makes of it what the template asks for. */
export async function buildDisk(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const raw = await stored(steps, 'disk.assemble', ASSEMBLE_VERSION, assembleKey(input, ctx), () => assembleDisk(input, ctx));
  const plain = new Map<string, Promise<BlobRef>>([['raw', Promise.resolve(raw)]]);
  const artifacts: FormatArtifact[] = [];
  for (const spec of input.spec.disk.artifacts) {
    const extension = artifactExtension(spec);
    ctx.emit({ type: 'image.progress', artifact: extension, action: 'write' });
    if (!plain.has(spec.type)) {
      plain.set(
        spec.type,
        stored(steps, 'disk.convert', DERIVE_VERSION, convertKey(raw.digest, ctx), () => convertToQcow2(raw.digest, ctx)),
      );
    }
    const whole = await (plain.get(spec.type) as Promise<BlobRef>);
    const { compression } = spec;
    const blob =
      compression === undefined
        ? whole
        : await stored(steps, 'disk.compress', DERIVE_VERSION, compressKey(whole.digest, compression, ctx), () =>
            compress(whole.digest, compression, spec.type === 'raw' ? layoutDisk(input.spec.disk) : undefined, ctx),
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
