import type { Digest, DiskSpec, PartitionSpec } from '@ict/plugin-api';
import { diskError } from './errors.js';
import { filesystemOf, isSwap } from './filesystems.js';
import { mountedPartitions } from './mount-points.js';
import { partuuidOf } from './partuuid.js';

/**
 * Text of `/etc/fstab`: every mounted partition by PARTUUID, parents before children, then swap areas in the template's order.
 *
 * @param verifiedRoot device by which a verified root is read, and which nothing writes to: there `/tmp` is in memory, unless it has a partition.
 * @throws `ICT_DISK_LAYOUT` when a mounted partition has no filesystem.
 * @see fstab(5): white space and backslashes in fields are octal escapes
 */
export function renderFstab(disk: DiskSpec, seed: Digest, verifiedRoot?: string): string {
  const source = (spec: PartitionSpec): string => `PARTUUID=${partuuidOf(disk, seed, spec)}`;
  const mounted = mountedPartitions(disk.partitions);
  const mounts = mounted.map(({ spec, mountPoint }) => {
    const verified = mountPoint === '/' && verifiedRoot !== undefined;
    return [
      verified ? verifiedRoot : source(spec),
      escapeField(mountPoint),
      mountType(spec),
      escapeField(mountOptions(spec, verified)),
      '0',
      verified ? '0' : passOf(spec, mountPoint),
    ];
  });
  if (verifiedRoot !== undefined && !mounted.some(({ mountPoint }) => mountPoint === '/tmp')) mounts.push(TMP_IN_MEMORY);
  const swaps = disk.partitions
    .filter(isSwap)
    .map((spec) => [source(spec), 'none', mountType(spec), escapeField(optionsOf(spec, 'sw')), '0', '0']);
  return [
    ['# source', 'mount point', 'type', 'options', 'dump', 'pass'].join('\t'),
    ...[...mounts, ...swaps].map((fields) => fields.join('\t')),
    '',
  ].join('\n');
}

const TMP_IN_MEMORY: string[] = ['tmpfs', '/tmp', 'tmpfs', 'mode=1777,nosuid,nodev', '0', '0'];

function mountType(spec: PartitionSpec): string {
  const { mountType: type } = filesystemOf(spec);
  if (type !== undefined) return type;
  throw diskError('ICT_DISK_LAYOUT', {
    message: `partition "${spec.id}" has a mount point but no filesystem`,
    hint: 'Give it an fsType, or remove mountPoint.',
    facts: { partition: spec.id },
  });
}

/** Options of a partition for mount(8). Of what is never written there is `ro`, without which programs that remount or check it would try to. */
export function mountOptions(spec: PartitionSpec, isReadOnly = filesystemOf(spec).readOnly): string {
  if (!isReadOnly && !filesystemOf(spec).readOnly) return optionsOf(spec, 'defaults');
  const options = optionsOf(spec, 'ro');
  return options.split(',').includes('ro') ? options : `ro,${options}`;
}

/** When fsck(8) checks it. */
function passOf(spec: PartitionSpec, mountPoint: string): '0' | '1' | '2' {
  if (!filesystemOf(spec).checkedByFsck) return '0';
  return mountPoint === '/' ? '1' : '2';
}

/** @param usual what stands there when the template asks for nothing else. */
function optionsOf({ mountOptions = '' }: PartitionSpec, usual: string): string {
  return mountOptions === '' || mountOptions === 'defaults' ? usual : mountOptions;
}

function escapeField(text: string): string {
  return text.replaceAll(/[\s\\#]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  );
}
