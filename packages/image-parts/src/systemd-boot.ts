import type { DistributionDefinition, ImageSpec, TreeSession } from '@ict/plugin-api';
import { efiArch } from './efi-arch.js';
import { resolveTreeFile, type TreeFile } from './kernels.js';

/** A loader of a tree, and where firmware looks for it on a removable disk. */
export interface SystemdBoot {
  readonly efi: TreeFile;
  readonly removable: string;
  /** As in `systemd-bootx64.efi`. */
  readonly suffix: string;
}

/** One entry of a boot menu. Paths are those of the partition that the entry lies on. */
export interface BootEntry {
  readonly title: string;
  readonly version: string;
  readonly sortKey: string;
  readonly linux: string;
  readonly initrd: string;
  readonly options: string;
}

/**
 * The systemd-boot of a tree.
 *
 * @returns undefined when the definition does not say where it is, or it is not known for the architecture.
 * @throws `ICT_IMAGE_BOOT_FILES` when it is not there.
 */
export async function findSystemdBoot(
  tree: TreeSession,
  distribution: DistributionDefinition,
  { arch }: ImageSpec['target'],
): Promise<SystemdBoot | undefined> {
  const efi = efiArch(arch);
  const loader = distribution.boot.loaders['systemd-boot'];
  if (efi === undefined || loader === undefined) return undefined;
  const path = loader.efi.replaceAll('${efiArch}', efi.suffix);
  const file = await resolveTreeFile(tree, path, 'systemd-boot loader', `Install the package ${loader.package}.`);
  return { efi: file, removable: efi.removable, suffix: efi.suffix };
}

/** @see Boot Loader Specification, type 1 */
export function renderBootEntry({ title, version, sortKey, linux, initrd, options }: BootEntry): string {
  const lines = [`title ${title}`, `version ${version}`, `sort-key ${sortKey}`, `linux ${linux}`, `initrd ${initrd}`, `options ${options}`];
  return `${lines.join('\n')}\n`;
}

/**
 * The configuration of systemd-boot, with nothing that can be changed at the menu.
 *
 * @param entries how many there are: one starts without a menu.
 * @param chosen file of the entry that starts when nobody chooses.
 */
export function renderLoaderConfig(entries: number, chosen: string): string {
  return `timeout ${entries === 1 ? 0 : 3}\ndefault ${chosen}\neditor no\n`;
}
