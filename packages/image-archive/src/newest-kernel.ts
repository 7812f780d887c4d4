import { findKernels, resolveTreeFile, type Kernel, type TreeFile } from '@ict/image-parts';
import type { DistributionDefinition, TreeSession } from '@ict/plugin-api';

/** The newest kernel of a tree, and the file that it is. @throws `ICT_IMAGE_BOOT_FILES` when there is none. */
export async function newestKernel(
  tree: TreeSession,
  { boot }: DistributionDefinition,
): Promise<{ readonly version: string; readonly file: TreeFile }> {
  const [{ path, version }] = (await findKernels(tree, boot)) as [Kernel];
  return { version, file: await resolveTreeFile(tree, path, `kernel for Linux ${version}`, 'Install a kernel package.') };
}
