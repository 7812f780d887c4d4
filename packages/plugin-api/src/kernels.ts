import type { BootDefinition } from './distribution.js';
import type { TreeSession } from './tree.js';

/** A kernel of a tree. The path is as the definition has it, before links are followed. */
export interface KernelFile {
  readonly version: string;
  readonly path: string;
}

/**
 * Kernels that the glob of a definition finds in a tree, by name. Its `*` may stand in a file's name (`/boot/vmlinuz-*`) or be that of a directory
 * (below `/lib/modules`, say), which counts when the rest of the path is there.
 */
export async function kernelsOf(
  tree: Pick<TreeSession, 'list' | 'stat'>,
  { kernel }: Pick<BootDefinition, 'kernel'>,
): Promise<readonly KernelFile[]> {
  const star = kernel.indexOf('*');
  const directory = kernel.slice(0, kernel.lastIndexOf('/', star));
  const prefix = kernel.slice(directory.length + 1, star);
  const tail = kernel.slice(star + 1);
  const slash = tail.indexOf('/');
  const suffix = slash < 0 ? tail : tail.slice(0, slash);
  const rest = slash < 0 ? '' : tail.slice(slash);
  const kernels: KernelFile[] = [];
  for (const entry of await tree.list(directory === '' ? '/' : directory)) {
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    if (!name.startsWith(prefix) || !name.endsWith(suffix) || name.length <= prefix.length + suffix.length) continue;
    const path = `${directory}/${name}${rest}`;
    if (rest !== '' && (await tree.stat(path)) === undefined) continue;
    kernels.push({ version: name.slice(prefix.length, name.length - suffix.length), path });
  }
  return kernels;
}
