import { CPIO_ALIGNMENT, CPIO_MAX_FILE_BYTES, encodeCpioHeader, encodeCpioTrailer } from '@ict/archive';
import { FILE_TYPE_BITS } from '@ict/image-parts';
import type { TreeRecord } from '@ict/plugin-api';
import { ArchiveLayout } from './archive-layout.js';
import { archiveImageError } from './errors.js';

/** Archives end at a multiple of this, as GNU cpio writes them; another one may follow. */
const BLOCK_BYTES = 512;
/** PATH_MAX of Linux, without the NUL. */
const MAX_NAME_BYTES = 4095;

/**
 * A tree as a cpio archive in the new ASCII form: a function of its records. Members have the order of the records; inodes are counted. Of
 * the names of one file the last has the content. A symbolic link with several names becomes as many links, as Linux makes no hard links
 * of them.
 *
 * @throws `ICT_IMAGE_NAME` for a name that is too long; `ICT_IMAGE_FILE_TOO_LARGE` for a file of 4 GiB or more.
 */
export function layOutCpio(records: readonly TreeRecord[]): ArchiveLayout {
  const layout = new ArchiveLayout();
  const files = new Map(records.filter(({ hardlinkOf }) => hardlinkOf === undefined).map((record) => [record.path, record]));
  const names = namesOf(records);
  const inodes = new Map<string, number>();
  let lastInode = 0;
  for (const record of records) {
    const first = files.get(record.hardlinkOf ?? record.path) as TreeRecord;
    const own = names.get(first.path) as readonly string[];
    const shared = own.length > 1 && record.type !== 'symlink';
    const inode = (shared ? inodes.get(first.path) : undefined) ?? ++lastInode;
    if (shared) inodes.set(first.path, inode);
    const target = record.type === 'symlink' ? Buffer.from(first.linkTarget ?? '') : undefined;
    const content = record.type === 'file' && own.at(-1) === record.path ? (first.sizeBytes ?? 0) : 0;
    requireSize(record, content);
    layout.add(
      encodeCpioHeader({
        name: nameOf(record),
        mode: FILE_TYPE_BITS[record.type] | record.mode,
        uid: record.uid,
        gid: record.gid,
        links: record.type === 'directory' ? 2 : shared ? own.length : 1,
        mtimeSeconds: record.mtimeSeconds,
        inode,
        rdevMajor: first.dev?.major ?? 0,
        rdevMinor: first.dev?.minor ?? 0,
        sizeBytes: target?.length ?? content,
      }),
    );
    if (target !== undefined) layout.add(target);
    // Every name of a file leads to its content; the first is the one that records give a size.
    else layout.addContent(first.path, content);
    layout.align(CPIO_ALIGNMENT);
  }
  layout.add(encodeCpioTrailer());
  layout.align(BLOCK_BYTES);
  return layout;
}

/** By the first name of each file: all its names, in the order of the records. */
function namesOf(records: readonly TreeRecord[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { path, hardlinkOf } of records) {
    const own = names.get(hardlinkOf ?? path);
    if (own === undefined) names.set(hardlinkOf ?? path, [path]);
    else own.push(path);
  }
  return names;
}

function nameOf(record: TreeRecord): string {
  const name = record.path === '/' ? '.' : record.path.slice(1);
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  throw archiveImageError('ICT_IMAGE_NAME', {
    message: `${name.slice(0, 60)}... cannot be put into an initrd: Linux passes over names of more than ${MAX_NAME_BYTES} bytes`,
    hint: 'Shorten the path, or remove the file in systemConfig.configurations.',
    facts: { path: record.path },
  });
}

function requireSize({ path }: TreeRecord, sizeBytes: number): void {
  if (sizeBytes <= CPIO_MAX_FILE_BYTES) return;
  throw archiveImageError('ICT_IMAGE_FILE_TOO_LARGE', {
    message: `${path} cannot be put into an initrd: it has ${sizeBytes} bytes, and a cpio archive holds files of less than 4 GiB`,
    hint: 'Remove the file in systemConfig.configurations, or use imageType: raw.',
    facts: { path, sizeBytes, maxBytes: CPIO_MAX_FILE_BYTES },
  });
}

/** What a cpio archive does not carry of a tree: extended attributes, by path. */
export function lostAttributes(records: readonly TreeRecord[]): readonly { readonly path: string; readonly names: readonly string[] }[] {
  return records.flatMap(({ path, xattrs = {} }) => {
    const names = Object.keys(xattrs).sort();
    return names.length === 0 ? [] : [{ path, names }];
  });
}
