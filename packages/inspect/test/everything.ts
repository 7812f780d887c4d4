import { execFileSync } from 'node:child_process';
import { linkSync, lutimesSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookAt } from '@ict/fixtures';
import type { TreeRecord } from '@ict/plugin-api';
import type { ReadableFilesystem } from '../src/filesystems/filesystem.js';
import { withImage } from '../src/inspect-image.js';
import { MIB, overwrite } from './images.js';

const SECONDS = 1_700_000_000;

/** Bytes that cannot be compressed. */
export function noise(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_none, index) => Math.imul(index ^ (index >>> 7), 2654435761) >>> 13));
}

/** Makes one of everything that filesystems of Linux hold, but access control lists. @param longestLink bytes that the target of a link may have. */
export function fillTree(directory: string, longestLink = 2007): void {
  const at = (path: string): string => join(directory, path);
  const tool = (program: string, ...argv: string[]): unknown => execFileSync(program, argv, { stdio: 'pipe' });
  mkdirSync(at('deep/er'), { recursive: true });
  writeFileSync(at('empty'), '');
  writeFileSync(at('deep/er/short'), 'short '.repeat(50));
  writeFileSync(at('block'), noise(4096));
  writeFileSync(at('large'), Buffer.alloc(3 * MIB + 77, 'large, and easily compressed '));
  writeFileSync(at('noise'), noise(MIB + 5));
  const mixed = Buffer.concat([noise(150_000), Buffer.alloc(200_000, 'mixed '), noise(90_000), Buffer.alloc(40_000), noise(70_001)]);
  writeFileSync(at('deep/mixed'), mixed);
  linkSync(at('large'), at('deep/other name'));
  symlinkSync('er/short', at('deep/link'));
  symlinkSync('long/'.repeat(longestLink / 5).padEnd(longestLink, 'target'), at('long link'));
  writeFileSync(at('sparse'), 'begin');
  truncateSync(at('sparse'), 6 * MIB);
  overwrite(at('sparse'), 5 * MIB, Buffer.from('end'));
  truncateSync(at('sparse'), 7 * MIB + 3);
  for (let index = 0; index < 900; index++)
    writeFileSync(at(`deep/er/one of many names, which fill more than one block ${index}`), `${index}`);
  mkdirSync(at('nothing'));
  tool('mknod', at('null'), 'c', '1', '3');
  tool('mknod', at('disk'), 'b', '259', '70000');
  tool('mkfifo', at('pipe'));
  tool('chown', '70000:4000000000', at('noise'));
  tool('chmod', '6751', at('noise'));
  for (const path of ['noise', 'block', 'empty', 'deep/er'])
    tool('setfattr', '-n', 'user.note', '-v', 'a value that several have', at(path));
  tool('setfattr', '-n', 'user.long', '-v', 'v'.repeat(3000), at('noise'));
  tool('setfattr', '-n', 'trusted.other', '-v', 'x', at('noise'));
  tool('setfattr', '-n', 'security.capability', '-v', '0x0100000200200000000000000000000000000000', at('block'));
  tool('setfattr', '-h', '-n', 'trusted.of-a-link', '-v', 'x', at('deep/link'));
  utimesSync(at('noise'), SECONDS - 5, SECONDS - 5);
  lutimesSync(at('deep/link'), SECONDS, SECONDS);
}

/** All of a filesystem image, as it is read here. */
export async function lookInto(image: string): Promise<readonly TreeRecord[]> {
  return withImage(image, ({ filesystems }) => lookAt((filesystems.get(0)?.files as ReadableFilesystem).walk()));
}
