import { encodeTarHeader } from '@ict/archive';
import type { TreeRecord } from '@ict/plugin-api';
import { ArchiveLayout } from './archive-layout.js';

const BLOCK_BYTES = 512;

/**
 * A tree as a tar archive: a function of its records. ustar headers, with pax headers where a member has extended attributes or does not
 * fit. Members have the order of the records and begin with `./`; ids are numbers only.
 *
 * @see pax(1) of POSIX; `SCHILY.xattr.` of star(1) for extended attributes
 */
export function layOutTar(records: readonly TreeRecord[]): ArchiveLayout {
  const layout = new ArchiveLayout();
  for (const record of records) {
    // Layers keep no sockets.
    if (record.type === 'socket') continue;
    const { mode, uid, gid, mtimeSeconds, linkTarget, hardlinkOf, dev, xattrs } = record;
    const content = record.type === 'file' && hardlinkOf === undefined ? (record.sizeBytes ?? 0) : 0;
    const target = hardlinkOf === undefined ? linkTarget : `.${hardlinkOf}`;
    layout.add(
      encodeTarHeader({
        path: record.path === '/' ? '.' : `.${record.path}`,
        type: hardlinkOf === undefined ? record.type : 'hardlink',
        ...{ mode, uid, gid, mtimeSeconds, sizeBytes: content },
        ...(target === undefined ? {} : { linkTarget: target }),
        ...(dev === undefined ? {} : { devMajor: dev.major, devMinor: dev.minor }),
        ...(xattrs === undefined ? {} : { xattrs: decoded(xattrs) }),
      }),
    );
    layout.addContent(record.path, content);
    layout.align(BLOCK_BYTES);
  }
  layout.add(new Uint8Array(2 * BLOCK_BYTES));
  return layout;
}

function decoded(xattrs: Readonly<Record<string, string>>): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value, 'base64')]));
}
