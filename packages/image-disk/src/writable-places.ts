import type { Digest, ImageSpec, PartitionSpec, TreePath } from '@ict/plugin-api';
import { partitionIdentity } from '@ict/image-parts';
import { filesystemOf } from './filesystems.js';
import { isBelow, mountPointOf } from './mount-points.js';
import { mountOptions } from './fstab.js';

/** The program that the kernel starts in place of systemd, which it then becomes. Where policies of SELinux expect programs. */
export const WRITABLE_PLACES: TreePath = '/usr/libexec/ict-writable-places';

/** What a running system writes to, `/etc` apart, which is the only one that a later image changes under what was written. */
const PLACES: readonly TreePath[] = ['/var', '/home', '/root', '/srv'];

/** No room of the system itself: what starts it, what it consists of, and what is gone with the next start. */
const NO_ROOM: readonly TreePath[] = ['/boot', '/efi', '/usr', '/tmp', '/run'];

/**
 * The partition that keeps what an immutable system writes beside its partitions: that of `/var`, of `/opt`, or the first other one that may be
 * written to. Undefined when there is none: then it is kept in memory.
 */
export function statePartition({ disk }: Pick<ImageSpec, 'disk'>): PartitionSpec | undefined {
  const fit = disk.partitions.filter((partition) => {
    const mountPoint = mountPointOf(partition);
    if (mountPoint === undefined || mountPoint === '/' || NO_ROOM.some((place) => isBelow(mountPoint, place))) return false;
    const { content, readOnly } = filesystemOf(partition);
    return content === 'tree' && !readOnly && !(partition.mountOptions ?? '').split(',').includes('ro');
  });
  const at = (mountPoint: string): PartitionSpec | undefined => fit.find((partition) => mountPointOf(partition) === mountPoint);
  return at('/var') ?? at('/opt') ?? fit[0];
}

/**
 * Text of the program. It runs as process 1, when the initrd has mounted the root, makes writable what has no partition of its own, and starts systemd.
 * So systemd finds `/etc` as it was left: units that are switched on, machine-id, passwords.
 *
 * On a partition, `/etc` is an overlay, so that another image brings its own, and the other places are directories that the first start fills,
 * so that what needs a real filesystem below it (overlays of containers, databases) has one. In memory all are overlays.
 *
 * @see Documentation/filesystems/overlayfs.rst of Linux
 */
export function renderWritablePlaces({ disk }: Pick<ImageSpec, 'disk'>, seed: Digest): string {
  const mounted = new Set(disk.partitions.map(mountPointOf));
  const places = PLACES.filter((place) => !mounted.has(place)).map((place) => place.slice(1));
  const state = statePartition({ disk });
  const open = state === undefined ? 'mount -t tmpfs -o mode=0755 ict-memory "$room"' : openPartition(state, seed);
  const [overlays, kept] = state === undefined ? [['etc', ...places], []] : [['etc'], places];
  return `#!/bin/sh
# Makes the places writable that a system writes to, while / itself never is, and becomes systemd.
room=/run/ict

# What is written covers what the image has.
overlay() {
  if [ ! -d "$1.upper" ]; then
    mkdir -p "$1.new"
    chown --reference="/$1" "$1.new"
    chmod --reference="/$1" "$1.new"
    mv "$1.new" "$1.upper"
  fi
  mkdir -p "$1.work"
  mount -t overlay -o "lowerdir=/$1,upperdir=$PWD/$1.upper,workdir=$PWD/$1.work" overlay "/$1"
}

# A directory of the partition, which gets what the image has at the first start.
keep() {
  if [ ! -d "$1" ]; then
    rm -rf "$1.new"
    cp -a "/$1" "$1.new"
    sync
    mv "$1.new" "$1"
  fi
  mount --bind "$1" "/$1"
}

(
  set -eu
  PATH=/usr/sbin:/usr/bin:/sbin:/bin
  mkdir -p "$room"
  tries=0
  until ${open}; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ]
    sleep 1
  done
  mkdir -p -m 0700 "$room/.ict"
  cd "$room/.ict"
${[...overlays.map((place) => `  overlay ${place}`), ...kept.map((place) => `  keep ${place}`)].join('\n')}
  cd /
  umount "$room"
  rmdir "$room"
)
if [ $? -ne 0 ]; then echo 'image-composer-tool: not all places could be made writable' > /dev/kmsg; fi
exec /sbin/init "$@"
`;
}

/** Checks a filesystem, where the image has the program for that, and mounts it. */
function openPartition(partition: PartitionSpec, seed: Digest): string {
  const type = filesystemOf(partition).mountType ?? 'auto';
  const source = `PARTUUID=${partitionIdentity(seed, partition.id).partitionUuid}`;
  const check = `{ [ ! -x /sbin/fsck.${type} ] || fsck -T -a ${source} || [ $? -lt 4 ]; }`;
  return `${check} && mount -t ${type} -o ${quote(mountOptions(partition))} ${source} "$room"`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
