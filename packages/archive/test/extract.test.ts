import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractTree, readDeb, readTar, writeTar, type ExtractOptions, type ExtractReport, type TarInput } from '../src/index.js';
import { collect, FIXTURES, inPieces, sh, temporaryDirectory } from './workspace.js';

const isRoot = process.getuid?.() === 0;
const base = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_000_000 } as const;
const file = (path: string, content = path, more: Partial<TarInput> = {}): TarInput => ({
  ...base,
  path,
  type: 'file',
  content: Buffer.from(content),
  ...more,
});
const directory = (path: string, more: Partial<TarInput> = {}): TarInput => ({ ...base, path, type: 'directory', mode: 0o755, ...more });
const symlink = (path: string, linkTarget: string): TarInput => ({ ...base, path, type: 'symlink', mode: 0o777, linkTarget });
const hardlink = (path: string, linkTarget: string): TarInput => ({ ...base, path, type: 'hardlink', linkTarget });

async function extract(root: string, entries: readonly TarInput[], options: Partial<ExtractOptions> = {}): Promise<ExtractReport> {
  return extractTree(readTar(inPieces(await collect(writeTar(entries)), 1000)), root, { owners: false, ...options });
}

/** A root with a place beside it that nothing may reach. */
function place(): { root: string; outside: string } {
  const at = temporaryDirectory();
  const root = join(at, 'root');
  const outside = join(at, 'outside');
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  return { root, outside };
}

/** Everything that can be seen of a tree, one line an entry: of directories not the size, of files a digest of what they hold. */
function listing(root: string): string {
  const lines = ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })].map((path) => {
    const place = join(root, path);
    const stat = lstatSync(place, { bigint: true });
    const seen = [path, stat.mode.toString(8), stat.uid, stat.gid, stat.mtimeNs, stat.nlink, stat.rdev];
    if (stat.isSymbolicLink()) seen.push(readlinkSync(place));
    if (stat.isFile()) seen.push(stat.size, createHash('sha256').update(readFileSync(place)).digest('hex'));
    return seen.join(' ');
  });
  return lines.sort().join('\n');
}

describe('attributes', () => {
  it('sets modes, times and links exactly, whatever the umask', async () => {
    const { root } = place();
    const umask = process.umask(0o077);
    try {
      await extract(root, [
        directory('.', { mode: 0o751, mtimeSeconds: 5 }),
        directory('closed', { mode: 0o500, mtimeSeconds: 7 }),
        file('closed/setuid', 'x', { mode: 0o6755, mtimeSeconds: 9 }),
        hardlink('hard', 'closed/setuid'),
        symlink('link', '/anything/at all'),
        file('old', 'x', { mtimeSeconds: -10 }),
      ]);
    } finally {
      process.umask(umask);
    }
    expect([statSync(root).mode & 0o7777, statSync(root).mtimeMs]).toEqual([0o751, 5000]);
    expect([statSync(join(root, 'closed')).mode & 0o7777, statSync(join(root, 'closed')).mtimeMs]).toEqual([0o500, 7000]);
    expect([statSync(join(root, 'hard')).mode & 0o7777, statSync(join(root, 'hard')).nlink, statSync(join(root, 'hard')).mtimeMs]).toEqual([
      0o6755, 2, 9000,
    ]);
    expect([readlinkSync(join(root, 'link')), lstatSync(join(root, 'link')).mtimeMs]).toEqual(['/anything/at all', 1e9]);
    expect(statSync(join(root, 'old')).mtimeMs).toBe(-10_000);
  });

  it('clamps times and gives implied directories a fixed look', async () => {
    const { root } = place();
    await extract(root, [file('a/b/c', 'x', { mtimeSeconds: 2_000_000_000 }), file('old', 'x', { mtimeSeconds: 3 })], {
      clampMtimeSeconds: 1000,
    });
    expect(statSync(join(root, 'a/b/c')).mtimeMs).toBe(1_000_000);
    expect([statSync(join(root, 'a/b')).mtimeMs, statSync(join(root, 'a')).mode & 0o7777]).toEqual([1_000_000, 0o755]);
    expect(statSync(join(root, 'old')).mtimeMs).toBe(3000);
  });

  it('reports extended attributes and counts', async () => {
    const { root } = place();
    const xattrs = new Map([['security.capability', new Uint8Array([1, 2])]]);
    expect(await extract(root, [file('./bin/ping', 'ping', { xattrs }), directory('./', { xattrs })])).toEqual({
      entries: 2,
      sizeBytes: 4,
      withXattrs: [
        { path: 'bin/ping', xattrs },
        { path: '.', xattrs },
      ],
    });
  });

  it('keeps holes', async () => {
    const { root, outside } = place();
    sh('truncate -s 20000000 sparse; printf end >> sparse; truncate -s 30000000 sparse; tar -S -cf t.tar sparse', outside);
    await extractTree(readTar(inPieces(readFileSync(join(outside, 't.tar')), 65536)), root, { owners: false });
    expect(readFileSync(join(root, 'sparse')).equals(readFileSync(join(outside, 'sparse')))).toBe(true);
    expect(statSync(join(root, 'sparse')).blocks * 512).toBeLessThan(1_000_000);
  });
});

describe('what stands there already', () => {
  it('keeps links to directories, relative and absolute, with the directory’s attributes', async () => {
    const { root } = place();
    await extract(root, [
      directory('usr'),
      directory('usr/bin', { mode: 0o711, mtimeSeconds: 77 }),
      symlink('bin', 'usr/bin'),
      symlink('sbin', '/usr/bin'),
    ]);
    await extract(root, [directory('./bin'), file('./bin/sh'), directory('./sbin'), file('./sbin/init')]);
    expect(lstatSync(join(root, 'bin')).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(root, 'usr/bin'))).toEqual(['init', 'sh']);
    expect(statSync(join(root, 'usr/bin')).mode & 0o777).toBe(0o711);
  });

  it('makes the directory that a link of the archive leads to', async () => {
    const { root } = place();
    await extract(root, [symlink('lib', 'usr/lib'), file('lib/x')]);
    expect(readFileSync(join(root, 'usr/lib/x'), 'utf8')).toBe('lib/x');
  });

  it('replaces files and links, and never writes through them', async () => {
    const { root, outside } = place();
    symlinkSync(join(outside, 'secret'), join(root, 'a'));
    writeFileSync(join(root, 'b'), 'old');
    symlinkSync('nowhere', join(root, 'c'));
    symlinkSync('b', join(root, 'd'));
    await extract(root, [hardlink('b2', 'b'), file('a', 'new'), file('b', 'new'), directory('c'), directory('d'), symlink('b2', 'x')]);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('new');
    expect(lstatSync(join(root, 'c')).isDirectory() && lstatSync(join(root, 'd')).isDirectory()).toBe(true);
    expect(readlinkSync(join(root, 'b2'))).toBe('x');
  });

  it('replaces an empty directory and refuses a full one', async () => {
    const { root } = place();
    await extract(root, [directory('a', { mode: 0o500 }), file('a', 'now a file'), file('b/x')]);
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('now a file');
    await expect(extract(root, [symlink('b', 'a')])).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CONFLICT' });
  });

  it.each<[string, TarInput[], string]>([
    ['a file as parent', [file('a'), file('a/b')], 'ICT_ARCHIVE_CONFLICT'],
    ['a file as the root', [file('.')], 'ICT_ARCHIVE_CONFLICT'],
    ['a link as the root', [symlink('./.', 'x')], 'ICT_ARCHIVE_CONFLICT'],
    ['links in a circle', [symlink('a', 'b'), symlink('b', 'a'), file('a/x')], 'ICT_ARCHIVE_CONFLICT'],
    ['a hard link to nothing', [hardlink('a', 'b')], 'ICT_ARCHIVE_LINK'],
    ['a hard link to a directory', [directory('d'), hardlink('a', 'd')], 'ICT_ARCHIVE_LINK'],
    ['a hard link to the root', [hardlink('a', '.')], 'ICT_ARCHIVE_LINK'],
    ['a device', [{ ...base, path: 'null', type: 'character', devMajor: 1, devMinor: 3 }], 'ICT_ARCHIVE_DEVICE'],
    ['a fifo', [{ ...base, path: 'pipe', type: 'fifo' }], 'ICT_ARCHIVE_DEVICE'],
    ['a name too long', [file('n'.repeat(300))], 'ICT_ARCHIVE_WRITE'],
  ])('refuses %s', async (_name, entries, code) => {
    await expect(extract(place().root, entries)).rejects.toMatchObject({ code });
  });

  it('says what is too long', async () => {
    const { root } = place();
    const refused = extract(root, [file('n'.repeat(256))]);
    await expect(refused).rejects.toMatchObject({ code: 'ICT_ARCHIVE_WRITE', hint: expect.stringContaining('255 bytes') as string });
  });

  it('wants a directory to unpack into', async () => {
    const { root } = place();
    await expect(extract(join(root, 'absent'), [])).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CONFLICT' });
    writeFileSync(join(root, 'f'), '');
    await expect(extract(join(root, 'f'), [])).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CONFLICT' });
  });

  it('accepts a root that is reached through a link', async () => {
    const { root, outside } = place();
    symlinkSync(root, join(outside, 'link'));
    await extract(join(outside, 'link'), [file('a/b')]);
    expect(readFileSync(join(root, 'a/b'), 'utf8')).toBe('a/b');
  });

  it('makes fifos and, for root, devices when asked', async () => {
    const { root } = place();
    await extract(root, [{ ...base, path: 'pipe', type: 'fifo', mode: 0o620 }], { devices: 'create' });
    expect([lstatSync(join(root, 'pipe')).isFIFO(), lstatSync(join(root, 'pipe')).mode & 0o777]).toEqual([true, 0o620]);
    const device: TarInput = { ...base, path: 'zero', type: 'character', devMajor: 1, devMinor: 5, mode: 0o666 };
    const outcome = await extract(root, [device], { devices: 'create' }).then(
      () => 'made',
      (error: { code?: string }) => error.code,
    );
    expect(outcome).toBe(existsSync(join(root, 'zero')) ? 'made' : 'ICT_ARCHIVE_WRITE');
    if (outcome === 'made') expect(lstatSync(join(root, 'zero')).rdev).toBe(0x105);
  });
});

describe('escapes', () => {
  it.each<[string, TarInput[]]>([
    ['..', [file('../outside/x')]],
    ['.. after a slash', [file('/../outside/x')]],
    ['.. within', [file('a/../../outside/x')]],
    ['.. that stays inside by its letters', [file('a/../b')]],
    ['a directory called ..', [directory('..')]],
    ['a relative link that climbs out', [symlink('l', '../outside'), file('l/x')]],
    ['a link that climbs out by parts', [directory('a'), symlink('a/up', '..'), symlink('l', 'a/up/../..'), file('l/outside/x')]],
    ['a directory over a link that climbs out', [symlink('l', '../outside'), directory('l'), file('l/x')]],
    ['a hard link to the outside', [hardlink('a', '../outside/secret')]],
    ['a hard link through a link', [symlink('l', '../outside'), hardlink('a', 'l/secret')]],
    ['a link made where a directory was', [file('d/e/x'), symlink('l', 'd/e'), file('l/y'), symlink('l', '../outside'), file('l/z')]],
  ])('refuses %s', async (_name, entries) => {
    const { root, outside } = place();
    await expect(extract(root, entries)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ESCAPE' });
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(statSync(join(outside, 'secret')).nlink).toBe(1);
  });

  it('takes absolute names and link targets below the root', async () => {
    const { root, outside } = place();
    await extract(root, [file('/abs/x'), symlink('l', outside), file('l/y'), hardlink('h', '/abs/x')]);
    expect(readFileSync(join(root, 'abs/x'), 'utf8')).toBe('/abs/x');
    expect(readFileSync(join(root, outside, 'y'), 'utf8')).toBe('l/y');
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  it('hold for any sequence of entries', async () => {
    const part = fc.constantFrom('a', 'b', 'c', '..', '.', '');
    const anyPath = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/') || '/');
    const target = fc.oneof(anyPath, fc.constantFrom('../outside', '../../outside', '/', '../outside/secret', 'a/../../outside'));
    const clean = anyPath.map((path) => path.replace(/\/+$/, '') || 'a');
    const entry = fc.oneof(
      clean.map((path) => file(path)),
      anyPath.map((path) => directory(path)),
      fc.tuple(clean, target).map(([path, to]) => symlink(path, to)),
      fc.tuple(clean, target).map(([path, to]) => hardlink(path, to)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 12 }), async (entries) => {
        const { root, outside } = place();
        const before = listing(outside);
        for (const single of entries) {
          const outcome = await extract(root, [single]).then(
            () => 'done',
            (error: { code?: string }) => error.code,
          );
          expect(['done', 'ICT_ARCHIVE_ESCAPE', 'ICT_ARCHIVE_CONFLICT', 'ICT_ARCHIVE_LINK']).toContain(outcome);
        }
        await extract(root, entries).catch((error: { code?: string }) =>
          expect(['ICT_ARCHIVE_ESCAPE', 'ICT_ARCHIVE_CONFLICT', 'ICT_ARCHIVE_LINK']).toContain(error.code),
        );
        expect(listing(outside)).toBe(before);
        expect(readdirSync(join(root, '..')).sort()).toEqual(['outside', 'root']);
      }),
      { numRuns: 60 },
    );
  });
});

describe('GNU tar as oracle', () => {
  it.each(['dash_0.5.12-2_amd64.deb', 'hello_2.10-3_amd64.deb', 'hardlink_0.2.1_amd64.deb'])(
    '%s unpacks as dpkg-deb and tar do',
    async (name) => {
      const at = temporaryDirectory();
      sh(
        `for tree in ours theirs; do mkdir -p $tree/usr/bin; ln -s usr/bin $tree/bin; touch -h -d @1 $tree/bin; touch -d @1 $tree/usr/bin $tree/usr $tree; done
        dpkg-deb --fsys-tarfile ${join(FIXTURES, name)} | tar -x -p --delay-directory-restore --keep-directory-symlink ${isRoot ? '--same-owner --numeric-owner' : '--no-same-owner'} -C theirs`,
        at,
      );
      await extractTree((await readDeb(join(FIXTURES, name))).data(), join(at, 'ours'), { owners: isRoot });
      // What --keep-directory-symlink leaves alone has its time from the moment of unpacking.
      sh('touch -d @1 ours/usr/bin theirs/usr/bin', at);
      expect(listing(join(at, 'ours'))).toBe(listing(join(at, 'theirs')));
    },
  );
});

it('stops when the signal aborts', async () => {
  await expect(extract(place().root, [file('a')], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
});
