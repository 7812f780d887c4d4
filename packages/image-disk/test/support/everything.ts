import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { BUILD_EPOCH } from '@ict/fixtures';
import { settle } from './tree-images.js';
import { hostRecords } from '@ict/fixtures';
import { MIB } from './specs.js';

/** Makes a tree with one of everything that a filesystem can hold. Root alone can. @param longestLink bytes that the target of a link may have. @returns its directory, `tree`. */
export async function everything(tree: string, longestLink = 4095): Promise<string> {
  const at = (path: string): string => join(tree, path);
  for (const path of ['', 'etc', 'usr', 'usr/bin', 'dev', 'deep', 'many', 'long', 'acl', 'acl/below']) mkdirSync(at(path));
  for (let depth = 'deep', level = 0; level < 12; level++) mkdirSync(at((depth = `${depth}/${level}`)));
  writeFileSync(at('etc/empty'), '');
  writeFileSync(at('etc/one'), 'x');
  writeFileSync(at('etc/block'), 'b'.repeat(4096));
  writeFileSync(at('etc/block-and-one'), 'c'.repeat(4097));
  writeFileSync(at('usr/bin/program'), Buffer.alloc(3 * MIB + 77, 'program'));
  chmodSync(at('usr/bin/program'), 0o6755);
  linkSync(at('usr/bin/program'), at('usr/bin/other-name'));
  linkSync(at('usr/bin/program'), at('etc/third-name'));
  for (const length of [1, 59, 60, 61, longestLink]) symlinkSync('t'.repeat(length), at(`usr/link-${length}`));
  for (const [name, kind, numbers] of [
    ['null', 'c', ['1', '3']],
    ['new', 'b', ['259', '70000']],
    ['pipe', 'p', []],
  ] as const) {
    execFileSync('mknod', ['-m', '660', at(`dev/${name}`), kind, ...numbers]);
  }
  chownSync(at('etc/one'), 70_000, 4_000_000_000);
  chmodSync(at('etc'), 0o1777);
  for (let index = 0; index < 400; index++) writeFileSync(at(`many/file-with-a-rather-long-name-${index}`), `${index}`);
  for (let index = 0; index < 40; index++) mkdirSync(at(`long/${String(index).padStart(255, 'd')}`));
  const sparse = openSync(at('usr/sparse'), 'w');
  ftruncateSync(sparse, 64 * MIB);
  // So many pieces that the tree of extents has two levels below the inode.
  for (let piece = 0; piece < 1500; piece++) writeSync(sparse, 'data', piece * 2 * 4096 + 5);
  closeSync(sparse);
  const small = openSync(at('usr/zeros'), 'w');
  writeSync(small, Buffer.alloc(10 * 4096));
  closeSync(small);
  const attribute = (path: string, name: string, value: Buffer | string): Buffer =>
    execFileSync('setfattr', ['-h', '-n', name, '-v', `0s${Buffer.from(value as string).toString('base64')}`, at(path)]);
  attribute('etc/one', 'user.small', 'value');
  attribute('etc/one', 'user.empty', '');
  attribute('etc/block', 'user.large', 'l'.repeat(3000));
  attribute('etc/block', 'user.second', 's'.repeat(301));
  attribute('etc/block', 'trusted.third', 'third');
  attribute('usr/link-1', 'trusted.of-a-link', 'x');
  // cap_net_raw, permitted and effective.
  attribute('usr/bin/program', 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'));
  const entry = (tag: number, permissions: number, id = 0xffff_ffff): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(tag);
    bytes.writeUInt16LE(permissions, 2);
    bytes.writeUInt32LE(id, 4);
    return bytes;
  };
  const acl = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    ...[entry(1, 7), entry(2, 6, 1000), entry(2, 4, 100_000), entry(4, 5), entry(8, 4, 50), entry(16, 7), entry(32, 0)],
  ]);
  attribute('acl/below', 'system.posix_acl_access', acl);
  attribute('acl', 'system.posix_acl_default', acl);
  settle(tree, await hostRecords(tree));
  lutimesSync(at('usr/link-60'), new Date(-86_400_000), new Date(-86_400_000));
  utimesSync(at('etc/empty'), BUILD_EPOCH - 1, BUILD_EPOCH - 1);
  utimesSync(at('dev'), BUILD_EPOCH - 5, BUILD_EPOCH - 5);
  return tree;
}
