import { spawn } from 'node:child_process';
import { closeSync, constants, createReadStream, openSync, readlinkSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeTar, type TarInput } from '@ict/archive';
import { sandboxError } from '../errors.js';
import { exitStatus, hostEnvironment } from './host-program.js';
import { OutputTail } from '../output-tail.js';
import { locate, treeIo, type TreePlace } from './tree-path.js';

/**
 * Sets extended attributes of one entry of a tree. Node has no call for it and few hosts have setfattr, but all have GNU tar:
 * the entry is written anew, in its place, with its attributes.
 *
 * @throws `ICT_TREE_IO` when the entry is missing, has other hard links, or the attributes are refused; the signal's reason.
 */
export function setAttributesByTar(
  root: string,
  path: string,
  xattrs: ReadonlyMap<string, Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  return treeIo('set extended attributes of', path, async () => {
    using place = locate(root, path, { follow: false });
    if (place?.stats === undefined) throw refused(path, 'it is not there');
    if (place.stats.isFile() && place.stats.nlink > 1) throw refused(path, 'it has other hard links');
    const content = place.stats.isFile() ? openSync(place.path, constants.O_RDONLY | constants.O_NOFOLLOW) : undefined;
    try {
      const entry = describe(place, xattrs, path);
      const bytes = content === undefined ? undefined : createReadStream('', { fd: content, autoClose: false });
      await unpack(place, bytes === undefined ? entry : { ...entry, content: bytes }, path, signal);
    } finally {
      if (content !== undefined) closeSync(content);
    }
  });
}

function describe(place: TreePlace, xattrs: ReadonlyMap<string, Uint8Array>, path: string): TarInput {
  const { stats } = place;
  if (stats === undefined) throw refused(path, 'it is not there');
  const common = {
    path: place.name,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    xattrs,
  };
  if (stats.isFile()) return { ...common, type: 'file', sizeBytes: stats.size };
  if (stats.isDirectory()) return { ...common, type: 'directory' };
  if (stats.isSymbolicLink()) return { ...common, type: 'symlink', linkTarget: readlinkSync(place.path) };
  throw refused(path, 'it is neither a file, a directory nor a link');
}

async function unpack(place: TreePlace, entry: TarInput, path: string, signal: AbortSignal): Promise<void> {
  const argv = ['--extract', '--file=-', '--numeric-owner', '--same-owner', '--same-permissions', '--xattrs', '--xattrs-include=*'];
  const child = spawn('tar', argv, { cwd: place.directory, env: hostEnvironment(), stdio: ['pipe', 'ignore', 'pipe'] });
  const tail = new OutputTail(4096);
  child.stderr.on('data', (chunk: Buffer) => tail.push(chunk));
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killed) => resolve(exitStatus(code, killed)));
  });
  const [fed, status] = await Promise.allSettled([pipeline(Readable.from(writeTar([entry])), child.stdin, { signal }), ended]);
  signal.throwIfAborted();
  if (status.status === 'rejected') throw status.reason;
  // GNU tar says "Cannot set" for an attribute that the kernel refuses, and some versions still end with 0.
  const message = tail.text().trim();
  if (status.value !== 0 || message !== '') throw refused(path, message || `tar ended with status ${status.value}`);
  if (fed.status === 'rejected') throw fed.reason;
}

function refused(path: string, reason: string): Error {
  return sandboxError('ICT_TREE_IO', {
    message: `Cannot set extended attributes of ${path} in the tree: ${reason}`,
    hint: 'The file system of the work directory must know extended attributes: use ext4, xfs or btrfs.',
    facts: { path, reason },
  });
}
