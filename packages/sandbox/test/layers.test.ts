import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { writeTar, type TarInput } from '@ict/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedPaths, isUnread, layerDigest, startSandbox, type LayerEntry, type LayerManifest, type Sandbox } from '../src/index.js';
import { makeBase, makeHostTree } from './host-tree.js';

const EPOCH = 1_000_000_000;
const base = makeBase();
const low = join(base, 'low');
const { signal } = new AbortController();
let sandbox: Sandbox;
let made: LayerManifest;
let again: LayerManifest;

/** Everything that an overlay's upper can hold. */
const SCRIPT = `set -e
rm /data/gone /data/gone2 /data/gone3
rm -r /data/emptied; mkdir /data/emptied; echo new > /data/emptied/new
rm -r /data/becomes-link; ln -s elsewhere /data/becomes-link
echo content > /z-first; ln /z-first /a-second; mkdir /m; ln /z-first /m/third
cp_suid() { echo x > "$1"; chmod "$2" "$1"; chown 33:44 "$1"; chmod "$2" "$1"; }
cp_suid /suid 4755; cp_suid /sgid 2755
truncate -s 5000000 /sparse; echo end >> /sparse
mkfifo /fifo
touch -d @5 /old; touch -d @5.75 /fraction
chmod 1700 /m
echo x > "/odd name
with line é"
ln -s 'target with space' /sym
`;

async function build(name: string, archive?: string): Promise<LayerManifest> {
  const tree = await sandbox.openTree({
    lowers: [low],
    upper: { directory: join(base, name), work: join(base, `${name}.work`) },
    epochSeconds: EPOCH,
    signal,
  });
  await tree.run({ argv: ['/bin/sh', '-c', SCRIPT], env: { PATH: '/usr/bin:/bin' } });
  await tree.close();
  return seal(join(base, name), archive);
}

/** Seals a directory, which tells of its contents what a look at them does. */
async function seal(directory: string, archive?: string): Promise<LayerManifest> {
  const options = { epochSeconds: EPOCH, ...(archive === undefined ? {} : { archive }) };
  const { contents, ...manifest } = await sandbox.sealLayer(directory, options);
  expect(await sandbox.statLayer(directory, contents)).toEqual(await sandbox.statLayer(directory));
  return manifest;
}

const entry = (path: string): LayerEntry | undefined => made.entries.find((other) => other.path === path);

beforeAll(async () => {
  makeHostTree(low);
  for (const directory of ['data', 'data/emptied', 'data/becomes-link']) mkdirSync(join(low, directory));
  for (const file of ['gone', 'gone2', 'gone3', 'emptied/a', 'emptied/b', 'becomes-link/a']) writeFileSync(join(low, 'data', file), 'x');
  sandbox = await startSandbox({ signal, temporary: base });
  made = await build('one', join(base, 'one.tar.gz'));
  again = await build('two', join(base, 'again.tar.gz'));
});

afterAll(async () => {
  for (const name of readdirSync(base).filter((other) => !other.startsWith('sandbox-'))) {
    if (lstatSync(join(base, name)).isDirectory()) await sandbox.removeTree(join(base, name));
  }
  await sandbox.close();
  rmSync(base, { recursive: true });
});

describe('a sealed layer', () => {
  it('knows deletions, however the kernel links them', () => {
    for (const path of ['/data/gone', '/data/gone2', '/data/gone3']) {
      expect(entry(path)).toEqual({ path, type: 'character', mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, whiteout: true });
    }
    expect(statSync(join(base, 'one/data/gone')).isCharacterDevice()).toBe(true);
  });

  it('knows directories that hide what is below', () => {
    expect(entry('/data/emptied')).toMatchObject({ type: 'directory', opaque: true });
    expect(entry('/data/emptied')?.xattrs).toBeUndefined();
    expect(entry('/data/becomes-link')).toMatchObject({ type: 'symlink', linkTarget: 'elsewhere' });
    expect(entry('/data')?.opaque).toBeUndefined();
  });

  it('names hard links after the first in byte order', () => {
    expect(entry('/a-second')).toMatchObject({ type: 'file', sizeBytes: 8 });
    expect(entry('/m/third')).toMatchObject({ hardlinkOf: '/a-second' });
    expect(entry('/z-first')).toMatchObject({ hardlinkOf: '/a-second' });
    expect(entry('/z-first')?.digest).toBeUndefined();
  });

  it('keeps modes, owners, sizes and odd names', () => {
    expect(entry('/suid')).toMatchObject({ mode: 0o4755, uid: 33, gid: 44 });
    expect(entry('/sgid')).toMatchObject({ mode: 0o2755 });
    expect(entry('/m')).toMatchObject({ mode: 0o1700 });
    expect(entry('/sparse')).toMatchObject({ sizeBytes: 5_000_004 });
    expect(entry('/fifo')).toMatchObject({ type: 'fifo' });
    expect(entry('/odd name\nwith line é')).toMatchObject({ type: 'file' });
    expect(entry('/')).toMatchObject({ type: 'directory', mode: 0o755 });
  });

  it('has whole seconds, none after the epoch', () => {
    expect(entry('/old')?.mtimeSeconds).toBe(5);
    expect(entry('/fraction')?.mtimeSeconds).toBe(5);
    expect(statSync(join(base, 'one/fraction')).mtimeMs).toBe(5000);
    expect(Math.max(...made.entries.map(({ mtimeSeconds }) => mtimeSeconds))).toBe(EPOCH);
    expect(statSync(join(base, 'one/data')).mtimeMs).toBe(EPOCH * 1000);
  });

  it('is the same from every build, archive included', () => {
    expect(again).toEqual(made);
    expect(layerDigest(made.entries)).toBe(made.digest);
    expect(readFileSync(join(base, 'again.tar.gz')).equals(readFileSync(join(base, 'one.tar.gz')))).toBe(true);
  });

  /** The two ways in which a layer comes to lie elsewhere. */
  const ways: readonly (readonly [string, (name: string, to: string) => Promise<unknown>])[] = [
    ['its archive', (name, to) => sandbox.unpackLayer(join(base, `${name}.tar.gz`), to)],
    ['a copy', (name, to) => sandbox.copyLayer(join(base, name), to)],
  ];

  it.each(ways)('shows the same tree from %s', async (what, bring) => {
    const restored = join(base, `restored\\040from ${what}`);
    await bring('one', restored);
    expect(await sandbox.verifyLayer(restored, made, { mode: 'full' })).toEqual({ ok: true, changed: [] });
    const views = await Promise.all(
      [join(base, 'one'), restored].map(async (directory) => {
        const tree = await sandbox.openTree({ lowers: [low, directory], epochSeconds: EPOCH, signal });
        const found = [await tree.list('/data'), await tree.list('/data/emptied'), await tree.list('/')];
        await tree.close();
        return found;
      }),
    );
    expect(views[1]?.flat().map(({ path }) => path)).toEqual(views[0]?.flat().map(({ path }) => path));
    expect(views[0]?.[0]?.map(({ path }) => path)).toEqual(['/data/becomes-link', '/data/emptied']);
    expect(views[0]?.[1]?.map(({ path }) => path)).toEqual(['/data/emptied/new']);
  });

  it('stays sparse in a copy, and may become an upper again', async () => {
    const directory = join(base, 'continued');
    await sandbox.copyLayer(join(base, 'one'), directory);
    expect(lstatSync(join(directory, 'sparse')).blocks).toBe(lstatSync(join(base, 'one', 'sparse')).blocks);
    const upper = { directory, work: join(base, 'continued.work') };
    const tree = await sandbox.openTree({ lowers: [low], upper, epochSeconds: EPOCH, signal });
    expect((await tree.list('/data')).map(({ path }) => path)).toEqual(['/data/becomes-link', '/data/emptied']);
    await tree.write('/added', 'more', { mtimeSeconds: 5 });
    await tree.close();
    const sealed = await sandbox.sealLayer(directory, { epochSeconds: EPOCH });
    expect(changedPaths(made.entries, sealed.entries)).toEqual(['/added']);
  });

  it('refuses a name that is not UTF-8, and says what to do', async () => {
    const source = join(base, 'odd');
    mkdirSync(source);
    writeFileSync(Buffer.concat([Buffer.from(`${source}/caf`), Buffer.from([0xe9])]), '');
    await expect(sandbox.sealLayer(source, { epochSeconds: EPOCH })).rejects.toMatchObject({
      code: 'ICT_SANDBOX_LAYER',
      message: expect.stringContaining('is not UTF-8'),
      hint: expect.stringContaining('rename'),
    });
  });

  it.each(ways)('keeps device nodes through %s', async (what, bring) => {
    const source = join(base, 'devices');
    const target = join(base, `devices from ${what}`);
    if (!existsSync(source)) {
      const upper = { directory: source, work: join(base, 'devices.work') };
      const tree = await sandbox.openTree({ lowers: [low], upper, epochSeconds: EPOCH, signal });
      const env = { PATH: '/usr/bin:/bin' };
      await tree.run({ argv: ['/bin/sh', '-c', 'mknod /character c 1 3; mknod /block b 7 200; chmod 640 /block'], env });
      await tree.close();
      await sandbox.sealLayer(source, { epochSeconds: EPOCH, archive: join(base, 'devices.tar.gz') });
    }
    await bring('devices', target);
    const { entries } = await sandbox.readLayer(target);
    expect(entries.filter(({ dev }) => dev !== undefined).map(({ path, type, mode, dev }) => [path, type, mode.toString(8), dev])).toEqual([
      ['/block', 'block', '640', { major: 7, minor: 200 }],
      ['/character', 'character', '644', { major: 1, minor: 3 }],
    ]);
  });

  it('keeps capabilities and ACLs through an archive and a copy', async () => {
    const [source, target] = [join(base, 'attributes'), join(base, 'attributes.restored')];
    const acl = Buffer.from('0200000001000600ffffffff04000400ffffffff080005000400000010000500ffffffff20000400ffffffff', 'hex');
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const member = (path: string, attribute: string, value: Buffer, mode = 0o644): TarInput => {
      return {
        path,
        type: 'file',
        mode,
        uid: 0,
        gid: 0,
        mtimeSeconds: 7,
        content: Buffer.from(path),
        xattrs: new Map([[attribute, value]]),
      };
    };
    const members = [
      member('acl', 'system.posix_acl_access', acl, 0o654),
      member('cap', 'security.capability', capability),
      member('user', 'user.note', Buffer.from('a\0b\n')),
    ];
    await writeFile(join(base, 'attributes.tar'), writeTar(members));
    const upper = { directory: source, work: join(base, 'attributes.work') };
    const tree = await sandbox.openTree({ lowers: [], upper, epochSeconds: EPOCH, signal });
    await tree.extract(join(base, 'attributes.tar'), 'tar');
    await tree.close();
    const sealed = await seal(source, join(base, 'attributes.tar.gz'));
    const files = sealed.entries.filter(({ type }) => type === 'file');
    expect(files.map(({ path, xattrs }) => [path, xattrs])).toEqual([
      ['/acl', { 'system.posix_acl_access': acl.toString('base64') }],
      ['/cap', { 'security.capability': capability.toString('base64') }],
      ['/user', { 'user.note': Buffer.from('a\0b\n').toString('base64') }],
    ]);
    // Of attributes tar does not say that they could not be set: this comes from reading what it made.
    expect(await sandbox.unpackLayer(join(base, 'attributes.tar.gz'), target)).toEqual(sealed);
    expect(await sandbox.listArchive(join(base, 'attributes.tar.gz'))).toEqual(sealed);
    expect((await sandbox.readLayer(target)).digest).toBe(sealed.digest);
    await sandbox.copyLayer(source, join(base, 'attributes.copied'));
    expect((await sandbox.readLayer(join(base, 'attributes.copied'))).digest).toBe(sealed.digest);
  });

  it('is told from one read of its archive, whatever that should hold', async () => {
    mkdirSync(join(base, 'plain/d'), { recursive: true });
    writeFileSync(join(base, 'plain/d/file'), 'CONTENT\n');
    linkSync(join(base, 'plain/d/file'), join(base, 'plain/link'));
    const archive = join(base, 'plain.tar.gz');
    const sealed = await seal(join(base, 'plain'), archive);
    expect(await sandbox.unpackLayer(archive, join(base, 'plain-again'))).toEqual(sealed);
    const again = join(base, 'plain-again.tar.gz');
    expect((await sandbox.readLayer(join(base, 'plain-again'), { archive: again })).digest).toBe(sealed.digest);
    expect(await sandbox.listArchive(again)).toEqual(sealed);

    const tar = gunzipSync(readFileSync(archive));
    tar.write('Content', tar.indexOf('CONTENT'));
    writeFileSync(archive, gzipSync(tar));
    const other = await sandbox.unpackLayer(archive, join(base, 'plain-other'));
    expect(other.digest).not.toBe(sealed.digest);
    expect(await sandbox.listArchive(archive)).toEqual(other);
    expect((await sandbox.readLayer(join(base, 'plain-other'))).digest).toBe(other.digest);
  });

  it('comes back whole from a large archive, stored or compressed, with names that lie across its pieces', async () => {
    const directory = join(base, 'large', 'n'.repeat(120));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'large'), randomBytes(3_000_000));
    // Each has a header of its own for its long name, and what lies before it shifts the next.
    for (let file = 0; file < 400; file++) writeFileSync(join(directory, `${'m'.repeat(120)}-${file}`), randomBytes(file * 11));
    const archive = join(base, 'large.tar.gz');
    const sealed = await seal(join(base, 'large'), archive);
    expect(await sandbox.unpackLayer(archive, join(base, 'large-stored'))).toEqual(sealed);
    expect(await sandbox.listArchive(archive)).toEqual(sealed);
    expect((await sandbox.readLayer(join(base, 'large-stored'))).digest).toBe(sealed.digest);
    writeFileSync(archive, gzipSync(gunzipSync(readFileSync(archive)), { level: 1 }));
    expect(await sandbox.unpackLayer(archive, join(base, 'large-compressed'))).toEqual(sealed);
    expect(await sandbox.listArchive(archive)).toEqual(sealed);
    expect((await sandbox.readLayer(join(base, 'large-compressed'))).digest).toBe(sealed.digest);
  });

  it('loses its sockets, which no archive keeps', async () => {
    const directory = join(base, 'socket');
    mkdirSync(directory);
    execFileSync('perl', [
      '-e',
      'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])) or die',
      join(directory, 's'),
    ]);
    utimesSync(directory, 7, 7);
    const { entries } = await sandbox.sealLayer(directory, { epochSeconds: EPOCH });
    expect(entries.map(({ path, mtimeSeconds }) => [path, mtimeSeconds])).toEqual([['/', 7]]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('verifying', () => {
  it('trusts an unchanged signature and says which path changed', async () => {
    const directory = join(base, 'two');
    const { digest: signature, entries } = await sandbox.statLayer(directory);
    expect(entries).toBe(made.entries.length);
    expect(await sandbox.verifyLayer(directory, made, { mode: 'signature', signature })).toEqual({ ok: true, changed: [] });

    appendFileSync(join(directory, 'old'), 'x');
    const after = await sandbox.verifyLayer(directory, made, { mode: 'signature', signature });
    expect(after).toEqual({ ok: false, changed: ['/old'] });
    expect((await sandbox.verifyLayer(directory, made, { mode: 'full' })).changed).toEqual(['/old']);
  });

  it('sees an edit that restores size and time', async () => {
    const directory = join(base, 'edited');
    await sandbox.unpackLayer(join(base, 'one.tar.gz'), directory);
    const { digest: signature } = await sandbox.statLayer(directory);
    const file = join(directory, 'a-second');
    writeFileSync(file, 'CONTENT\n');
    utimesSync(file, EPOCH, EPOCH);
    expect(await sandbox.verifyLayer(directory, made, { mode: 'signature', signature })).toEqual({ ok: false, changed: [] });
    const full = await sandbox.verifyLayer(directory, made, { mode: 'full' });
    expect(full).toEqual({ ok: false, changed: ['/a-second'] });
  });

  it('signs a directory that was moved after it was sealed, and sees a later edit', async () => {
    const [sealed, moved] = [join(base, 'to-move'), join(base, 'moved')];
    await sandbox.unpackLayer(join(base, 'one.tar.gz'), sealed);
    const { contents } = await sandbox.sealLayer(sealed, { epochSeconds: EPOCH });
    renameSync(sealed, moved);
    expect(await sandbox.statLayer(moved, contents)).toEqual(await sandbox.statLayer(moved));
    chmodSync(join(moved, 'old'), 0o600);
    const { digest: signature } = await sandbox.statLayer(moved, contents);
    expect((await sandbox.verifyLayer(moved, made, { mode: 'signature', signature })).changed).toEqual(['/old']);
  });

  it('sees removed and added paths', async () => {
    const directory = join(base, 'edited2');
    await sandbox.unpackLayer(join(base, 'one.tar.gz'), directory);
    rmSync(join(directory, 'sym'));
    writeFileSync(join(directory, 'added'), '');
    const { changed } = await sandbox.verifyLayer(directory, made, { mode: 'signature' });
    // The root's time changed with its names.
    expect(changed).toEqual(['/', '/added', '/sym']);
  });
});

describe('packing', () => {
  const pack = (sizeBytes: number) => {
    const file = join(base, 'packed');
    writeFileSync(file, Buffer.alloc(16 * 4096));
    const target = { file, offsetBytes: 4096, blockBytes: 4096, free: [{ at: 3, count: 9 }] };
    return sandbox.packFiles([{ path: join(base, 'one/z-first'), sizeBytes }], target, signal);
  };

  it('writes the contents of files of layers to a host file', async () => {
    expect(await pack(8)).toEqual({ kind: 'packed', extents: [[{ first: 0, at: 3, count: 1 }]] });
    const expected = Buffer.alloc(16 * 4096);
    expected.write('content\n', 4 * 4096);
    expect(readFileSync(join(base, 'packed')).equals(expected)).toBe(true);
  });

  it('fails when a file is not what its layer says', async () => {
    await expect(pack(9)).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER', facts: { place: join(base, 'packed') } });
  });
});

describe('placing', () => {
  const place = async (sizeBytes: number): Promise<void> => {
    writeFileSync(join(base, 'placed'), Buffer.alloc(100));
    await sandbox.placeFiles([{ path: join(base, 'one/z-first'), sizeBytes, offsetBytes: 30 }], join(base, 'placed'), signal);
  };

  it('writes the contents of files of layers where they belong in a host file', async () => {
    await place(8);
    const expected = Buffer.alloc(100);
    expected.write('content\n', 30);
    expect(readFileSync(join(base, 'placed')).equals(expected)).toBe(true);
  });

  it('fails when a file is not what its layer says', async () => {
    await expect(place(9)).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER', facts: { place: join(base, 'placed') } });
  });
});

describe('failures', () => {
  it('of an archive leave no file', async () => {
    const failing = sandbox.sealLayer(join(base, 'one'), { epochSeconds: EPOCH, archive: join(base, 'none/s.tar.gz') });
    await expect(failing).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
    const missing = sandbox.sealLayer(join(base, 'missing'), { epochSeconds: EPOCH, archive: join(base, 's.tar.gz') });
    await expect(missing).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
    expect(readdirSync(base).filter((name) => name.includes('.ict-') || name === 's.tar.gz')).toEqual([]);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 40)],
    ['damaged', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 300), Buffer.from('damage'), bytes.subarray(306)])],
    ['damaged in a file', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 9000 ? byte ^ 1 : byte)))],
    ['no gzip', () => Buffer.from('plain')],
  ])('show when an archive is %s', async (_what, damage) => {
    const file = join(base, 'damaged.tar.gz');
    writeFileSync(file, damage(readFileSync(join(base, 'one.tar.gz'))));
    const restoring = sandbox.unpackLayer(file, join(base, 'damaged'));
    await expect(restoring).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
    const listing: unknown = await sandbox.listArchive(file).catch((error: unknown) => error);
    expect(listing).toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
    expect(isUnread(listing)).toBe(false);
    await sandbox.removeTree(join(base, 'damaged'));
  });

  it('tell what cannot be read from what is damaged', async () => {
    // The memory of a process answers EIO, as a failing disk does.
    const failing: unknown = await sandbox.listArchive('/proc/self/mem').catch((error: unknown) => error);
    expect(failing).toMatchObject({ code: 'ICT_SANDBOX_LAYER', message: expect.stringContaining('EIO') as string });
    expect(isUnread(failing)).toBe(true);
    const refused: unknown = await sandbox.readLayer(join(base, 'missing')).catch((error: unknown) => error);
    expect(isUnread(refused)).toBe(true);
  });

  it('show when the directory to copy to is not empty, and when there is nothing to copy', async () => {
    await expect(sandbox.copyLayer(join(base, 'one'), join(base, 'two'))).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
    await expect(sandbox.copyLayer(join(base, 'none'), join(base, 'new'))).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
  });

  it('show when the directory to restore to is not empty', async () => {
    await expect(sandbox.unpackLayer(join(base, 'one.tar.gz'), join(base, 'one'))).rejects.toMatchObject({
      code: 'ICT_SANDBOX_LAYER',
    });
  });

  it('come with the reason of an abort', async () => {
    const restoring = sandbox.unpackLayer(join(base, 'one.tar.gz'), join(base, 'aborted'), AbortSignal.abort(new Error('stop')));
    await expect(restoring).rejects.toThrow('stop');
    await expect(sandbox.listArchive(join(base, 'one.tar.gz'), AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    const aborting = sandbox.sealLayer(join(base, 'one'), { epochSeconds: EPOCH, signal: AbortSignal.abort(new Error('stop')) });
    await expect(aborting).rejects.toThrow('stop');
  });
});

describe('removeTree', () => {
  it('does not follow links, and does nothing where nothing is', async () => {
    const directory = join(base, 'removed');
    mkdirSync(join(directory, 'deep'), { recursive: true });
    mkdirSync(join(base, 'kept'));
    symlinkSync(join(base, 'kept'), join(directory, 'deep/link'));
    symlinkSync(join(base, 'kept'), join(base, 'link-to-kept'));
    await sandbox.removeTree(directory);
    await sandbox.removeTree(directory);
    expect([existsSync(directory), existsSync(join(base, 'kept'))]).toEqual([false, true]);
    await expect(sandbox.removeTree(join(base, 'link-to-kept'))).rejects.toMatchObject({ code: 'ICT_SANDBOX_REMOVE' });
  });

  it('refuses what has something mounted in it', async () => {
    await expect(sandbox.removeTree('/')).rejects.toMatchObject({ code: 'ICT_SANDBOX_REMOVE' });
    const [session] = readdirSync(base).filter((name) => name.startsWith('sandbox-'));
    await expect(sandbox.removeTree(join(base, session ?? ''))).rejects.toMatchObject({ code: 'ICT_SANDBOX_REMOVE' });
  });
});

it('writes an archive that any tar can read', () => {
  writeFileSync(join(base, 'plain.tar'), gunzipSync(readFileSync(join(base, 'one.tar.gz'))));
  const names = execFileSync('tar', ['-t', '--quoting-style=literal', '-f', join(base, 'plain.tar')], { encoding: 'utf8' });
  expect(names.split('\n')).toContain('./data/gone');
});
