import type { ImageSpec } from '@ict/plugin-api';
import { compressionCapability } from '@ict/image-parts';
import { extKind } from './filesystem-kinds.js';
import { isVirtualDisk } from './virtual-disk.js';

/** A capability of the tools tree, and the part of the template that needs it. */
export interface RequiredTool {
  readonly capability: string;
  readonly path: string;
  /** False where only what is rare about a tree needs it. */
  readonly certain: boolean;
}

/**
 * Capabilities that a template needs, each once, sorted: `ext4` (mke2fs, for the whole ext family), `grub-efi`
 * (grub-mkimage and its modules), `convert` (qemu-img), `xz`, `bz2`.
 */
export function requiredTools(spec: ImageSpec): readonly RequiredTool[] {
  const found = new Map<string, RequiredTool>();
  const need = (capability: string | undefined, path: string, certain = true): void => {
    if (capability === undefined) return;
    const known = found.get(capability);
    found.set(capability, { capability, path: known?.path ?? path, certain: certain || known?.certain === true });
  };
  spec.disk.partitions.forEach((partition, index) => {
    const path = `disk.partitions[${index}].fsType`;
    const kind = extKind(partition);
    // An ext4 is written without mke2fs, unless a name or the size asks for it.
    if (kind !== undefined) need('ext4', path, kind !== 'ext4');
  });
  spec.disk.artifacts.forEach((artifact, index) => {
    if (isVirtualDisk(artifact.type)) need('convert', `disk.artifacts[${index}].type`);
    need(compressionCapability(artifact.compression), `disk.artifacts[${index}].compression`);
  });
  if (spec.system.bootloader.provider === 'grub') need('grub-efi', 'systemConfig.bootloader.provider');
  return [...found.values()].sort((a, b) => (a.capability < b.capability ? -1 : 1));
}
