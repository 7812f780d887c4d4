import type { ImageSpec } from '@ict/plugin-api';
import { compressionCapability } from '@ict/image-parts';
import { extKind, isFat } from './filesystem-kinds.js';
import { isVirtualDisk } from './virtual-disk.js';

/** A capability of the tools tree, and the part of the template that needs it. */
export interface RequiredTool {
  readonly capability: string;
  readonly path: string;
}

/**
 * Capabilities that a template needs, each once, sorted: `ext4` (mke2fs, for the whole ext family), `fat` (mkfs.vfat and mtools),
 * `grub-efi` (grub-mkimage and its modules), `convert` (qemu-img), `xz`, `bz2`.
 */
export function requiredTools(spec: ImageSpec): readonly RequiredTool[] {
  const found = new Map<string, string>();
  const need = (capability: string | undefined, path: string): void => {
    if (capability !== undefined && !found.has(capability)) found.set(capability, path);
  };
  spec.disk.partitions.forEach((partition, index) => {
    const path = `disk.partitions[${index}].fsType`;
    if (extKind(partition) !== undefined) need('ext4', path);
    if (isFat(partition)) need('fat', path);
  });
  spec.disk.artifacts.forEach((artifact, index) => {
    if (isVirtualDisk(artifact.type)) need('convert', `disk.artifacts[${index}].type`);
    need(compressionCapability(artifact.compression), `disk.artifacts[${index}].compression`);
  });
  if (spec.system.bootloader.provider === 'grub') need('grub-efi', 'systemConfig.bootloader.provider');
  return [...found].map(([capability, path]) => ({ capability, path })).sort((a, b) => (a.capability < b.capability ? -1 : 1));
}
