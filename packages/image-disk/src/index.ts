export { createDiskFormat } from './format.js';
export { partitionTypeGuid, partitionTypeNames } from './partition-types.js';
export { layoutDisk, planLayout, type DiskLayout, type LayoutProblem, type PlacedPartition } from './partitions.js';
export { renderFstab } from './fstab.js';
export { fixExtTimes } from './ext-times.js';
export { diskError } from './errors.js';
