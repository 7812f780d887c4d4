export { createDiskFormat } from './format.js';
export { encodeGpt, SECTOR_BYTES, type EncodedGpt, type GptPartition, type GptTable } from './gpt.js';
export { partitionTypeGuid, partitionTypeNames } from './partition-types.js';
export { layoutDisk, planLayout, type DiskLayout, type LayoutProblem, type PlacedPartition } from './partitions.js';
export { diskGuid, partitionIdentity, type PartitionIdentity } from './identity.js';
export { renderFstab } from './fstab.js';
export { fixExtTimes } from './ext-times.js';
export { diskError } from './errors.js';
