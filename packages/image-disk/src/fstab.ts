import type { Digest, DiskSpec, PartitionSpec } from '@ict/plugin-api';
import { partitionIdentity } from '@ict/image-parts';
import { diskError } from './errors.js';
import { filesystemOf, isSwap } from './filesystems.js';
import { mountedPartitions } from './mount-points.js';

/**
 * Text of `/etc/fstab`: every mounted partition by PARTUUID, parents before children, then swap areas in the template's order.
 *
 * @throws `ICT_DISK_LAYOUT` when a mounted partition has no filesystem.
 * @see fstab(5): white space and backslashes in fields are octal escapes
 */
export function renderFstab(disk: DiskSpec, seed: Digest): string {
  const source = (spec: PartitionSpec): string => `PARTUUID=${partitionIdentity(seed, spec.id).partitionUuid}`;
  const mounts = mountedPartitions(disk.partitions).map(({ spec, mountPoint }) => [
    source(spec),
    escapeField(mountPoint),
    mountType(spec),
    escapeField(optionsOf(spec, 'defaults')),
    '0',
    mountPoint === '/' ? '1' : '2',
  ]);
  const swaps = disk.partitions
    .filter(isSwap)
    .map((spec) => [source(spec), 'none', mountType(spec), escapeField(optionsOf(spec, 'sw')), '0', '0']);
  return [
    ['# source', 'mount point', 'type', 'options', 'dump', 'pass'].join('\t'),
    ...[...mounts, ...swaps].map((fields) => fields.join('\t')),
    '',
  ].join('\n');
}

function mountType(spec: PartitionSpec): string {
  const { mountType: type } = filesystemOf(spec);
  if (type !== undefined) return type;
  throw diskError('ICT_DISK_LAYOUT', {
    message: `partition "${spec.id}" has a mount point but no filesystem`,
    hint: 'Give it an fsType, or remove mountPoint.',
    facts: { partition: spec.id },
  });
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
