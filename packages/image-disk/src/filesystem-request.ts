import type { TreePath, TreeRef } from '@ict/plugin-api';
import type { PartitionIdentity } from '@ict/image-parts';

/** Which filesystem is written, and where in the disk image. */
export interface FilesystemRequest {
  /** Partition id, for messages. */
  readonly partition: string;
  readonly identity: PartitionIdentity;
  readonly label?: string;
  /** The tree that its files come from. */
  readonly tree: TreeRef;
  /** Host directory and name of the disk image, which holds zeros where the filesystem goes. */
  readonly directory: string;
  readonly file: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** One that holds whatever a tree does. */
export interface TreeFilesystemRequest extends FilesystemRequest {
  /** The part of the tree that becomes the filesystem. */
  readonly root: TreePath;
}
