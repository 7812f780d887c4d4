import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryType, TreeRecord } from '@ict/plugin-api';
import { execute } from './host-build.js';

/** What a host directory holds, as layers describe it: see `TreeRunner.records`. Names must be ASCII. */
export async function hostRecords(root: string): Promise<readonly TreeRecord[]> {
  const xattrs = await hostXattrs(root);
  const first = new Map<string, string>();
  const records: TreeRecord[] = [];
  const visit = (path: string): void => {
    const host = join(root, path);
    const stats = lstatSync(host, { bigint: true });
    const type = typeOf(stats);
    if (type === 'socket') return; // layers keep none
    const common = {
      path,
      type,
      mode: Number(stats.mode) & 0o7777,
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtimeSeconds: Math.floor(Number(stats.mtimeMs) / 1000),
    };
    const linked = type !== 'directory' && stats.nlink > 1n ? first.get(`${stats.ino}`) : undefined;
    if (linked !== undefined) {
      records.push({ ...common, hardlinkOf: linked });
      return;
    }
    first.set(`${stats.ino}`, path);
    const own = xattrs.get(host);
    records.push({
      ...common,
      ...(type === 'file' ? { sizeBytes: Number(stats.size) } : {}),
      ...(type === 'symlink' ? { linkTarget: readlinkSync(host) } : {}),
      ...(type === 'character' || type === 'block' ? { dev: { major: major(stats.rdev), minor: minor(stats.rdev) } } : {}),
      ...(own === undefined ? {} : { xattrs: own }),
    });
    if (type === 'directory') for (const name of readdirSync(host).sort()) visit(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  visit('/');
  return records;
}

function major(rdev: bigint): number {
  return Number((rdev >> 8n) & 0xfffn);
}

function minor(rdev: bigint): number {
  return Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n));
}

interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
  isFIFO(): boolean;
}

function typeOf(stats: Kinds): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'socket';
}

/** By path of the host: names to values in base64. */
async function hostXattrs(root: string): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { stdout } = await execute('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'base64', '--absolute-names', root]);
  const found = new Map<string, Record<string, string>>();
  let values: Record<string, string> = {};
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) found.set(join(line.slice(8)), (values = {}));
    const [, name, value] = /^([a-z][^=]*)=(?:0s)?(.*)$/u.exec(line) ?? [];
    if (name !== undefined) values[name] = value === '""' ? '' : (value ?? '');
  }
  return found;
}
