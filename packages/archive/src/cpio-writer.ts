import type { CpioEntry } from './cpio.js';
import { archiveError } from './errors.js';

/** Header of a member in the new ASCII form, but for its name. `mode` has type and permission bits. */
export type CpioHeader = Pick<
  CpioEntry,
  'mode' | 'uid' | 'gid' | 'links' | 'mtimeSeconds' | 'inode' | 'rdevMajor' | 'rdevMinor' | 'sizeBytes'
> & {
  /** Relative, without `./` at its start; `.` for the root. */
  readonly name: string;
};

/** Members and contents begin at multiples of this, in bytes from the start of the archive. */
export const CPIO_ALIGNMENT = 4;
/** The largest content that the form can say. */
export const CPIO_MAX_FILE_BYTES = 0xffff_ffff;
/** What Linux reads of a name, its NUL included (PATH_MAX); it leaves out members with longer ones in silence. */
const MAX_NAME_BYTES = 4096;

const TRAILER = 'TRAILER!!!';

/**
 * A member's header with its name, padded so that content may follow; for a place that is a multiple of {@link CPIO_ALIGNMENT}. Times before
 * 1970 are written as 1970: the form has no sign. Names of one file have the same inode and number of links, and the last of them has the
 * content.
 *
 * @throws `ICT_ARCHIVE_ENTRY` for what the form cannot say.
 * @see cpio(5), and Documentation/driver-api/early-userspace/buffer-format.rst of the kernel
 */
export function encodeCpioHeader(header: CpioHeader): Buffer {
  if (header.name === TRAILER) throw badEntry(header.name, 'the name ends an archive');
  return encode(header);
}

/** What ends an archive. */
export function encodeCpioTrailer(): Buffer {
  const nothing = { mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, inode: 0, rdevMajor: 0, rdevMinor: 0, sizeBytes: 0 };
  return encode({ name: TRAILER, links: 1, ...nothing });
}

function encode({ name, mode, uid, gid, links, mtimeSeconds, inode, rdevMajor, rdevMinor, sizeBytes }: CpioHeader): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  if (name === '' || name.startsWith('/') || name.includes('\0') || !name.isWellFormed()) {
    throw badEntry(name, 'its name is empty, absolute or no proper text');
  }
  if (nameBytes.length > MAX_NAME_BYTES) throw badEntry(name, `its name is longer than ${MAX_NAME_BYTES - 1} bytes`);
  const fields = [inode, mode, uid, gid, links, Math.max(0, mtimeSeconds), sizeBytes, 0, 0, rdevMajor, rdevMinor, nameBytes.length, 0];
  if (fields.some((value) => !Number.isSafeInteger(value) || value < 0 || value > 0xffff_ffff)) {
    throw badEntry(name, 'one of its numbers does not fit into 32 bits');
  }
  const digits = fields.map((value) => value.toString(16).toUpperCase().padStart(8, '0')).join('');
  const used = 6 + digits.length + nameBytes.length;
  const padding = Buffer.alloc((CPIO_ALIGNMENT - (used % CPIO_ALIGNMENT)) % CPIO_ALIGNMENT);
  return Buffer.concat([Buffer.from(`070701${digits}`), nameBytes, padding]);
}

function badEntry(name: string, reason: string): Error {
  return archiveError('ICT_ARCHIVE_ENTRY', {
    message: `"${name}" cannot be written into a cpio archive: ${reason}`,
    hint: 'This is a mistake of the program that made the entry.',
    facts: { path: name, reason },
  });
}
