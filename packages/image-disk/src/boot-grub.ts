import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext, GrubNames, ImageInput, ImageSpec, TreeSession } from '@ict/plugin-api';
import { efiArch, findKernels, partitionIdentity } from '@ict/image-parts';
import { kernelOptions, menuTitle } from './boot-menu.js';
import { locate } from './mount-points.js';
import { diskError } from './errors.js';
import { filesystemOf } from './filesystems.js';
import type { FatFile } from './filesystem-fat.js';

/** Where GRUB's configuration lies in the root tree. */
export const GRUB_DIRECTORY = '/boot/grub';

/** What its authors call GRUB. */
const GRUB_NAMES: GrubNames = { mkimage: 'grub-mkimage', modules: '/usr/lib/grub' };

/** Bumped when the same input gives other bytes. */
export const GRUB_VERSION = 1;

/** Modules inside the boot image: enough to read ext and FAT, and for a configuration of a user's own. */
export const GRUB_MODULES: readonly string[] = [
  ...['part_gpt', 'part_msdos'],
  ...['ext2', 'fat'],
  ...['search', 'search_fs_uuid', 'search_fs_file', 'search_label', 'linux', 'normal', 'configfile'],
  ...['echo', 'test', 'true', 'ls', 'cat', 'halt', 'reboot', 'sleep', 'regexp', 'minicmd', 'all_video', 'gfxterm', 'font', 'gzio', 'zstd'],
  ...['serial', 'terminal', 'loadenv', 'boot', 'help', 'probe', 'chain'],
];

/** The same with that of any other filesystem of the disk. */
export function grubModules({ disk }: Pick<ImageSpec, 'disk'>): readonly string[] {
  return [...new Set([...GRUB_MODULES, ...disk.partitions.flatMap((partition) => filesystemOf(partition).grub?.module ?? [])])];
}

/** UUID by which GRUB's `search --fs-uuid` finds the filesystem of a tree's path, and the path on it. */
export function grubLocation(spec: ImageSpec, seed: ImageInput['seed'], path: string): { readonly uuid: string; readonly path: string } {
  const located = locate(spec, path);
  const grub = located.partition && filesystemOf(located.partition).grub;
  if (located.partition === undefined || grub === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', {
      message: `no partition of the template holds ${path}`,
      hint: 'Add a partition with mountPoint: /.',
    });
  return { uuid: grub.uuid(partitionIdentity(seed, located.partition.id)), path: located.path };
}

/**
 * Text of `/boot/grub/grub.cfg`: one entry per kernel, the newest first and by default.
 *
 * @throws `ICT_IMAGE_BOOT_FILES` when the tree has no kernel.
 */
export async function renderGrubConfig(input: Omit<ImageInput, 'tree'>, tree: TreeSession): Promise<string> {
  const kernels = await findKernels(tree, input.distribution.boot);
  const options = kernelOptions(input).split(' ').map(quote).join(' ');
  const entries = kernels.map((kernel) => {
    const linux = grubLocation(input.spec, input.seed, kernel.path);
    const initrd = grubLocation(input.spec, input.seed, kernel.initrd);
    return [
      `menuentry ${quote(menuTitle(input.distribution, kernel, kernels))} --id ${quote(kernel.version)} {`,
      `  search --no-floppy --fs-uuid --set=root ${linux.uuid}`,
      `  linux ${quote(linux.path)} ${options}`,
      ...(initrd.uuid === linux.uuid ? [] : [`  search --no-floppy --fs-uuid --set=root ${initrd.uuid}`]),
      `  initrd ${quote(initrd.path)}`,
      '}',
    ].join('\n');
  });
  return [`set default=0\nset timeout=${kernels.length === 1 ? 0 : 3}`, ...entries].join('\n\n').concat('\n');
}

/** A word for GRUB's script language. */
function quote(word: string): string {
  return /^[\w./:=,@%+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Configuration inside the boot image: finds the filesystem that holds {@link GRUB_DIRECTORY}; `normal` then reads grub.cfg there. */
export function earlyConfig(spec: ImageSpec, seed: ImageInput['seed']): string {
  const { uuid, path } = grubLocation(spec, seed, GRUB_DIRECTORY);
  return `search.fs_uuid ${uuid} root\nset prefix=($root)${path}\n`;
}

/** What GRUB is called by the packages of a distribution. */
export function grubNames({ tools }: ImageInput['distribution']): GrubNames {
  return tools.grub ?? GRUB_NAMES;
}

/** A boot image that GRUB's own program makes. */
export interface GrubImage {
  /** GRUB's name of it, which is also that of the directory of its modules. */
  readonly platform: string;
  readonly modules: readonly string[];
  /** Host directory that receives it, and its path there. */
  readonly stage: string;
  readonly target: string;
}

/**
 * Makes a boot image with the program of the tools tree.
 *
 * @param directory host directory for the configuration inside it.
 */
export async function makeGrubImage(input: ImageInput, image: GrubImage, directory: string, ctx: BuildContext): Promise<void> {
  const { platform, modules, stage, target } = image;
  await writeFile(join(directory, 'early.cfg'), earlyConfig(input.spec, input.seed));
  const names = grubNames(input.distribution);
  await ctx.tools.run({
    argv: [
      ...[names.mkimage, '-O', platform, '-d', `${names.modules}/${platform}`, '-p', GRUB_DIRECTORY, '-c', '/disk/early.cfg'],
      ...['-o', `/stage${target}`, ...modules],
    ],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: `${ctx.epochSeconds}` },
    mounts: [
      { source: stage, at: '/stage', writable: true },
      { source: directory, at: '/disk' },
    ],
  });
}

/**
 * Makes GRUB's boot image for UEFI, in the staging directory.
 *
 * @param stage host directory for files of the EFI system partition.
 * @param directory host directory for the configuration.
 */
export async function grubImage(input: ImageInput, stage: string, directory: string, ctx: BuildContext): Promise<FatFile> {
  const arch = efiArch(input.spec.target.arch);
  if (arch === undefined) throw diskError('ICT_DISK_UNSUPPORTED', { message: `ICT makes no GRUB image for ${input.spec.target.arch}` });
  const target = arch.removable;
  await mkdir(join(stage, target, '..'), { recursive: true });
  await makeGrubImage(input, { platform: arch.grub, modules: grubModules(input.spec), stage, target }, directory, ctx);
  const { size } = await stat(join(stage, target));
  return { target, from: 'stage', source: target, sizeBytes: size };
}
