import { open } from 'node:fs/promises';
import type { BuildContext, ContentPlace, DistributionDefinition, ImageSpec, TreeRef, TreeSession } from '@ict/plugin-api';
import { efiArch } from './efi-arch.js';
import { imageError } from './errors.js';
import { resolveTreeFile, type Kernel, type TreeFile } from './kernels.js';
import type { PlacedBytes } from './placed-bytes.js';
import { appendSections } from './portable-executable.js';
import { writeFully } from './write-fully.js';

/** Bumped when {@link planUnifiedImage} gives other bytes for equal input. */
export const UNIFIED_IMAGE_VERSION = 1;

/** A program of UEFI that is written piece by piece; what lies between the pieces is zeros. */
export interface BootProgram {
  readonly sizeBytes: number;
  readonly bytes: readonly PlacedBytes[];
  /** Files of the tree, and where they go. */
  readonly contents: readonly ContentPlace[];
}

/** The program that a unified kernel image begins with, and the package that brings it. */
export interface KernelStub extends TreeFile {
  readonly package: string;
}

/**
 * The stub of a tree, to which {@link planUnifiedImage} adds the rest.
 *
 * @returns undefined when the definition does not say where it is, or it is not known for the architecture.
 * @throws `ICT_IMAGE_BOOT_FILES` when it is not there.
 */
export async function findKernelStub(
  tree: TreeSession,
  distribution: DistributionDefinition,
  { arch }: ImageSpec['target'],
): Promise<KernelStub | undefined> {
  const efi = efiArch(arch);
  const loader = distribution.boot.loaders['systemd-boot'];
  if (efi === undefined || loader?.stub === undefined) return undefined;
  const path = loader.stub.replaceAll('${efiArch}', efi.suffix);
  const hint = `Add the package ${loader.package} under systemConfig.packages, or remove systemConfig.kernel.uki.`;
  return { ...(await resolveTreeFile(tree, path, 'stub of unified kernel images', hint)), package: loader.package };
}

/**
 * One program out of kernel, initrd and command line, with what a boot menu shows of it: the stub of systemd with a section for each. The kernel comes last: those that run
 * where they lie take memory behind it.
 *
 * @param kernel `linux` and `initrd` are files of the tree.
 * @throws `ICT_IMAGE_BOOT_PROGRAM` for a stub that is none; `ICT_IMAGE_BOOT_FILES` without os-release.
 * @see UAPI.5, Unified Kernel Image
 */
export async function planUnifiedImage(
  tree: TreeSession,
  stub: KernelStub,
  kernel: Pick<Kernel, 'version'> & { readonly linux: TreeFile; readonly initrd: TreeFile; readonly options: string },
): Promise<BootProgram> {
  const release = await resolveTreeFile(tree, '/etc/os-release', 'os-release', 'Install the package that brings /etc/os-release.');
  const sections: readonly { readonly name: string; readonly content: Uint8Array | TreeFile; readonly code?: true }[] = [
    { name: '.osrel', content: await read(tree, release) },
    { name: '.uname', content: Buffer.from(kernel.version) },
    { name: '.cmdline', content: Buffer.from(kernel.options) },
    { name: '.initrd', content: kernel.initrd },
    { name: '.linux', content: kernel.linux, code: true },
  ];
  const added = sections.map(({ name, content, code }) => {
    return { name, sizeBytes: 'path' in content ? content.sizeBytes : content.length, ...(code === undefined ? {} : { code }) };
  });
  const { head, offsets, sizeBytes } = appendSections(await read(tree, stub), added, (reason) =>
    imageError('ICT_IMAGE_BOOT_PROGRAM', {
      message: `no unified kernel image can be made of ${stub.path}: ${reason}`,
      hint: `It has to be the stub of systemd, which the package ${stub.package} brings. Add that under systemConfig.packages, let nothing replace the file, or remove systemConfig.kernel.uki.`,
      facts: { path: stub.path, package: stub.package },
    }),
  );
  const placed = sections.map(({ content }, index) => ({ content, offsetBytes: offsets[index] as number }));
  return {
    sizeBytes,
    bytes: [
      { offsetBytes: 0, bytes: head },
      ...placed.flatMap(({ content, offsetBytes }) => ('path' in content ? [] : [{ offsetBytes, bytes: content }])),
    ],
    contents: placed.flatMap(({ content, offsetBytes }) => ('path' in content ? [{ path: content.path, offsetBytes }] : [])),
  };
}

/** Writes a program of this tree into a file that is not there yet. */
export async function writeBootProgram(program: BootProgram, tree: TreeRef, file: string, ctx: BuildContext): Promise<void> {
  {
    await using output = await open(file, 'wx');
    await output.truncate(program.sizeBytes);
    for (const { bytes, offsetBytes } of program.bytes) await writeFully(output, bytes, offsetBytes);
  }
  await ctx.trees.place(tree, program.contents, file);
}

async function read(tree: TreeSession, { path }: TreeFile): Promise<Buffer> {
  return Buffer.from((await tree.read(path)) ?? []);
}
