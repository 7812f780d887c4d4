import type { ImageSpec } from '@ict/plugin-api';
import { compressionCapability } from '@ict/image-parts';
import { filesystemOf } from './filesystems.js';
import { startsByBios } from './partition-roles.js';
import { isVirtualDisk } from './virtual-disk.js';

/** A capability of the tools tree, and the part of the template that needs it. */
export interface RequiredTool {
  readonly capability: string;
  readonly path: string;
}

/**
 * Capabilities that a template needs, each once, sorted: `ext` (mke2fs, which writes ext2 and ext3), `erofs`, `squashfs`, `grub-efi` or `grub-bios`
 * (grub-mkimage, and its modules for UEFI or i386-pc), `convert` (qemu-img), `xz`, `bz2`.
 */
export function requiredTools(spec: ImageSpec): readonly RequiredTool[] {
  const found = new Map<string, RequiredTool>();
  const need = (capability: string | undefined, path: string): void => {
    if (capability !== undefined && !found.has(capability)) found.set(capability, { capability, path });
  };
  spec.disk.partitions.forEach((partition, index) => need(filesystemOf(partition).capability, `disk.partitions[${index}].fsType`));
  spec.disk.artifacts.forEach((artifact, index) => {
    if (isVirtualDisk(artifact.type)) need('convert', `disk.artifacts[${index}].type`);
    need(compressionCapability(artifact.compression), `disk.artifacts[${index}].compression`);
  });
  if (startsByBios(spec)) need('grub-bios', 'systemConfig.bootloader.bootType');
  else if (spec.system.bootloader.provider === 'grub') need('grub-efi', 'systemConfig.bootloader.provider');
  return [...found.values()].sort((a, b) => (a.capability < b.capability ? -1 : 1));
}
