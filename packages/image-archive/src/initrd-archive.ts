import { isStoredBlob, resolveTreeFile } from '@ict/image-parts';
import type { ArtifactSpec, BuildContext, Digest, FormatArtifact, ImageInput, Json, StepRunner, TreeRecord } from '@ict/plugin-api';
import { buildArtifacts, type ArchiveKind } from './build-artifacts.js';
import { layOutCpio, lostAttributes } from './cpio-layout.js';
import { writeArchive } from './write-archive.js';

/** Bumped when the archive of an equal tree gets other bytes. */
export const INITRD_VERSION = 1;

const KIND: ArchiveKind = { step: 'initrd.compress', decompressor: 'linux', usual: { type: 'cpio', compression: 'gz' } };

/** An archive, and what of its tree is not in it. */
type StoredArchive = {
  readonly blob: { readonly kind: 'blob'; readonly digest: Digest; readonly sizeBytes: number };
  readonly lost: readonly { readonly path: string; readonly names: readonly string[] }[];
};

/**
 * Makes the initrds of a prepared tree that are asked for, which differ in their compression; the usual one when none is. A warning names what of
 * the tree they cannot carry.
 */
export async function buildInitrdArchives(
  input: ImageInput,
  asked: readonly ArtifactSpec[],
  steps: StepRunner,
  ctx: BuildContext,
): Promise<readonly FormatArtifact[]> {
  const tree = input.tree.layers.map((layer) => layer.digest);
  const { epochSeconds } = ctx;
  const { blob: plain, lost } = await steps.step<StoredArchive>(
    'initrd.assemble',
    INITRD_VERSION,
    { tree, epochSeconds },
    () => assembleInitrd(input, ctx),
    (digest) => ({ blob: { kind: 'blob', digest, sizeBytes: 0 }, lost: [] }),
    isStoredArchive,
  );
  if (lost.length > 0) tellLost(lost, ctx);
  return buildArtifacts(plain, asked, KIND, steps, ctx);
}

function isStoredArchive(output: Json): boolean {
  const { lost } = (output ?? {}) as { readonly lost?: unknown };
  const isLost = (one: Partial<StoredArchive['lost'][number]> | null): boolean => typeof one?.path === 'string' && Array.isArray(one.names);
  return isStoredBlob(output) && Array.isArray(lost) && lost.every(isLost);
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
