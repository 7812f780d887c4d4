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
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { BUILD_EPOCH } from '@ict/fixtures';

/** A name that breaks lists of names by lines. */
export const NEWLINE = 'two\nlines and "quotes"';

/** Makes the tree as old everywhere as each time before. */
export function settleTimes(tree: string): void {
  execFileSync('find', [tree, '-depth', '-exec', 'touch', '-h', '-d', `@${BUILD_EPOCH - 70}`, '{}', '+']);
}

/** Adds one of everything that a tree can hold. Root alone can. */
export function addEverything(tree: string): void {
  const at = (path: string): string => join(tree, path);
  for (const path of ['dev', 'etc/ümläut', 'usr/bin', 'var']) mkdirSync(at(path), { recursive: true });
  writeFileSync(at('etc/empty'), '');
  writeFileSync(at(`etc/${NEWLINE}`), 'odd name');
  writeFileSync(at('usr/bin/program'), Buffer.alloc(1_500_077, 'program'));
  chmodSync(at('usr/bin/program'), 0o6755);
  linkSync(at('usr/bin/program'), at('etc/third-name'));
  linkSync(at('usr/bin/program'), at('usr/bin/other-name'));
  symlinkSync('t'.repeat(300), at('usr/long-link'));
  for (const [name, kind, numbers] of [
    ['null', 'c', ['1', '3']],
    ['new', 'b', ['259', '70000']],
    ['pipe', 'p', []],
  ] as const) {
    execFileSync('mknod', ['-m', '660', at(`dev/${name}`), kind, ...numbers]);
  }
  chownSync(at('etc/empty'), 70_000, 4_000_000_000);
  chmodSync(at('var'), 0o1777);
  const sparse = openSync(at('var/sparse'), 'w');
  ftruncateSync(sparse, 9_000_003);
  writeSync(sparse, 'data', 5_000_000);
  closeSync(sparse);
  mkdirSync(at(`var/${'d'.repeat(200)}/${'e'.repeat(200)}`), { recursive: true });
  writeFileSync(at(`var/${'d'.repeat(200)}/${'e'.repeat(200)}/deep`), 'deep');
  // cap_net_raw, permitted and effective.
  const capability = '0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=';
  execFileSync('setfattr', ['-n', 'security.capability', '-v', capability, at('usr/bin/program')]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'a note', at('etc/hostname')]);
  settleTimes(tree);
  lutimesSync(at('etc/empty'), 1, 1);
}
