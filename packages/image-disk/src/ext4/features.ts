/** Bits of the superblock's three fields of features. */
export interface FeatureBits {
  readonly compatible: number;
  readonly incompatible: number;
  readonly readOnlyCompatible: number;
}

/** Of every ext filesystem here, by the names of mke2fs.conf(5). */
export const BASE_FEATURES = ['sparse_super', 'large_file', 'filetype', 'resize_inode', 'dir_index', 'ext_attr'] as const;

/**
 * Of ext4 beside them. Left out on purpose: `metadata_csum_seed` and `orphan_file`, which boot loaders and checkers of current distributions
 * cannot read.
 */
export const EXT4_FEATURES = [
  'has_journal',
  'extent',
  'huge_file',
  'flex_bg',
  'metadata_csum',
  '64bit',
  'dir_nlink',
  'extra_isize',
] as const;

export type Feature = (typeof BASE_FEATURES)[number] | (typeof EXT4_FEATURES)[number];

/** @see Documentation/filesystems/ext4/super.rst of the kernel */
const BITS: Readonly<Record<Feature, Partial<FeatureBits>>> = {
  has_journal: { compatible: 0x4 },
  ext_attr: { compatible: 0x8 },
  resize_inode: { compatible: 0x10 },
  dir_index: { compatible: 0x20 },
  filetype: { incompatible: 0x2 },
  extent: { incompatible: 0x40 },
  '64bit': { incompatible: 0x80 },
  flex_bg: { incompatible: 0x200 },
  sparse_super: { readOnlyCompatible: 0x1 },
  large_file: { readOnlyCompatible: 0x2 },
  huge_file: { readOnlyCompatible: 0x8 },
  dir_nlink: { readOnlyCompatible: 0x20 },
  extra_isize: { readOnlyCompatible: 0x40 },
  metadata_csum: { readOnlyCompatible: 0x400 },
};

export function featureBits(features: readonly Feature[]): FeatureBits {
  const all = { compatible: 0, incompatible: 0, readOnlyCompatible: 0 };
  for (const feature of features) {
    const { compatible = 0, incompatible = 0, readOnlyCompatible = 0 } = BITS[feature];
    all.compatible |= compatible;
    all.incompatible |= incompatible;
    all.readOnlyCompatible |= readOnlyCompatible;
  }
  return all;
}
