import { MBR_SECTORS } from '@ict/image-parts';
import type { DiskSpec, TreePath } from '@ict/plugin-api';

/** Where the script finds what the kernel shows. */
export interface KernelPlaces {
  /** The mounts of the process that reads it. */
  readonly mounts: string;
  /** By numbers of devices, `8:2`: a link to the directory of each. */
  readonly devices: string;
  readonly nodes: string;
  /** Directories of devices, by name. */
  readonly names: string;
}

/** What is on the partition that grows. */
export type GrowingFamily = 'ext' | 'btrfs' | 'xfs';

const PLACES: KernelPlaces = { mounts: '/proc/self/mountinfo', devices: '/sys/dev/block', nodes: '/dev', names: '/sys/class/block' };

/**
 * What a change must be worth, in the sectors of 512 bytes that the kernel counts in: a MiB, beside the room that the backup of the partition
 * table and rounding to whole MiB take. Less than that is behind every partition that has grown.
 */
const LEAST_ROOM = 4096;

/** By the kind of table: lines that bring the disk down to what it reaches, and what sfdisk is asked for. In an MBR its `+` counts anew from 0 behind 2 TiB. */
const TABLES: Readonly<Record<DiskSpec['partitionTable'], { readonly reach: string; readonly wish: string }>> = {
  gpt: { reach: '', wish: "', +'" },
  mbr: {
    reach: `# The table reaches 2 TiB.\nif [ "$sectors" -gt ${MBR_SECTORS} ]; then sectors=${MBR_SECTORS}; fi\n`,
    wish: '", $((sectors - start))"',
  },
};

/**
 * Text of a program for the tree's shell that enlarges the partition of `/` to the end of its disk, and the filesystem on it: an ext by resize2fs, a
 * btrfs or an xfs by the program of systemd. sfdisk moves the backup of the table with it, and never a start; a partition that something lies behind keeps its size. partx tells the kernel, which does not
 * read the table of a disk in use again, as sfdisk would ask it to.
 *
 * The filesystem is looked at each time: a start that was cut short between the two is made up for by the next one.
 *
 * @see proc_pid_mountinfo(5), sfdisk(8), partx(8), resize2fs(8), systemd-growfs@.service(8)
 */
export function renderGrowthScript(
  family: GrowingFamily,
  { table = 'gpt', places = PLACES }: { readonly table?: DiskSpec['partitionTable']; readonly places?: KernelPlaces } = {},
): string {
  const { devices, nodes } = places;
  const { reach, wish } = TABLES[table];
  return `#!/bin/sh
# Enlarges the partition of / to the end of its disk, and the filesystem on it.
# What already fills its place stays as it is, so that every start may run this.
set -eu

device=none
${findDevice(family, places)}
if [ ! -e "${devices}/$device/partition" ]; then
  echo 'The root is on no partition that could grow.'
  exit 0
fi
cd -P "${devices}/$device"
name=\${PWD##*/}
read -r number < partition
read -r start < start
read -r size < size
cd -P ..
disk=\${PWD##*/}
read -r sectors < size
${reach}
behind=$((sectors - start - size))
for other in */start; do
  read -r at < "$other"
  if [ "$at" -gt "$start" ]; then behind=0; fi
done
if [ "$behind" -ge ${LEAST_ROOM} ]; then
  echo ${wish} | sfdisk --lock --no-reread --no-tell-kernel --force --wipe never --wipe-partitions never -N "$number" "${nodes}/$disk"
  partx --update --nr "$number" "${nodes}/$disk"
  read -r now < "$name/size"
  if [ "$now" -le "$size" ]; then
    echo "The partition table has the new size of $name, and the kernel will know it when it starts again." >&2
    exit 1
  fi
fi
${family === 'ext' ? `resize2fs "${nodes}/$name"` : 'PATH=$PATH:/usr/lib/systemd:/lib/systemd\nsystemd-growfs /'}
`;
}

/** A btrfs has a number of its own in the list of mounts, and its partition is found by the name of the node. */
function findDevice(family: GrowingFamily, { mounts, names }: KernelPlaces): string {
  if (family !== 'btrfs')
    return `while read -r _ _ numbers _ place _; do
  if [ "$place" = / ]; then device=$numbers; fi
done < ${mounts}`;
  return `node=none
while read -r _ _ _ _ place rest; do
  if [ "$place" = / ]; then
    node=\${rest##* - btrfs }
    node=\${node%% *}
  fi
done < ${mounts}
if [ -e "${names}/\${node##*/}/dev" ]; then read -r device < "${names}/\${node##*/}/dev"; fi`;
}

/** Text of the unit that runs the script before what `target` stands for is reached, when the root may be written to. */
export function renderGrowthUnit(script: TreePath, target: string): string {
  return `[Unit]
Description=Enlarge the root to the end of its disk
DefaultDependencies=no
ConditionVirtualization=!container
ConditionPathIsReadWrite=/
After=systemd-remount-fs.service
Before=${target} shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${script}

[Install]
WantedBy=${target}
`;
}
