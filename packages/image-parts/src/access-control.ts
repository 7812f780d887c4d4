const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
/** Tags of entries that name a user or a group. */
const NAMED: readonly number[] = [2, 8];
const NO_ID = 0xffff_ffff;

/** Whom an access control list is about, and what they may. */
export interface AccessEntry {
  readonly tag: number;
  readonly permissions: number;
  /** Says nothing where the tag names nobody. */
  readonly id: number;
}

/** Whether an entry with this tag is about a certain user or group. */
export function namesSomebody(tag: number): boolean {
  return NAMED.includes(tag);
}

/**
 * Reads an access control list as system calls give it.
 *
 * @returns undefined for what is none.
 * @see include/uapi/linux/posix_acl_xattr.h of the kernel
 */
export function decodeAccessControl(value: Buffer): readonly AccessEntry[] | undefined {
  const entriesBytes = value.length - HEADER_BYTES;
  if (entriesBytes < 0 || entriesBytes % ENTRY_BYTES !== 0 || value.readUInt32LE(0) !== VERSION) return undefined;
  return Array.from({ length: entriesBytes / ENTRY_BYTES }, (_none, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    return { tag: value.readUInt16LE(at), permissions: value.readUInt16LE(at + 2), id: value.readUInt32LE(at + 4) };
  });
}

/** An access control list as system calls give it, whatever form a filesystem has for it. */
export function encodeAccessControl(entries: Iterable<AccessEntry>): Buffer {
  const version = Buffer.alloc(HEADER_BYTES);
  version.writeUInt32LE(VERSION, 0);
  const encoded = Array.from(entries, ({ tag, permissions, id }) => {
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(permissions, 2);
    entry.writeUInt32LE(namesSomebody(tag) ? id : NO_ID, 4);
    return entry;
  });
  return Buffer.concat([version, ...encoded]);
}
