import type { ImageInput, TreeSession } from '@ict/plugin-api';
import {
  findKernels,
  findSystemdBoot,
  renderBootEntry,
  renderLoaderConfig,
  resolveTreeFile,
  type Kernel,
  type TreeFile,
} from '@ict/image-parts';
import { kernelOptions, menuTitle } from './boot-menu.js';
import { locate } from './mount-points.js';
import { isEsp } from './partition-roles.js';
import { diskError } from './errors.js';

/** Files for the EFI system partition: texts made here, and files of the tree. */
export interface EspContent {
  readonly texts: Readonly<Record<string, string>>;
  /** Target path to the tree's file. */
  readonly copies: Readonly<Record<string, TreeFile>>;
}

/**
 * systemd-boot with one entry of the Boot Loader Specification (type 1) per kernel; the newest is the default.
 *
 * Kernels and initrds are copied to `/{os}/{version}/`, unless the partition is mounted where they already are.
 *
 * @throws `ICT_IMAGE_BOOT_FILES` when loader, kernel or initrd is not in the tree.
 */
export async function systemdBootFiles(input: ImageInput, tree: TreeSession): Promise<EspContent> {
  const { spec, distribution } = input;
  const loader = await findSystemdBoot(tree, distribution, spec.target);
  if (loader === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', { message: `systemd-boot is not known for ${distribution.title} on ${spec.target.arch}` });
  const kernels = await findKernels(tree, distribution.boot);
  const copies: Record<string, TreeFile> = {
    [loader.removable]: loader.efi,
    [`/EFI/systemd/systemd-boot${loader.suffix}.efi`]: loader.efi,
  };
  const texts: Record<string, string> = {};
  for (const kernel of kernels) {
    const linux = await place(input, tree, kernel, kernel.path, 'kernel', copies);
    const initrd = await place(input, tree, kernel, kernel.initrd, 'initrd', copies);
    texts[`/loader/entries/${entryId(input, kernel)}.conf`] = renderBootEntry({
      title: menuTitle(distribution, kernel, kernels),
      version: kernel.version,
      sortKey: spec.target.os,
      linux,
      initrd,
      options: kernelOptions(input),
    });
  }
  const newest = kernels[0] as Kernel;
  texts['/loader/loader.conf'] = renderLoaderConfig(kernels.length, `${entryId(input, newest)}.conf`);
  texts['/loader/entries.srel'] = 'type1\n';
  return { texts, copies };
}

/** Path of a kernel file on the EFI system partition; adds the copy unless it is there by its mount point. */
async function place(
  input: ImageInput,
  tree: TreeSession,
  kernel: Kernel,
  path: string,
  what: string,
  copies: Record<string, TreeFile>,
): Promise<string> {
  const hint = what === 'kernel' ? 'Install a kernel package.' : 'Install a package that makes initrds, such as initramfs-tools or dracut.';
  const file = await resolveTreeFile(tree, path, `${what} for Linux ${kernel.version}`, hint);
  const located = locate(input.spec, path);
  if (located.partition !== undefined && isEsp(located.partition)) return located.path;
  const target = `/${input.spec.target.os}/${kernel.version}/${path.slice(path.lastIndexOf('/') + 1)}`;
  copies[target] = file;
  return target;
}

function entryId(input: ImageInput, kernel: Kernel): string {
  return `${input.spec.target.os}-${kernel.version}`;
}
