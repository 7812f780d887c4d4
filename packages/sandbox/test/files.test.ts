import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTar, type TarInput } from '@ict/archive';
import type { VerifiedPackage } from '@ict/plugin-api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox, type SandboxTree } from '../src/index.js';
import { makeBase, makeHostTree } from './host-tree.js';

const EPOCH = 1_000_000_000;
const base = makeBase();
const upper = join(base, 'up');
let sandbox: Sandbox;
let tree: SandboxTree;

beforeAll(async () => {
  makeHostTree(join(base, 'low'));
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'outside', 'secret'), 'secret');
  sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
});

beforeEach(async () => {
  tree = await sandbox.openTree({
    lowers: [join(base, 'low')],
    upper: { directory: upper, work: join(base, 'work') },
    epochSeconds: EPOCH,
    signal: new AbortController().signal,
  });
  return async () => {
    await tree.close();
    expect(existsSync(join(base, 'work'))).toBe(false);
    await sandbox.removeTree(upper);
  };
});

afterAll(async () => {
  await sandbox.close();
  expect(readFileSync(join(base, 'outside', 'secret'), 'utf8')).toBe('secret');
  expect(readdirSync(base).sort()).toEqual(['low', 'outside']);
  rmSync(base, { recursive: true });
});

const text = async (path: string): Promise<string | undefined> => {
  const bytes = await tree.read(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};
const sh = async (script: string): Promise<string> =>
  (await tree.run({ argv: ['/bin/sh', '-c', script], env: { PATH: '/usr/bin:/bin' } })).stdout;

async function tar(entries: readonly TarInput[]): Promise<string> {
  const file = join(base, 'low', 'in.tar');
  await writeFile(file, writeTar(entries));
  return file;
}

const member = (path: string, more: Partial<TarInput> = {}): TarInput => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 5,
  ...more,
});

describe('write', () => {
  it('makes directories and files with exactly the given attributes', async () => {
    await tree.write('/new/sub/file', 'bytes', { mode: 0o4751, uid: 7, gid: 8, mtimeSeconds: 77 });
    await tree.write('/new/plain', new Uint8Array([0, 255]));
    await tree.write('/new/early', '', { mtimeSeconds: -77 });
    expect(await tree.stat('/new/sub/file')).toEqual({ path: '/new/sub/file', type: 'file', mode: 0o4751, uid: 7, gid: 8, sizeBytes: 5 });
    expect(await tree.stat('/new/sub')).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    expect(statSync(join(upper, 'new/sub/file')).mtimeMs).toBe(77_000);
    expect(statSync(join(upper, 'new/plain')).mtimeMs).toBe(EPOCH * 1000);
    expect(statSync(join(upper, 'new/early')).mtimeMs).toBe(-77_000);
    expect(await tree.read('/new/plain')).toEqual(Buffer.from([0, 255]));
  });

  it('replaces a file without touching its other names', async () => {
    await tree.write('/a', 'one');
    await sh('ln /a /b');
    await tree.write('/a', 'two');
    expect([await text('/a'), await text('/b')]).toEqual(['two', 'one']);
  });

  it('follows a link inside the tree', async () => {
    await tree.symlink('../data/target', '/etc/link');
    await tree.write('/etc/link', 'through');
    expect(await text('/data/target')).toBe('through');
    expect(await tree.stat('/etc/link')).toMatchObject({ type: 'symlink', linkTarget: '../data/target' });
  });

  it('leaves nothing behind when it fails', async () => {
    await expect(tree.write('/bin', 'x')).rejects.toMatchObject({ code: 'ICT_TREE_IO', facts: { errno: 'EISDIR' } });
    expect((await tree.list('/')).map(({ path }) => path).filter((path) => path.includes('.ict'))).toEqual([]);
  });
});

describe('a path', () => {
  const calls: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    write: (path) => tree.write(path, 'x'),
    read: (path) => tree.read(path),
    stat: (path) => tree.stat(path),
    list: (path) => tree.list(path),
    copyIn: (path) => tree.copyIn(join(base, 'outside/secret'), path),
    makeDirectory: (path) => tree.makeDirectory(path),
    symlink: (path) => tree.symlink('x', path),
    remove: (path) => tree.remove(path),
    extract: async (path) => tree.extract(await tar([]), 'tar', path),
    expose: (path) => tree.expose([], path),
  };

  it.each(Object.keys(calls).flatMap((name) => ['../x', '/../x', '/a/../../x', 'x', '', '/a\0b'].map((path) => [name, path] as const)))(
    'is refused by %s when it is %j',
    async (name, path) => {
      await expect(calls[name]?.(path)).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
    },
  );

  it.each(['/out', '/out2', '/out3/deep'])('never leads outside through the link %s', async (link) => {
    const outside = join(base, 'outside');
    await tree.symlink(outside, '/out');
    await tree.symlink(`${'../'.repeat(30)}${outside.slice(1)}`, '/out2');
    await tree.symlink('/', '/out3');
    await tree.symlink(outside, '/out3/deep');
    expect(await tree.read(`${link}/secret`)).toBeUndefined();
    expect(await tree.list(link)).toEqual([]);
    await tree.write(`${link}/secret`, 'inside');
    expect(await text(`${outside}/secret`)).toBe('inside');
    await tree.remove(`${link}/secret`);
    await tree.remove(link);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('that loops is refused', async () => {
    await tree.symlink('loop2', '/loop');
    await tree.symlink('loop', '/loop2');
    await expect(tree.read('/loop/x')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
    expect(await tree.stat('/loop')).toMatchObject({ type: 'symlink' });
  });
});

it('reads nothing where nothing is, and only files', async () => {
  expect(await tree.read('/no/such')).toBeUndefined();
  expect(await tree.stat('/no/such')).toBeUndefined();
  expect(await tree.list('/no/such')).toEqual([]);
  await sh('mkfifo /fifo');
  await expect(tree.read('/fifo')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  await expect(tree.read('/bin')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  await expect(tree.list('/bin/sh')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
});

it('copies host files in, and nothing but files', async () => {
  await tree.copyIn(join(base, 'outside/secret'), '/copied/secret', { mode: 0o600, uid: 3 });
  expect(await text('/copied/secret')).toBe('secret');
  expect(await tree.stat('/copied/secret')).toMatchObject({ mode: 0o600, uid: 3 });
  await expect(tree.copyIn(base, '/copied/dir')).rejects.toMatchObject({ code: 'ICT_TREE_IO' });
  await expect(tree.copyIn(join(base, 'none'), '/copied/none')).rejects.toMatchObject({ code: 'ICT_TREE_IO', facts: { errno: 'ENOENT' } });
  expect((await tree.list('/copied')).map(({ path }) => path)).toEqual(['/copied/secret']);
});

it('makes directories once and changes their attributes only when told to', async () => {
  await tree.makeDirectory('/d/e', { mode: 0o1777, uid: 5 });
  await tree.makeDirectory('/d/e');
  expect(await tree.stat('/d/e')).toMatchObject({ mode: 0o1777, uid: 5 });
  await tree.makeDirectory('/d/e', { mode: 0o700 });
  expect(await tree.stat('/d/e')).toMatchObject({ mode: 0o700, uid: 0 });
  await expect(tree.makeDirectory('/bin/sh')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
});

it('removes files, links and directories, and nothing that is mounted', async () => {
  await sh('mkdir -p /x/y /x/z; echo 1 > /x/y/f; ln -s /bin /x/z/bin; chmod 0 /x/y');
  await tree.remove('/x');
  await tree.remove('/x');
  expect(await tree.stat('/x')).toBeUndefined();
  expect(await tree.stat('/bin/sh')).toBeDefined();
  await expect(tree.remove('/')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  await tree.write('/run/keep', 'x');
  await expect(tree.remove('/dev')).rejects.toMatchObject({ code: 'ICT_TREE_IO' });
  expect(await tree.stat('/dev/null')).toMatchObject({ type: 'character' });
});

it('keeps what is written to /run, /tmp and /dev out of the layer', async () => {
  await tree.write('/run/a', 'x');
  await sh('echo x > /tmp/b; echo x > /dev/shm/c; mkdir /run/d');
  expect(await text('/tmp/b')).toBe('x\n');
  await tree.close();
  expect(readdirSync(upper).sort()).toEqual(['dev', 'proc', 'run', 'sys', 'tmp']);
  expect(['dev', 'proc', 'run', 'sys', 'tmp'].flatMap((name) => readdirSync(join(upper, name)))).toEqual([]);
  expect(statSync(join(upper, 'tmp')).mode & 0o7777).toBe(0o1777);
});

describe('extract', () => {
  it('unpacks with owners, modes, links, devices and attributes', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const file = await tar([
      member('./usr/x', { type: 'directory', mode: 0o2755, gid: 9 }),
      member('./usr/x/s', { mode: 0o4755, uid: 4, content: Buffer.from('suid') }),
      member('./usr/x/h', { type: 'hardlink', linkTarget: './usr/x/s' }),
      member('./usr/x/l', { type: 'symlink', mode: 0o777, linkTarget: '/bin' }),
      member('./usr/x/p', { type: 'fifo' }),
      member('./usr/x/cap', { mode: 0o755, content: Buffer.from('capable'), xattrs: new Map([['security.capability', capability]]) }),
      member('./dev/made', { content: Buffer.from('below') }),
    ]);
    await tree.extract(file, 'tar');
    expect(await tree.stat('/usr/x')).toMatchObject({ mode: 0o2755, gid: 9 });
    expect(await tree.stat('/usr/x/s')).toMatchObject({ mode: 0o4755, uid: 4 });
    expect(await text('/usr/x/h')).toBe('suid');
    expect(await text('/usr/x/cap')).toBe('capable');
    // Below the mount of /dev, so in the layer, but not in what commands see.
    expect(await tree.stat('/dev/made')).toBeUndefined();
    await tree.close();
    const { entries } = await sandbox.sealLayer(upper, { epochSeconds: EPOCH });
    expect(entries.find(({ path }) => path === '/usr/x/cap')).toMatchObject({
      mode: 0o755,
      mtimeSeconds: 5,
      xattrs: { 'security.capability': capability.toString('base64') },
    });
    expect(entries.find(({ path }) => path === '/dev/made')).toMatchObject({ sizeBytes: 5 });
    expect(entries.find(({ path }) => path === '/usr/x/s')).toMatchObject({ hardlinkOf: '/usr/x/h' });
  });

  it('unpacks below a directory, through the links of the tree', async () => {
    await tree.symlink('/data/real', '/opt');
    await tree.makeDirectory('/data/real');
    const file = await tar([member('./a/f', { content: Buffer.from('x') }), member('./a/g', { type: 'hardlink', linkTarget: './a/f' })]);
    await tree.extract(file, 'tar', '/opt/sub');
    expect(await text('/data/real/sub/a/g')).toBe('x');
    await tree.extract(file, 'tar', '/run/here');
    expect(await text('/run/here/a/f')).toBe('x');
  });

  it('leaves out files below directories of the archive, wherever that is unpacked', async () => {
    const file = await tar([
      member('./usr/share/doc/x.d', { type: 'directory', mode: 0o755 }),
      member('./usr/share/doc/x', { content: Buffer.from('read') }),
      member('./usr/bin/x', { content: Buffer.from('run') }),
      member('./usr/bin/y', { type: 'hardlink', linkTarget: './usr/share/doc/x' }),
    ]);
    await tree.extract(file, 'tar', '/only/some', { without: ['/usr/share/doc'] });
    expect(await text('/only/some/usr/bin/x')).toBe('run');
    expect(await tree.list('/only/some/usr/bin')).toHaveLength(1);
    expect(await tree.list('/only/some/usr/share/doc')).toMatchObject([{ path: '/only/some/usr/share/doc/x.d' }]);
    await tree.extract(file, 'tar', '/all/of');
    expect(await text('/all/of/usr/bin/y')).toBe('read');
  });

  it('is refused while a command runs, which could make a directory on the way a link to the host, as are mounts', async () => {
    const archive = await tar([member('busy/a')]);
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const controller = new AbortController();
    const other = await sandbox.openTree({ lowers: [join(base, 'low')], epochSeconds: 1, signal: controller.signal });
    const running = other.run({ argv: ['/bin/sh', '-c', 'echo up; exec sleep 40421'], env: { PATH: '/bin' }, onLine: () => resolve() });
    const stopped = expect(running).rejects.toThrow('enough');
    await up;
    const busy = { code: 'ICT_SANDBOX_BUSY' };
    await expect(other.extract(archive, 'tar')).rejects.toMatchObject(busy);
    await expect(other.expose([{ file: archive } as VerifiedPackage], '/shown')).rejects.toMatchObject(busy);
    await expect(other.mount({ path: base }, '/mounted', false)).rejects.toMatchObject(busy);
    controller.abort(new Error('enough'));
    await stopped;
    await other.close();
  });

  it('is waited for by commands and by other archives', async () => {
    const archive = await tar(Array.from({ length: 500 }, (_, index) => member(`turns/${index}`)));
    const unpacking = ['/one', '/two'].map((at) => tree.extract(archive, 'tar', at));
    expect((await sh('ls -1 /one/turns /two/turns')).match(/^\d+$/gm)).toHaveLength(1000);
    await Promise.all(unpacking);
  });

  it('refuses members that leave the tree', async () => {
    await expect(tree.extract(await tar([member('../../escape')]), 'tar')).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ESCAPE' });
    await expect(tree.extract(join(base, 'outside/secret'), 'deb')).rejects.toMatchObject({ code: 'ICT_ARCHIVE_AR' });
  });
});

it('shows packages read-only under their own names', async () => {
  const host = join(base, 'low/packages');
  mkdirSync(host, { recursive: true });
  const shown = (name: string): VerifiedPackage => ({ path: 'pool/other-name.deb', file: join(host, name) }) as VerifiedPackage;
  for (const name of ['a_1%3a2.deb', 'b.deb']) writeFileSync(join(host, name), 'secret');
  await tree.expose([shown('a_1%3a2.deb'), shown('b.deb')], '/run/ict/packages');
  expect(await sh('cd /run/ict/packages; ls; cat a_1%3a2.deb; (: > b.deb) 2>/dev/null || echo read-only')).toBe(
    'a_1%3a2.deb\nb.deb\nsecretread-only\n',
  );
  await tree.expose([shown('b.deb')], '/run/ict/packages');
  expect(await sh('cd /run/ict/packages; ls; cat b.deb')).toBe('b.deb\nsecret');
  await expect(tree.expose([shown('b.deb'), shown('b.deb')], '/run/x')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  await expect(tree.expose([shown('none')], '/run/x')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
});
