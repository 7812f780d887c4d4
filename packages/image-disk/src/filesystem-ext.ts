import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext } from '@ict/plugin-api';
import { readExtSuperblock } from './ext-superblock.js';
import { fixExtTimes } from './ext-times.js';
import { BASE_FEATURES } from './ext4/features.js';
import { BLOCK_BYTES } from './ext4/geometry.js';
import { writeExt4 } from './ext4/write-ext4.js';
import { programFailed, runFilesystemProgram, type ProgramResult } from './filesystem-program.js';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import type { ExtKind } from './filesystems.js';
import { fullFilesystem, writeTree, type NeededRoom } from './written-filesystem.js';

/** Bumped when the same request gives other bytes. */
export const EXT_VERSION = 4;

/** The whole configuration of mke2fs: features are fixed here, so that a distribution's own defaults cannot change an image. */
export const MKE2FS_CONF = `[defaults]
base_features = ${BASE_FEATURES.join(',')}
default_mntopts = acl,user_xattr
enable_periodic_fsck = 0
blocksize = ${BLOCK_BYTES}
inode_size = 256
inode_ratio = 16384
[fs_types]
ext2 = {
features = ext_attr
}
ext3 = {
features = has_journal
}
`;

export interface ExtRequest extends TreeFilesystemRequest {
  readonly kind: ExtKind;
}

/**
 * Writes an ext filesystem with a tree's files straight into a disk image; nothing is copied afterwards. An ext4 is written by this package,
 * the others by mke2fs.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need; `ICT_DISK_EXT_FILE` for a file that ext4 cannot hold;
 *   `ICT_DISK_FILESYSTEM` when mke2fs fails otherwise.
 */
export async function writeExt(request: ExtRequest, ctx: BuildContext): Promise<void> {
  return request.kind === 'ext4' ? writeOwnExt4(request, ctx) : writeByMke2fs(request, ctx);
}

async function writeByMke2fs(request: ExtRequest, ctx: BuildContext): Promise<void> {
  const result = await runMke2fs(request, ctx);
  if (result.exitCode !== 0) {
    if (!/could not allocate|no space|not enough space|no free space|too small/iu.test(result.stderr))
      throw programFailed(request.partition, 'mke2fs', result);
    throw fullFilesystem(request, request.kind, await measure(request, ctx), { mke2fs: result.stderr.trim() });
  }
  await fixExtTimes(join(request.directory, request.file), request.offsetBytes, ctx.epochSeconds, ctx.signal);
}

async function writeOwnExt4(request: ExtRequest, ctx: BuildContext): Promise<void> {
  const { filesystemUuid: uuid, hashSeed } = request.identity;
  await writeTree(
    request,
    { filesystem: 'ext4', refusal: 'ICT_DISK_EXT_FILE', write: (writing, pack) => writeExt4({ ...writing, uuid, hashSeed }, pack) },
    ctx,
  );
}

async function runMke2fs(request: ExtRequest, ctx: BuildContext): Promise<ProgramResult> {
  const { identity, kind, label } = request;
  // Named after the offset, as filesystems of one disk are written at the same time.
  const configuration = `mke2fs-${request.offsetBytes}.conf`;
  await writeFile(join(request.directory, configuration), MKE2FS_CONF);
  const options = [
    `hash_seed=${identity.hashSeed}`,
    'root_owner=0:0',
    'lazy_itable_init=0',
    // The journal is zeros, which are there already: written again, they would take room on the host's disk.
    'lazy_journal_init=1',
    'nodiscard',
    `offset=${request.offsetBytes}`,
  ];
  const argv = (root: string): readonly string[] => [
    ...['mke2fs', '-q', '-F', '-t', kind, '-b', `${BLOCK_BYTES}`, '-I', '256', '-m', '1', '-U', identity.filesystemUuid],
    ...(label === undefined ? [] : ['-L', label]),
    ...['-E', options.join(','), '-d', root, `/disk/${request.file}`, `${Math.floor(request.sizeBytes / BLOCK_BYTES)}`],
  ];
  return runFilesystemProgram(request, argv, ctx, {
    E2FSPROGS_FAKE_TIME: `${ctx.epochSeconds}`,
    MKE2FS_CONFIG: `/disk/${configuration}`,
    MKE2FS_SYNC: '0',
  });
}

/** Finds out how much mke2fs needs: the same files again, into a sparse scratch file with room to spare. */
async function measure(request: ExtRequest, ctx: BuildContext): Promise<NeededRoom> {
  const layers = request.tree.layers.reduce((sum, layer) => sum + layer.sizeBytes + layer.entries * BLOCK_BYTES, 0);
  const directory = await mkdtemp(join(ctx.temporary, 'measure-'));
  try {
    const sizeBytes = Math.ceil((2 * (layers + request.sizeBytes) + 64 * 1024 * 1024) / BLOCK_BYTES) * BLOCK_BYTES;
    const file = join(directory, 'scratch');
    await writeFile(file, '');
    await truncate(file, sizeBytes);
    const scratch = await runMke2fs({ ...request, directory, file: 'scratch', offsetBytes: 0, sizeBytes }, ctx);
    if (scratch.exitCode !== 0) throw programFailed(request.partition, 'mke2fs', scratch);
    await using handle = await open(file, 'r');
    const { blocks, freeBlocks, inodes, freeInodes } = await readExtSuperblock(handle, 0);
    return { neededBytes: (blocks - freeBlocks) * BLOCK_BYTES, files: inodes - freeInodes };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
