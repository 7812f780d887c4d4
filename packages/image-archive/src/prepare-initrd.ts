import type { ImageInput, TreeSession } from '@ict/plugin-api';

/** Bumped when {@link prepareInitrdTree} writes something else for equal input. */
export const PREPARE_VERSION = 1;

/** Writes an `/etc/fstab` without a root: that is in memory, and mounted when the system starts. */
export async function prepareInitrdTree(_input: Omit<ImageInput, 'tree'>, tree: TreeSession): Promise<void> {
  await tree.write('/etc/fstab', '# The root is in memory: nothing is mounted by this file.\n');
}
