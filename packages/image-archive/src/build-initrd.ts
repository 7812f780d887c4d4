import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storedBlob } from '@ict/image-parts';
import type { BlobRef, BuildContext, FormatArtifact, ImageInput, StepRunner } from '@ict/plugin-api';
import { buildInitrdArchives } from './initrd-archive.js';
import { newestKernel } from './newest-kernel.js';

/** Bumped when another file of an equal tree is taken for its kernel. */
export const KERNEL_VERSION = 1;
/** Bumped when the file of an equal command line gets other bytes. */
export const COMMAND_LINE_VERSION = 1;

/** Makes the initrd of a prepared tree, with its kernel and the kernel's command line beside it. */
export async function buildInitrd(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const tree = input.tree.layers.map((layer) => layer.digest);
  const pattern = input.distribution.boot.kernel;
  const kernel = await storedBlob(steps, 'initrd.kernel', KERNEL_VERSION, { tree, kernel: pattern }, () => takeKernel(input, ctx));
  const artifacts = await buildInitrdArchives(input, input.spec.disk.artifacts, steps, ctx);
  const { cmdline } = input.spec.system.kernel;
  // A step as well: a plan follows this function, and stores nothing.
  const commandLine = await storedBlob(steps, 'initrd.command-line', COMMAND_LINE_VERSION, { cmdline }, () =>
    ctx.blobs.putBytes(Buffer.from(`${cmdline}\n`)),
  );
  return [...artifacts, { extension: 'vmlinuz', blob: kernel }, { extension: 'cmdline', blob: commandLine }];
}

/** Copies the newest kernel of the tree. @throws `ICT_IMAGE_BOOT_FILES` when there is none. */
async function takeKernel({ tree, distribution }: ImageInput, ctx: BuildContext): Promise<BlobRef> {
  const file = await ctx.trees.inspect(tree, async (session) => (await newestKernel(session, distribution)).file);
  const directory = await mkdtemp(join(ctx.temporary, 'kernel-'));
  try {
    const target = join(directory, 'vmlinuz');
    await writeFile(target, Buffer.alloc(file.sizeBytes));
    await ctx.trees.place(tree, [{ path: file.path, offsetBytes: 0 }], target);
    return await ctx.blobs.putFile(target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
