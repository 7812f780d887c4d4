import type { BootDefinition } from './distribution.js';
import type { TreeSession } from './tree.js';

/** A kernel of a tree. The path is as the definition has it, before links are followed. */
export interface KernelFile {
  readonly version: string;
  readonly path: string;
}

/**
 * Kernels that the glob of a definition finds in a tree, oldest version first. Its `*` may stand in a file's name (`/boot/vmlinuz-*`) or be that of a directory
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
  return kernels.sort((a, b) => compareKernelVersions(a.version, b.version));
}

/**
 * Orders kernel versions: runs of digits by value, everything else by code unit, a longer version after its prefix.
 * A total order on distinct strings, so that the newest kernel does not depend on the order of a directory.
 *
 * @returns negative, zero or positive, ready for `sort`.
 */
export function compareKernelVersions(a: string, b: string): number {
  const left = a.match(/\d+|\D+/gu) ?? [];
  const right = b.match(/\d+|\D+/gu) ?? [];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = compareRuns(left[index] as string, right[index] as string);
    if (difference !== 0) return difference;
  }
  return left.length - right.length || byCodeUnit(a, b);
}

function compareRuns(a: string, b: string): number {
  if (!/^\d/u.test(a) || !/^\d/u.test(b)) return byCodeUnit(a, b);
  const [x, y] = [a.replace(/^0+/u, ''), b.replace(/^0+/u, '')];
  return x.length - y.length || byCodeUnit(x, y);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
