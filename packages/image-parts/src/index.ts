export { decodeAccessControl, encodeAccessControl, namesSomebody, type AccessEntry } from './access-control.js';
export { artifactExtension, compressionCapability } from './artifact-names.js';
export { AUTHENTICODE_VERSION, signProgram, type ProgramSigner } from './authenticode.js';
export { BTRFS_CHECKSUM_BYTES, btrfsChecksum } from './btrfs/checksum.js';
export {
  BTRFS_CHUNK,
  BTRFS_EXTENT,
  BTRFS_HEADER_BYTES,
  BTRFS_ITEM,
  BTRFS_ITEM_BYTES,
  BTRFS_MAGIC,
  BTRFS_OBJECT,
  BTRFS_POINTER_BYTES,
  BTRFS_SUPERBLOCK_AT,
  BTRFS_SUPERBLOCK_BYTES,
} from './btrfs/format.js';
export { BTRFS_KEY_BYTES, writeBtrfsKey, writeU64, type BtrfsKey, type Unsigned } from './btrfs/key.js';
export { compressArtifact, compressKey, type CompressOptions, type Decompressor } from './compress-artifact.js';
export { crc32c, crc32cOfNumber } from './crc32c.js';
export { DERIVE_VERSION, deriveBlob, runTool } from './derived-blob.js';
export { efiArch, type EfiArch } from './efi-arch.js';
export { imageError } from './errors.js';
export { FAT_LABEL_BYTES, type VolumeIdentity } from './fat/boot-sector.js';
export { decodeBootSector, type FatVolume } from './fat/decode-boot-sector.js';
export {
  DIRECTORY_ATTRIBUTE,
  DIRECTORY_ENTRY_BYTES,
  LONG_NAME_ATTRIBUTE,
  MAX_ENTRIES,
  VOLUME_LABEL_ATTRIBUTE,
} from './fat/directory-entry.js';
export { LAST_LONG_ENTRY, decodeLongName } from './fat/names.js';
export { FAT_VERSION, encodeFat } from './fat/encode-fat.js';
export type { PlacedFile, PlannedDirectory } from './fat/directory-plan.js';
export { contentOffsets, planFat, type FatRefusal, type FatRequest, type Place, type PlannedFat } from './fat/fat-plan.js';
export {
  FAT16_MAXIMUM_BYTES,
  FAT16_MINIMUM_BYTES,
  FAT32_MAXIMUM_BYTES,
  FAT32_MINIMUM_BYTES,
  FIRST_CLUSTER,
  type FatLayout,
  type FatWidth,
} from './fat/layout.js';
export { FILE_TYPE_BITS } from './file-type-bits.js';
export {
  BACKUP_SECTORS,
  ESP_TYPE_GUID,
  FIRST_USABLE_LBA,
  MAX_NAME_UNITS,
  PRIMARY_SECTORS,
  PROTECTIVE_MBR_TYPE,
  SECTOR_BYTES,
  encodeGpt,
  lastUsableLba,
  type EncodedGpt,
  type GptPartition,
  type GptTable,
} from './gpt.js';
export { guidBytes, guidText, isUuid, uuidBytes, uuidText } from './guid.js';
export { diskGuid, diskSignature, mbrPartuuid, partitionIdentity, volumeUuid, type PartitionIdentity } from './identity.js';
export { findKernels, resolveTreeFile, type Kernel, type TreeFile } from './kernels.js';
export {
  BOOT_CODE_BYTES,
  MBR_PARTITIONS,
  MBR_SECTORS,
  decodeMbr,
  encodeMbr,
  type MbrEntry,
  type MbrPartition,
  type MbrTable,
} from './mbr.js';
export {
  canonicalPartitionType,
  mbrPartitionType,
  mbrPartitionTypeName,
  partitionTypeGuid,
  partitionTypeName,
  partitionTypeNames,
} from './partition-types.js';
export { readFully, readPieces, type ByteRange } from './piecewise.js';
export type { PlacedBytes } from './placed-bytes.js';
export {
  PROGRAM_HEAD_BYTES,
  readPortableExecutable,
  type PortableExecutable,
  type ProgramRefusal,
  type ProgramSection,
} from './portable-executable.js';
export { isStoredBlob, storedBlob } from './stored-blob.js';
export { findSystemdBoot, renderBootEntry, renderLoaderConfig, type BootEntry, type SystemdBoot } from './systemd-boot.js';
export { positionOf } from './template-position.js';
export {
  UNIFIED_IMAGE_VERSION,
  findKernelStub,
  planUnifiedImage,
  writeBootProgram,
  type BootProgram,
  type KernelStub,
} from './unified-image.js';
export { writeFully } from './write-fully.js';
export { xfsChecksum } from './xfs/checksum.js';
export {
  XFS_ACLS,
  XFS_ACL_BYTES,
  XFS_ATTRIBUTE,
  XFS_ATTRIBUTE_ENTRY_BYTES,
  XFS_ATTRIBUTE_HEAD_BYTES,
  XFS_BLOCK,
  XFS_EARLIEST_SECONDS,
  XFS_EXTENT_BYTES,
  XFS_FEATURE,
  XFS_FORMAT,
  XFS_HASHES,
  XFS_HEADER,
  XFS_HEADER_BYTES,
  XFS_INODE_FIELDS_BYTES,
  XFS_INODE_FLAG,
  XFS_LOG,
  XFS_MAGIC,
  XFS_MINORS,
  XFS_NAMESPACES,
  XFS_NAMES_TAIL_BYTES,
  XFS_NAME_UNIT_BYTES,
  XFS_NO_NAME,
  XFS_SECTOR_BYTES,
  XFS_SHORT_ATTRIBUTES_BYTES,
  XFS_TREE_ROOT_BYTES,
  xfsNameBytes,
  type XfsHeader,
} from './xfs/format.js';
