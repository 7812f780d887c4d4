import type { DistributionDefinition, ImageSpec, PartitionSpec, RequiredPackage, TreePath, TreeSession } from '@ict/plugin-api';
import { positionOf } from '@ict/image-parts';
import { diskError } from './errors.js';
import { filesystemOf, type FilesystemWriting } from './filesystems.js';
import { renderGrowthScript, renderGrowthUnit, type GrowingFamily } from './growth-script.js';
import { mountPointOf } from './mount-points.js';

/** Place of the wish in a template. */
export const GROWTH_KEY = 'disk.extendLastPartitionToFillDisk';

// Where policies of SELinux expect programs.
const SCRIPT: TreePath = '/usr/libexec/ict-grow-root';
const UNIT = 'ict-grow-root.service';
const UNITS: TreePath = '/etc/systemd/system';
const TARGET = 'sysinit.target';

/** What has to be in a tree, by the places where it may be. */
const NEEDED: Readonly<Record<string, readonly TreePath[]>> = {
  systemd: ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'],
  sfdisk: ['/usr/sbin/sfdisk', '/sbin/sfdisk', '/usr/bin/sfdisk'],
  partx: ['/usr/bin/partx', '/bin/partx', '/usr/sbin/partx', '/sbin/partx'],
};

const BY_SYSTEMD: typeof NEEDED = { 'systemd-growfs': ['/usr/lib/systemd/systemd-growfs', '/lib/systemd/systemd-growfs'] };

/** The same of the program for a filesystem. */
const NEEDED_BY: Readonly<Record<GrowingFamily, typeof NEEDED>> = {
  ext: { resize2fs: ['/usr/sbin/resize2fs', '/sbin/resize2fs', '/usr/bin/resize2fs'] },
  btrfs: BY_SYSTEMD,
  xfs: BY_SYSTEMD,
};

function isGrowing(family: FilesystemWriting['family']): family is GrowingFamily {
  return Object.hasOwn(NEEDED_BY, family);
}

/** True when the root is to take what the disk has behind it. */
export function grows({ disk }: Pick<ImageSpec, 'disk'>): boolean {
  return disk.growLastPartition === true;
}

/** Packages by which an image grows, with the line that asks for it; none for one that keeps its size. */
export function growthPackages(spec: ImageSpec, { boot }: DistributionDefinition): readonly RequiredPackage[] {
  if (!grows(spec)) return [];
  const position = positionOf(spec, GROWTH_KEY);
  return (boot.growthPackages ?? []).map((name) => ({ name, reason: 'growth', ...(position === undefined ? {} : { position }) }));
}

/** Why the last partition cannot grow when the system starts, and what to do; undefined when it can. */
export function growthProblem(partitions: readonly PartitionSpec[]): { readonly message: string; readonly hint: string } | undefined {
  if (partitions.some(({ startBytes }) => Number.isNaN(startBytes))) return undefined;
  const last = [...partitions].sort((a, b) => a.startBytes - b.startBytes).at(-1);
  if (last === undefined) return undefined;
  if (mountPointOf(last) !== '/') {
    const message = `the last partition cannot grow to fill the disk: it is "${last.id}", which is not mounted at /`;
    return { message, hint: 'Put the root partition at the end of the disk.' };
  }
  const { family } = filesystemOf(last).writing;
  if (!isGrowing(family)) {
    const message = `the last partition cannot grow to fill the disk: nothing enlarges the filesystem ${last.filesystem} when the system starts`;
    return { message, hint: 'Use ext4, btrfs or xfs.' };
  }
  const mode = (last.mountOptions ?? '').split(',').findLast((option) => option === 'ro' || option === 'rw');
  if (mode !== 'ro') return undefined;
  const message = 'the last partition cannot grow to fill the disk: it is mounted read-only, and Linux enlarges what may be written to';
  return { message, hint: `Remove "ro" from its mountOptions, or remove ${GROWTH_KEY}.` };
}

/**
 * Writes what enlarges the root at each start, and switches it on.
 *
 * @throws `ICT_DISK_GROWTH` when the tree has not the programs for it.
 */
export async function prepareGrowth({ disk }: Pick<ImageSpec, 'disk'>, tree: TreeSession): Promise<void> {
  const root = disk.partitions.find((partition) => mountPointOf(partition) === '/');
  const family = root === undefined ? 'empty' : filesystemOf(root).writing.family;
  if (!isGrowing(family)) return; // refused by the format's check
  for (const [program, places] of Object.entries({ ...NEEDED, ...NEEDED_BY[family] })) {
    const found = await Promise.all(places.map((place) => tree.stat(place)));
    if (found.every((entry) => entry === undefined)) throw missing(program);
  }
  await tree.write(SCRIPT, renderGrowthScript(family, { table: disk.partitionTable }), { mode: 0o755 });
  await tree.write(`${UNITS}/${UNIT}`, renderGrowthUnit(SCRIPT, TARGET));
  await tree.symlink(`${UNITS}/${UNIT}`, `${UNITS}/${TARGET}.wants/${UNIT}`);
}

function missing(program: string): Error {
  return diskError('ICT_DISK_GROWTH', {
    message: `the last partition cannot grow when the system starts: the image has no ${program}`,
    hint: `Add the package that brings it to systemConfig.packages, or remove ${GROWTH_KEY}.`,
    facts: { program },
  });
}
