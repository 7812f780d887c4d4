import type { ArtifactSpec } from '@ict/plugin-api';

/** Types of artifacts that are the whole disk in the format of a virtual machine. */
export type VirtualDiskType = Exclude<ArtifactSpec['type'], 'raw' | 'tar' | 'cpio' | 'iso'>;

/** Name of each format for qemu-img, with options that do not depend on its version. */
export const virtualDisks: Readonly<Record<VirtualDiskType, { readonly format: string; readonly options: string }>> = {
  qcow2: { format: 'qcow2', options: 'compat=1.1,cluster_size=65536,lazy_refcounts=off' },
  // Without force_size the disk grows to what cylinders, heads and sectors can say.
  vhd: { format: 'vpc', options: 'subformat=dynamic,force_size=on' },
  vhdx: { format: 'vhdx', options: 'subformat=dynamic' },
  vmdk: { format: 'vmdk', options: 'subformat=monolithicSparse' },
  vdi: { format: 'vdi', options: 'static=off' },
};

/** True for an artifact that qemu-img makes of the disk. */
export function isVirtualDisk(type: ArtifactSpec['type']): type is VirtualDiskType {
  return Object.hasOwn(virtualDisks, type);
}
