import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildContext, ImageInput, PartitionSpec, TreePath, TreeRef } from '@ict/plugin-api';
import { partitionIdentity, writeBootProgram, writeFully } from '@ict/image-parts';
import { mountPointOf } from './mount-points.js';
import { espOf, startsByBios } from './partition-roles.js';
import { readSigner, signBootFile } from './boot-signing.js';
import { grubImage } from './boot-grub.js';
import { writeOwnBtrfs } from './filesystem-btrfs.js';
import { writeExt } from './filesystem-ext.js';
import { writeFat, type FatFile } from './filesystem-fat.js';
import { writeReadOnly } from './filesystem-read-only.js';
import { writeOwnXfs } from './filesystem-xfs.js';
import { filesystemOf } from './filesystems.js';
import { usesGrub, type DiskContent, type FatContent } from './partition-content.js';
import type { PlacedPartition } from './partitions.js';
import { encodeSwapHeader } from './swap.js';

/** The disk that is being made. */
export interface DiskInMaking {
  readonly input: ImageInput;
  readonly content: DiskContent;
  /** Host directory and name of the disk image, which holds zeros where filesystems go. */
  readonly directory: string;
  readonly file: string;
}

/**
 * Writes a partition's filesystem at its place in the disk.
 *
 * @throws `ICT_DISK_NO_SPACE`, `ICT_DISK_FAT_FILE`, `ICT_DISK_EXT_FILE`, `ICT_DISK_BTRFS_FILE`, `ICT_DISK_XFS_FILE`, `ICT_DISK_READ_ONLY_FILE`, `ICT_DISK_FILESYSTEM`, and
 *   what the tools throw.
 */
export async function fillPartition(placed: PlacedPartition, disk: DiskInMaking, ctx: BuildContext): Promise<void> {
  const { spec, offsetBytes, sizeBytes } = placed;
  const { input, content, directory, file } = disk;
  const identity = partitionIdentity(input.seed, spec.id);
  const { label } = spec;
  const place = { partition: spec.id, identity, directory, file, offsetBytes, sizeBytes, ...(label ? { label } : {}) };
  const ofTree = { ...place, ...partOfTree(spec, content) };
  const filesystem = filesystemOf(spec);
  const { writing } = filesystem;
  ctx.emit({ type: 'image.progress', artifact: spec.id, action: `${spec.filesystem} filesystem` });
  switch (writing.family) {
    case 'ext':
      await writeExt({ ...ofTree, kind: writing.kind }, ctx);
      break;
    case 'btrfs':
      await writeOwnBtrfs(ofTree, ctx);
      break;
    case 'xfs':
      await writeOwnXfs(ofTree, ctx);
      break;
    case 'read-only':
      await writeReadOnly({ ...ofTree, kind: writing.kind }, ctx);
      break;
    case 'fat': {
      const stage = join(directory, `stage-${offsetBytes}`);
      await mkdir(stage);
      const fat = content.fats.get(spec.id) ?? { texts: {}, copies: {}, programs: {}, directories: [] };
      const files = await stageFiles(fat, stage, input, ctx);
      if (usesGrub(input.spec) && !startsByBios(input.spec) && spec === espOf(input.spec)) {
        const image = await grubImage(input, stage, directory, ctx);
        const target = image.target.toLowerCase();
        files.splice(0, files.length, ...files.filter((one) => one.target.toLowerCase() !== target), image);
      }
      await writeFat({ ...place, width: writing.width(sizeBytes), tree: input.tree, stage, files, directories: fat.directories }, ctx);
      break;
    }
    case 'swap': {
      await using image = await open(join(directory, file), 'r+');
      await writeFully(image, encodeSwapHeader(sizeBytes, identity.filesystemUuid, label), offsetBytes);
      break;
    }
    case 'empty':
      break;
    default:
      void (writing satisfies never);
  }
  if (filesystem.content === 'tree')
    ctx.emit({ type: 'image.progress', artifact: spec.id, action: `${spec.filesystem} filesystem written` });
}

/** What of the root tree goes onto a partition, of one that is not mounted nothing. */
function partOfTree(spec: PartitionSpec, content: DiskContent): { readonly tree: TreeRef; readonly root: TreePath } {
  const tree = content.trees.get(spec.id);
  return tree === undefined ? { tree: { layers: [] }, root: '/' } : { tree, root: mountPointOf(spec) ?? '/' };
}

/** Writes texts and programs below `stage`, and lists every file of the filesystem. */
async function stageFiles(fat: FatContent, stage: string, input: ImageInput, ctx: BuildContext): Promise<FatFile[]> {
  const files: FatFile[] = Object.entries(fat.copies).map(([target, { path, sizeBytes }]) => ({
    target,
    from: 'tree',
    source: path,
    sizeBytes,
  }));
  for (const [target, text] of Object.entries(fat.texts)) {
    const file = join(stage, target);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    files.push({ target, from: 'stage', source: target, sizeBytes: Buffer.byteLength(text) });
  }
  const { secureBoot } = input.spec.system;
  const programs = Object.entries(fat.programs);
  const signer = secureBoot === undefined || programs.length === 0 ? undefined : await readSigner(secureBoot);
  for (const [target, program] of programs) {
    const file = join(stage, target);
    await mkdir(dirname(file), { recursive: true });
    await writeBootProgram(program, input.tree, file, ctx);
    if (signer !== undefined) await signBootFile(file, target, signer);
    files.push({ target, from: 'stage', source: target, sizeBytes: (await stat(file)).size });
  }
  return files;
}
