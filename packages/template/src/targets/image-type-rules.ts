import type { DiskSpec, PartitionSpec } from '@ict/plugin-api';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';

/**
 * Checks what only some image types may have: Windows brings kernel and disk of a `wsl2` image, which is a tar archive compressed with
 * gzip; growing the last partition takes a disk image that starts as it is written.
 *
 * @see compatibility with the Go Image Composer Tool: its rules of `wsl2` and of `extendLastPartitionToFillDisk`
 */
export function checkImageType({ template }: MergedTemplate, disk: DiskSpec, report: Report): void {
  const { imageType } = template.target;
  if (imageType === 'wsl2') {
    if (disk.partitions.length > 0) report('ICT_TEMPLATE_DISK', ['disk', 'partitions'], 'a wsl2 image has no partitions', 'Remove them.');
    if (template.systemConfig?.kernel !== undefined) {
      const hint = 'Windows brings the kernel: remove systemConfig.kernel.';
      report('ICT_TEMPLATE_DISK', ['systemConfig', 'kernel'], 'a wsl2 image has no kernel of its own', hint);
    }
    if (!disk.artifacts.some(({ type, compression }) => type === 'tar' && compression === 'gz')) {
      const hint = 'Add "- { type: tar, compression: gz }" under disk.artifacts.';
      report('ICT_TEMPLATE_DISK', ['disk', 'artifacts'], 'a wsl2 image needs an artifact of type tar with compression gz', hint);
    }
  }
  if (disk.growLastPartition === true) {
    const at: Path = ['disk', 'extendLastPartitionToFillDisk'];
    const refuse = (why: string, hint: string): void =>
      report('ICT_TEMPLATE_DISK', at, `the last partition cannot grow to fill the disk: ${why}`, hint);
    if (imageType !== 'raw') refuse(`the image type is ${imageType}`, 'Remove the key; it is for images of type raw.');
    if (template.systemConfig?.immutability?.enabled === true)
      refuse('the image is immutable', 'Remove the key, or set systemConfig.immutability.enabled: false.');
    const last = lastOf(disk.partitions);
    if (last !== undefined && last.mountPoint !== '/')
      refuse(`it is "${last.id}", which is not mounted at /`, 'Put the root partition at the end of the disk.');
  }
}

/** Image types of trees that are delivered without a disk. */
const DISKLESS: ReadonlySet<string> = new Set(['img', 'iso', 'wsl2']);
/** Those that nothing of the template's starts. */
export const WITHOUT_LOADER: ReadonlySet<string> = new Set(['img', 'wsl2']);

/** Warns of what is said of a disk where there is none, and of what is for installers where the image starts as it is written. */
export function warnOfDiskKeys({ template }: MergedTemplate, report: Report): void {
  const { imageType } = template.target;
  const diskless = DISKLESS.has(imageType);
  for (const key of ['path', 'selectionPolicy'] as const) {
    // What asks for an installer, the format of `iso` refuses.
    if (!template.disk?.[key] || imageType === 'iso' || (imageType !== 'raw' && !diskless)) continue;
    const message = `disk.${key} is for installers and has no effect on an image of type ${imageType}`;
    report('ICT_TEMPLATE_NO_EFFECT', ['disk', key], message);
  }
  if (!diskless) return;
  for (const key of ['size', 'partitionTableType'] as const) {
    if (template.disk?.[key] === undefined) continue;
    report('ICT_TEMPLATE_NO_EFFECT', ['disk', key], `disk.${key} has no effect: an image of type ${imageType} has no disk`);
  }
  if (template.systemConfig?.bootloader === undefined || !WITHOUT_LOADER.has(imageType)) return;
  const message = `systemConfig.bootloader has no effect: an image of type ${imageType} has no boot loader`;
  report('ICT_TEMPLATE_NO_EFFECT', ['systemConfig', 'bootloader'], message);
}

/** Warns of keys that sign what starts a disk, where Windows brings all that starts. */
export function warnOfSigningKeys({ template }: MergedTemplate, report: Report): void {
  const key = template.systemConfig?.immutability?.secureBootDBKey;
  if (template.target.imageType !== 'wsl2' || !key) return;
  const message = 'the keys that sign boot files have no effect: an image of type wsl2 has none';
  report('ICT_TEMPLATE_NO_EFFECT', ['systemConfig', 'immutability', 'secureBootDBKey'], message, 'Remove them.');
}

/** The partition that begins last; undefined when it is not known. */
function lastOf(partitions: readonly PartitionSpec[]): PartitionSpec | undefined {
  if (partitions.some(({ startBytes }) => Number.isNaN(startBytes))) return undefined;
  return [...partitions].sort((a, b) => a.startBytes - b.startBytes).at(-1);
}
