export type { BootConfiguration, BootEntry } from './boot-configuration.js';
export { compareImages, type FileAspect, type FileDifference, type ImageComparison, type ValueDifference } from './compare-images.js';
export { inspectError } from './errors.js';
export type { FileEntry, FilesystemSummary, OpenedFilesystem, ReadableFilesystem } from './filesystems/filesystem.js';
export { inspectImage, withImage, type ImageReport, type OpenedImage, type PartitionReport } from './inspect-image.js';
export type { Partition, PartitionTable } from './partition-table.js';
export type { SystemSummary } from './system-summary.js';
