/** What a member of a tar archive is. A `hardlink` names an earlier member of the same archive. */
export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** A member of a tar archive without its content. */
export interface TarHeader {
  /** As the archive has it (`./usr/bin/dash`), but without slashes at the end. Not yet safe to use: see `extractTree`. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: at most 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of `content`: 0 for all but files, the full size for a sparse file. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970; fractions in the archive are rounded down. */
  readonly mtimeSeconds: number;
  /** Of a symlink, its text; of a hardlink, the path of the member that it joins. */
  readonly linkTarget?: string;
  /** Of a character or block device. */
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Extended attributes by name (`security.capability`), raw bytes. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/** A member with its content, which can be read once, before the next entry is asked for. What is not read is passed over. */
export interface TarEntry extends TarHeader {
  readonly content: AsyncIterable<Uint8Array>;
}
