const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;

/**
 * The entries of an ACL as system calls give it: of each two bytes for whom it is, two for what they may, and four for the id of whom it names.
 *
 * @returns undefined for what is no ACL.
 * @see include/uapi/linux/posix_acl_xattr.h of the kernel
 */
export function aclEntries(value: Buffer): readonly Buffer[] | undefined {
  const entriesBytes = value.length - HEADER_BYTES;
  if (entriesBytes < 0 || entriesBytes % ENTRY_BYTES !== 0 || value.readUInt32LE(0) !== VERSION) return undefined;
  return Array.from({ length: entriesBytes / ENTRY_BYTES }, (_, index) => {
    const start = HEADER_BYTES + index * ENTRY_BYTES;
    return value.subarray(start, start + ENTRY_BYTES);
  });
}
