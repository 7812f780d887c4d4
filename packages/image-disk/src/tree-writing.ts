import type { PackTarget, Packing, TreePath, TreeRecord } from '@ict/plugin-api';

/** Packs contents of files into a disk image, as {@link TreeRunner.pack} does. */
export type PackContents = (paths: readonly TreePath[], target: PackTarget) => Promise<Packing>;

/** What every writer of a filesystem is given of a tree, and where its bytes go. */
export interface TreeWriting {
  /** Empty for none; no longer than the filesystem allows. */
  readonly label: string;
  /** Latest time of a file, and that of the filesystem, seconds since 1970. */
  readonly epochSeconds: number;
  /** The whole tree, as {@link TreeRunner.records} gives it; what lies below `root` becomes the filesystem. */
  readonly records: readonly TreeRecord[];
  readonly root: TreePath;
  /** An existing file with zeros where the filesystem goes. */
  readonly file: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * `full`: the files do not fit, and what was written means nothing. `refused`: nothing was written, because the filesystem has no form for
 * something in the tree.
 */
export type TreeWritten =
  | { readonly kind: 'written' }
  | { readonly kind: 'full'; readonly neededBytes: number; readonly files: number }
  /** `reason` follows the path. */
  | { readonly kind: 'refused'; readonly path: string; readonly reason: string };
