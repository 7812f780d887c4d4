import type { PackTarget, Packing, TreePath } from '@ict/plugin-api';

/** Packs contents of files into a disk image, as {@link TreeRunner.pack} does, for writers of filesystems. */
export type PackContents = (paths: readonly TreePath[], target: PackTarget) => Promise<Packing>;
