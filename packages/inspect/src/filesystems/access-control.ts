const SHOWN_VERSION = 2;
/** Of entries that name a user or a group. */
const WITH_ID: readonly number[] = [2, 8];
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
  return WITH_ID.includes(tag);
}

/** An access control list as the kernel shows it, whatever form a filesystem has for it. @see include/uapi/linux/posix_acl_xattr.h of the kernel */
export function shownAccessControl(entries: Iterable<AccessEntry>): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt32LE(SHOWN_VERSION, 0);
  const shown = Array.from(entries, ({ tag, permissions, id }) => {
    const entry = Buffer.alloc(8);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(permissions, 2);
    entry.writeUInt32LE(namesSomebody(tag) ? id : NO_ID, 4);
    return entry;
  });
  return Buffer.concat([version, ...shown]);
}
