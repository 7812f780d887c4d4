import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, linkSync, mkdirSync, openSync, readSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mounted } from '@ict/fixtures';
import { xfsChecksum } from '@ict/image-parts';
import { noise } from './everything.js';
import { emptyFile, MIB, overwrite, run, workDirectory } from './images.js';

/** Of no other test: the kernel mounts no two xfs of one. */
export const UUID = randomUUID();
export const SIZE = 300 * MIB;
/** Of one that mkfs.xfs makes for tests only. */
export const SMALL = 32 * MIB;
export const LONGEST_LINK = 1023;
export const SECTOR = 512;
const LARGEST_SECTOR = 4096;
export const FEATURES_AT = 216;
export const CHECKSUM = { superblock: 224, inode: 100 } as const;

/** An image that the kernel filled by what `fill` does in its mount. @param features that mkfs.xfs of the host does not know. */
export async function written(
  options: readonly string[],
  fill: (directory: string) => void,
  features = 0,
  sizeBytes = SIZE,
): Promise<string> {
  const image = emptyFile(join(workDirectory(), 'image'), sizeBytes);
  await run('mkfs.xfs', '-q', '-K', '-m', `uuid=${UUID}`, '-L', 'a label', ...options, image);
  changeSuperblock(image, (block) => block.writeUInt32BE(block.readUInt32BE(FEATURES_AT) + features, FEATURES_AT));
  await mounted(image, 'rw', fill);
  return image;
}

/** Changes the first superblock, and makes its checksum right again. */
export function changeSuperblock(image: string, change: (block: Buffer) => void): void {
  const head = Buffer.alloc(LARGEST_SECTOR);
  const file = openSync(image, 'r');
  readSync(file, head);
  closeSync(file);
  const block = head.subarray(0, head.readUInt16BE(102));
  change(block);
  block.writeUInt32LE(xfsChecksum(block, CHECKSUM.superblock), CHECKSUM.superblock);
  overwrite(image, 0, block);
}

/** Sets many attributes of a file at once, also those that are longer than an argument may be. */
export function setAttributes(directory: string, file: string, attributes: readonly (readonly [name: string, value: Buffer])[]): void {
  const list = join(workDirectory(), 'attributes');
  const lines = attributes.map(([name, value]) => `${name}=0s${value.toString('base64')}\n`);
  writeFileSync(list, `# file: ${file}\n${lines.join('')}\n`);
  execFileSync('setfattr', [`--restore=${list}`], { cwd: directory, stdio: 'pipe' });
}

/** An entry for owner, a user, group, mask and others each. */
export const ACL = Buffer.from(
  ['02000000', '01000700ffffffff', '02000600e8030000', '04000500ffffffff', '10000700ffffffff', '20000000ffffffff'].join(''),
  'hex',
);

/** A little of every form. */
export function fillLittle(directory: string): void {
  const at = (path: string): string => join(directory, path);
  for (const name of ['deep', 'single', 'large']) mkdirSync(at(name));
  writeFileSync(at('deep/file'), 'text '.repeat(20));
  for (let index = 0; index < 20; index++) writeFileSync(at(`single/name ${index}`), 'text '.repeat(index * 20));
  for (let index = 0; index < 25; index++) linkSync(at('deep/file'), at(`large/${'n'.repeat(200)} ${index}`));
  symlinkSync('er', at('link'));
  symlinkSync('long/'.repeat(150), at('long link'));
  const file = openSync(at('pieces'), 'w');
  for (let piece = 0; piece < 300; piece++) writeSync(file, `piece ${piece}`, piece * 8192 + 5);
  closeSync(file);
  setAttributes(directory, 'deep', [['user.note', Buffer.from('a value')]]);
  setAttributes(directory, 'single', [['user.long', noise(9000)]]);
  setAttributes(directory, 'deep/file', [
    ['system.posix_acl_access', ACL],
    ...Array.from({ length: 100 }, (_none, index) => [`user.${index}`, noise(60)] as const),
  ]);
}
