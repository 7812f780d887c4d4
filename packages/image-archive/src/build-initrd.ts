import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findKernels, resolveTreeFile, storedBlob, type TreeFile } from '@ict/image-parts';
import type { BlobRef, BuildContext, Digest, FormatArtifact, ImageInput, StepRunner, TreeRecord } from '@ict/plugin-api';
import { buildArtifacts, type ArchiveKind } from './build-artifacts.js';
import { layOutCpio, lostAttributes } from './cpio-layout.js';
import { writeArchive } from './write-archive.js';

/** Bumped when the archive of an equal tree gets other bytes. */
export const INITRD_VERSION = 1;
/** Bumped when another file of an equal tree is taken for its kernel. */
export const KERNEL_VERSION = 1;
/** Bumped when the file of an equal command line gets other bytes. */
export const COMMAND_LINE_VERSION = 1;

const KIND: ArchiveKind = { step: 'initrd.compress', decompressor: 'linux', usual: { type: 'cpio', compression: 'gz' } };

/** An archive, and what of its tree is not in it. */
type StoredArchive = {
  readonly blob: { readonly kind: 'blob'; readonly digest: Digest; readonly sizeBytes: number };
  readonly lost: readonly { readonly path: string; readonly names: readonly string[] }[];
};

/** Makes the initrd of a prepared tree, with its kernel and the kernel's command line beside it. */
export async function buildInitrd(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const tree = input.tree.layers.map((layer) => layer.digest);
  const pattern = input.distribution.boot.kernel;
  const kernel = await storedBlob(steps, 'initrd.kernel', KERNEL_VERSION, { tree, kernel: pattern }, () => takeKernel(input, ctx));
  const { epochSeconds } = ctx;
  const { blob: plain, lost } = await steps.step<StoredArchive>('initrd.assemble', INITRD_VERSION, { tree, epochSeconds }, () =>
    assembleInitrd(input, ctx),
  );
  if (lost.length > 0) tellLost(lost, ctx);
  const artifacts = await buildArtifacts(plain, input.spec.disk.artifacts, KIND, steps, ctx);
  const { cmdline } = input.spec.system.kernel;
  // A step as well: a plan follows this function, and stores nothing.
  const commandLine = await storedBlob(steps, 'initrd.command-line', COMMAND_LINE_VERSION, { cmdline }, () =>
    ctx.blobs.putBytes(Buffer.from(`${cmdline}\n`)),
  );
  return [...artifacts, { extension: 'vmlinuz', blob: kernel }, { extension: 'cmdline', blob: commandLine }];
}

/** Copies the newest kernel of the tree. @throws `ICT_IMAGE_BOOT_FILES` when there is none. */
async function takeKernel({ tree, distribution }: ImageInput, ctx: BuildContext): Promise<BlobRef> {
  const file = await ctx.trees.inspect(tree, async (session): Promise<TreeFile> => {
    const [newest] = await findKernels(session, distribution.boot);
    const { path, version } = newest as NonNullable<typeof newest>;
    return resolveTreeFile(session, path, `kernel for Linux ${version}`, 'Install a kernel package.');
  });
  const directory = await mkdtemp(join(ctx.temporary, 'kernel-'));
  try {
    const target = join(directory, 'vmlinuz');
    await writeFile(target, Buffer.alloc(file.sizeBytes));
    await ctx.trees.place(tree, [{ path: file.path, offsetBytes: 0 }], target);
    return await ctx.blobs.putFile(target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @throws `ICT_IMAGE_BOOT_FILES` for a tree without an init; as {@link layOutCpio} does. */
async function assembleInitrd({ tree }: ImageInput, ctx: BuildContext): Promise<StoredArchive> {
  const records = await ctx.trees.records(tree);
  const ownInit = records.some(({ path }) => path === '/init');
  const hint = 'Install an init system, such as systemd-sysv (systemd on rpm distributions), or put a program at /init.';
  await ctx.trees.inspect(tree, (session) => resolveTreeFile(session, ownInit ? '/init' : '/sbin/init', 'init', hint));
  ctx.emit({ type: 'image.progress', artifact: 'cpio', action: 'write' });
  const blob = await writeArchive(layOutCpio(ownInit ? records : [...records, initLink(ctx.epochSeconds)]), tree, ctx);
  return { blob: { ...blob }, lost: lostAttributes(records) };
}

/** What the kernel starts: of an initrd it asks for `/init` alone. */
function initLink(epochSeconds: number): TreeRecord {
  return { path: '/init', type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtimeSeconds: epochSeconds, linkTarget: 'sbin/init' };
}

/** Paths that a warning names. */
const NAMED = 5;

function tellLost(lost: StoredArchive['lost'], ctx: BuildContext): void {
  const named = lost.slice(0, NAMED).map(({ path, names }) => `${path} (${names.join(', ')})`);
  const more = lost.length > NAMED ? `, and ${lost.length - NAMED} more` : '';
  ctx.emit({
    type: 'warning',
    code: 'ICT_IMAGE_ATTRIBUTES_LOST',
    message: `an initrd holds no extended attributes; lost are those of ${named.join(', ')}${more}`,
    hint: 'Set what the system needs when it starts, such as capabilities by setcap, or use imageType: raw.',
  });
}
