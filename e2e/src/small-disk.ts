/** `disk` of a template: an EFI partition and a root with nothing to spare, which is written in a second. */
export function smallDisk(name: string, size: string, rootType = 'ext4', partitionType = 'linux-root-amd64'): object {
  return {
    name,
    size,
    partitionTableType: 'gpt',
    artifacts: [{ type: 'raw' }],
    partitions: [
      { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' },
      { id: 'root', type: partitionType, fsType: rootType, fsLabel: 'root', start: '41MiB', end: '0', mountPoint: '/' },
    ],
  };
}
