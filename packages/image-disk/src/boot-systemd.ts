import type { ImageInput, TreeSession } from '@ict/plugin-api';
import { findKernels, resolveTreeFile, type Kernel, type TreeFile } from '@ict/image-parts';
import { isEsp, kernelOptions, locate, menuTitle } from './boot-files.js';
import { diskError } from './errors.js';
import { efiArch } from './efi-arch.js';

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
  const arch = efiArch(spec.target.arch);
  const loader = distribution.boot.loaders['systemd-boot'];
  if (arch === undefined || loader === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', { message: `systemd-boot is not known for ${distribution.title} on ${spec.target.arch}` });
  const efi = await resolveTreeFile(
    tree,
    loader.efi.replaceAll('${efiArch}', arch.suffix),
    'systemd-boot loader',
    `Install the package ${loader.package}.`,
  );
  const kernels = await findKernels(tree, distribution.boot);
  const copies: Record<string, TreeFile> = { [arch.removable]: efi, [`/EFI/systemd/systemd-boot${arch.suffix}.efi`]: efi };
  const texts: Record<string, string> = {};
  for (const kernel of kernels) {
    const linux = await place(input, tree, kernel, kernel.path, 'kernel', copies);
    const initrd = await place(input, tree, kernel, kernel.initrd, 'initrd', copies);
    texts[`/loader/entries/${entryId(input, kernel)}.conf`] = renderEntry(input, kernel, kernels, linux, initrd);
  }
  const newest = kernels[0] as Kernel;
  texts['/loader/loader.conf'] = `timeout ${kernels.length === 1 ? 0 : 3}\ndefault ${entryId(input, newest)}.conf\neditor no\n`;
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

function renderEntry(input: ImageInput, kernel: Kernel, kernels: readonly Kernel[], linux: string, initrd: string): string {
  return [
    `title ${menuTitle(input.distribution, kernel, kernels)}`,
    `version ${kernel.version}`,
    `sort-key ${input.spec.target.os}`,
    `linux ${linux}`,
    `initrd ${initrd}`,
    `options ${kernelOptions(input)}`,
    '',
  ].join('\n');
}
