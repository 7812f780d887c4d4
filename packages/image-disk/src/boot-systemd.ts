import type { ImageInput, TreeSession } from '@ict/plugin-api';
import {
  findKernels,
  findKernelStub,
  findSystemdBoot,
  planUnifiedImage,
  renderBootEntry,
  renderLoaderConfig,
  resolveTreeFile,
  type BootProgram,
  type Kernel,
  type TreeFile,
} from '@ict/image-parts';
import { kernelOptions, menuTitle } from './boot-menu.js';
import { CERTIFICATE_PATH, certificateOf } from './boot-signing.js';
import { locate } from './mount-points.js';
import { isEsp } from './partition-roles.js';
import { diskError } from './errors.js';

/** Files for the EFI system partition: texts made here, files of the tree, and programs that are put together. */
export interface EspContent {
  readonly texts: Readonly<Record<string, string | Uint8Array>>;
  /** Target path to the tree's file. */
  readonly copies: Readonly<Record<string, TreeFile>>;
  /** By target path; signed, if the template asks for that. */
  readonly programs: Readonly<Record<string, BootProgram>>;
}

/**
 * systemd-boot with one entry of the Boot Loader Specification per kernel; the newest is the default. Entries are of type 1, or, where the template asks for them,
 * of type 2: unified kernel images in `/EFI/Linux`.
 *
 * Of type 1, kernels and initrds are copied to `/{os}/{version}/`, unless the partition is mounted where they already are.
 *
 * @throws `ICT_IMAGE_BOOT_FILES` when loader, kernel or initrd is not in the tree; what {@link planUnifiedImage} throws.
 */
export async function systemdBootFiles(input: ImageInput, tree: TreeSession): Promise<EspContent> {
  const { spec, distribution } = input;
  const loader = await findSystemdBoot(tree, distribution, spec.target);
  if (loader === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', { message: `systemd-boot is not known for ${distribution.title} on ${spec.target.arch}` });
  const kernels = await findKernels(tree, distribution.boot);
  const loaders = [loader.removable, `/EFI/systemd/systemd-boot${loader.suffix}.efi`];
  const copies: Record<string, TreeFile> = Object.fromEntries(loaders.map((target) => [target, loader.efi]));
  const texts: Record<string, string> = {};
  const newest = kernels[0] as Kernel;
  if (spec.system.kernel.unifiedImage === true) {
    const programs = await unifiedImages(input, tree, kernels);
    const config = { '/loader/loader.conf': renderLoaderConfig(kernels.length, `${entryId(input, newest)}.efi`) };
    const { secureBoot } = spec.system;
    if (secureBoot === undefined) return { texts: config, copies, programs };
    for (const target of loaders) programs[target] = wholeFile(loader.efi);
    return { texts: { ...config, [CERTIFICATE_PATH]: certificateOf(secureBoot) }, copies: {}, programs };
  }
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
  texts['/loader/loader.conf'] = renderLoaderConfig(kernels.length, `${entryId(input, newest)}.conf`);
  texts['/loader/entries.srel'] = 'type1\n';
  return { texts, copies, programs: {} };
}

/** Unified kernel images by target path; systemd-boot finds them by their place. */
async function unifiedImages(input: ImageInput, tree: TreeSession, kernels: readonly Kernel[]): Promise<Record<string, BootProgram>> {
  const { spec, distribution } = input;
  const stub = await findKernelStub(tree, distribution, spec.target);
  if (stub === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', {
      message: `unified kernel images are not known for ${distribution.title} on ${spec.target.arch}`,
    });
  const programs: Record<string, BootProgram> = {};
  for (const kernel of kernels) {
    const linux = await bootFile(tree, kernel, kernel.path, 'kernel');
    const initrd = await bootFile(tree, kernel, kernel.initrd, 'initrd');
    const parts = { version: kernel.version, linux, initrd, options: kernelOptions(input) };
    programs[`/EFI/Linux/${entryId(input, kernel)}.efi`] = await planUnifiedImage(tree, stub, parts);
  }
  return programs;
}

/** A file of the tree as a program. */
function wholeFile({ path, sizeBytes }: TreeFile): BootProgram {
  return { sizeBytes, bytes: [], contents: [{ path, offsetBytes: 0 }] };
}

/** Path of a kernel file on the EFI system partition; adds the copy unless it is there by its mount point. */
async function place(
  input: ImageInput,
  tree: TreeSession,
  kernel: Kernel,
  path: string,
  what: 'kernel' | 'initrd',
  copies: Record<string, TreeFile>,
): Promise<string> {
  const file = await bootFile(tree, kernel, path, what);
  const located = locate(input.spec, path);
  if (located.partition !== undefined && isEsp(located.partition)) return located.path;
  const target = `/${input.spec.target.os}/${kernel.version}/${path.slice(path.lastIndexOf('/') + 1)}`;
  copies[target] = file;
  return target;
}

async function bootFile(tree: TreeSession, kernel: Kernel, path: string, what: 'kernel' | 'initrd'): Promise<TreeFile> {
  const hint = what === 'kernel' ? 'Install a kernel package.' : 'Install a package that makes initrds, such as initramfs-tools or dracut.';
  return resolveTreeFile(tree, path, `${what} for Linux ${kernel.version}`, hint);
}

function entryId(input: ImageInput, kernel: Kernel): string {
  return `${input.spec.target.os}-${kernel.version}`;
}
