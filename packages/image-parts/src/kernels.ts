import { kernelsOf } from '@ict/plugin-api';
import type { BootDefinition, KernelFile, TreeEntry, TreeSession } from '@ict/plugin-api';
import { imageError } from './errors.js';

/** A kernel of a tree. Paths are the definition's own, before links are followed. */
export interface Kernel extends KernelFile {
  readonly initrd: string;
}

/** A plain file of a tree. */
export interface TreeFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Kernels that the definition's glob finds in a tree, newest first.
 *
 * @throws `ICT_IMAGE_BOOT_FILES` when there is none.
 */
export async function findKernels(tree: TreeSession, boot: BootDefinition): Promise<readonly Kernel[]> {
  const kernels = (await kernelsOf(tree, boot)).map(({ version, path }): Kernel => {
    return { version, path, initrd: boot.initrd.replaceAll('${kernelVersion}', version) };
  });
  if (kernels.length === 0) {
    throw imageError('ICT_IMAGE_BOOT_FILES', {
      message: `the image has no kernel: nothing in its tree matches ${boot.kernel}`,
      hint: 'Add a kernel package under systemConfig.kernel.packages.',
      facts: { glob: boot.kernel },
    });
  }
  return kernels.reverse();
}

/**
 * The plain file that a path of a tree leads to, with every symbolic link followed inside the tree.
 *
 * @throws `ICT_IMAGE_BOOT_FILES` when it leads to nothing or to something else; `what` names it in the message.
 */
export async function resolveTreeFile(tree: TreeSession, path: string, what: string, hint: string): Promise<TreeFile> {
  const found = await follow(tree, path);
  if (found?.type === 'file') return { path: found.path, sizeBytes: found.sizeBytes };
  throw imageError('ICT_IMAGE_BOOT_FILES', {
    message: `the image has no ${what}: ${path} is not a file of its tree`,
    hint,
    facts: { path },
  });
}

/** What lies at `path`, under its real path. Undefined when nothing does, or links go round in a circle. */
async function follow(tree: TreeSession, path: string): Promise<TreeEntry | undefined> {
  let pending = path.split('/').filter(Boolean);
  let real: string[] = [];
  let entry: TreeEntry | undefined;
  for (let links = 0; pending.length > 0; ) {
    const [next, ...rest] = pending as [string, ...string[]];
    pending = rest;
    if (next === '.') continue;
    if (next === '..') {
      real = real.slice(0, -1);
      continue;
    }
    entry = await tree.stat(`/${[...real, next].join('/')}`);
    if (entry === undefined) return undefined;
    if (entry.type !== 'symlink') {
      real = [...real, next];
      continue;
    }
    if (++links > 40 || entry.linkTarget === undefined) return undefined;
    if (entry.linkTarget.startsWith('/')) real = [];
    pending = [...entry.linkTarget.split('/').filter(Boolean), ...pending];
  }
  return entry === undefined ? undefined : { ...entry, path: `/${real.join('/')}` };
}
