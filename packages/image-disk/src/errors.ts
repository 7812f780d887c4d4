import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const diskError = defineErrors({
  ICT_DISK_LAYOUT: 'invalid',
  ICT_DISK_UNSUPPORTED: 'invalid',
  ICT_DISK_NO_SPACE: 'invalid',
  ICT_DISK_FAT_FILE: 'invalid',
  ICT_DISK_EXT_FILE: 'invalid',
  ICT_DISK_BTRFS_FILE: 'invalid',
  ICT_DISK_XFS_FILE: 'invalid',
  ICT_DISK_READ_ONLY_FILE: 'invalid',
  ICT_DISK_MOUNT_POINT: 'invalid',
  ICT_DISK_GROWTH: 'invalid',
  ICT_DISK_IMMUTABILITY: 'invalid',
  ICT_DISK_SIGNING_KEY: 'invalid',
  ICT_DISK_CONVERSION: 'command',
  ICT_DISK_FILESYSTEM: 'command',
});
