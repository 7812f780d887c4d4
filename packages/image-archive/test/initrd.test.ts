import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCpio } from '@ict/archive';
import { BUILD_EPOCH, execute, hostBuild, hostRecords, type HostBuild, type TreeContent } from '@ict/fixtures';
import type { FormatArtifact, TreeRecord, TreeRef } from '@ict/plugin-api';
import { checkInitrd } from '../src/check-initrd.js';
import { layOutCpio } from '../src/cpio-layout.js';
import { createInitrdFormat } from '../src/initrd-format.js';
import { NEWLINE, addEverything, settleTimes } from './support/everything.js';
import { bootable, distribution, imageInput, imageSpec, type SpecChanges } from './support/specs.js';

let build: HostBuild;
let base: string;
beforeEach(() => {
  build = hostBuild();
  base = mkdtempSync(join(tmpdir(), 'ict-initrd-test-'));
});
afterEach(() => {
  build.remove();
  rmSync(base, { recursive: true, force: true });
});

const format = createInitrdFormat();
const make = (tree: TreeRef, changes: SpecChanges = {}, on = build): Promise<readonly FormatArtifact[]> =>
  format.build(imageInput(tree, changes), on.steps, on.ctx);
const plain = { disk: { artifacts: [{ type: 'cpio' as const }] } };

/** The archive itself, uncompressed. */
async function archiveOf(tree: TreeRef): Promise<string> {
  const [archive] = await make(tree, plain);
  return build.blobPath((archive as FormatArtifact).blob);
}

/** What cpio of the host makes of an archive. */
async function unpacked(archive: string): Promise<string> {
  const to = join(base, 'unpacked');
  mkdirSync(to);
  execFileSync('cpio', ['--extract', '--preserve-modification-time', '--make-directories', '--quiet'], {
    cwd: to,
    input: readFileSync(archive),
  });
  return to;
}

/** What cpio carries of records, but for times that its program does not set. */
const carried = (records: readonly TreeRecord[]): readonly object[] =>
  records.map(({ xattrs: _lost, ...rest }) => (rest.type === 'directory' || rest.type === 'symlink' ? { ...rest, mtimeSeconds: 0 } : rest));

describe('an initrd', () => {
  it('holds all of a tree but extended attributes, as GNU cpio unpacks it', async () => {
    const tree = build.tree(bootable);
    addEverything(build.directory(tree));
    const archive = await archiveOf(tree);
    const to = await unpacked(archive);
    unlinkSync(join(to, 'init'));
    const [expected, seen] = [await hostRecords(build.directory(tree)), await hostRecords(to)];
    expect(carried(seen)).toEqual(carried(expected));
    for (const path of ['usr/bin/program', 'etc/third-name', 'var/sparse', `etc/${NEWLINE}`]) {
      expect(readFileSync(join(to, path)).equals(readFileSync(join(build.directory(tree), path)))).toBe(true);
    }
  });

  it('holds the times of all entries', async () => {
    const tree = build.tree(bootable);
    addEverything(build.directory(tree));
    const times = new Map<string, number>();
    for await (const { name = '', mtimeSeconds } of readCpio(createReadStream(await archiveOf(tree)))) times.set(`/${name}`, mtimeSeconds);
    const records = await hostRecords(build.directory(tree));
    expect([times.get('/.'), times.get('/init'), times.size]).toEqual([BUILD_EPOCH - 70, BUILD_EPOCH, records.length + 1]);
    const wrong = records.filter(({ path, mtimeSeconds }) => path !== '/' && times.get(path) !== mtimeSeconds);
    expect(wrong).toEqual([]);
  });

  it('has the names and the order that cpio lists', async () => {
    const archive = await archiveOf(build.tree(bootable));
    const names = execFileSync('cpio', ['--list', '--quiet'], { input: readFileSync(archive) })
      .toString()
      .trim()
      .split('\n');
    expect(names.slice(0, 4)).toEqual(['.', 'boot', 'boot/vmlinuz-6.12.10-amd64', 'boot/vmlinuz-6.12.9-amd64']);
    expect(names.at(-1)).toBe('init');
    expect(readFileSync(archive).length % 512).toBe(0);
  });

  it('tells what is lost, also when the archive comes from the cache', async () => {
    const tree = build.tree(bootable);
    addEverything(build.directory(tree));
    await make(tree);
    await make(tree);
    const warnings = build.events.filter(({ type }) => type === 'warning');
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatchObject({
      code: 'ICT_IMAGE_ATTRIBUTES_LOST',
      message: expect.stringMatching(/\/etc\/hostname \(user\.note\), \/.*\(security\.capability/),
    });
  });

  it('starts with /sbin/init unless the tree has an init of its own', async () => {
    const linked = await unpacked(await archiveOf(build.tree(bootable)));
    expect((await execute('readlink', [join(linked, 'init')])).stdout).toBe('sbin/init\n');
    rmSync(linked, { recursive: true });
    const own = await unpacked(await archiveOf(build.tree({ ...bootable, init: '#!/bin/sh\n' })));
    expect(readFileSync(join(own, 'init'), 'utf8')).toBe('#!/bin/sh\n');
  });

  it('has its newest kernel and the command line beside it', async () => {
    const artifacts = await make(build.tree(bootable));
    expect(artifacts.map(({ extension }) => extension)).toEqual(['cpio.gz', 'vmlinuz', 'cmdline']);
    const [, kernel, cmdline] = artifacts.map(({ blob }) => readFileSync(build.blobPath(blob), 'utf8'));
    expect([kernel, cmdline]).toEqual(['the newer kernel', 'console=ttyS0\n']);
  });

  it('is compressed so that Linux can read it', async () => {
    const tree = build.tree(bootable);
    const artifacts = ['gz', 'zstd', 'xz'].map((compression) => ({ type: 'cpio', compression }) as const);
    const [archive, gz, zst, xz] = (await make(tree, { disk: { artifacts: [{ type: 'cpio' }, ...artifacts] as never } })).map(({ blob }) =>
      build.blobPath(blob),
    ) as [string, string, string, string];
    expect(gunzipSync(readFileSync(gz)).equals(readFileSync(archive))).toBe(true);
    expect(zstdDecompressSync(readFileSync(zst)).equals(readFileSync(archive))).toBe(true);
    expect((await execute('xz', ['--list', '--verbose', xz])).stdout).toContain('CRC32');
    const frames = (await execute('zstd', ['--list', '--verbose', zst])).stdout;
    expect(frames).toMatch(/# Zstandard Frames: 1\b/);
  });

  it('is the same in another directory, and made once', async () => {
    const other = hostBuild();
    try {
      const digests = async (on: HostBuild): Promise<string[]> => {
        const tree = on.tree(bootable);
        settleTimes(on.directory(tree));
        return (await make(tree, {}, on)).map(({ blob }) => blob.digest);
      };
      expect(await digests(other)).toEqual(await digests(build));
      await make(build.tree(bootable), { disk: { artifacts: [{ type: 'cpio', compression: 'zstd' }] } });
      expect(build.steps.ran).toEqual(['initrd.kernel', 'initrd.assemble', 'initrd.compress', 'initrd.command-line', 'initrd.compress']);
    } finally {
      other.remove();
    }
  });
});

describe('an initrd is refused', () => {
  it.each<[string, Record<string, TreeContent>, string, string]>([
    ['without a kernel', { 'boot/vmlinuz-6.12.9-amd64': null, 'boot/vmlinuz-6.12.10-amd64': null }, 'ICT_IMAGE_BOOT_FILES', 'kernel'],
    ['without an init', { 'usr/sbin/init': null }, 'ICT_IMAGE_BOOT_FILES', 'init'],
    ['whose init leads nowhere', { init: { link: 'gone' } }, 'ICT_IMAGE_BOOT_FILES', '/init'],
  ])('%s', async (_, changes, code, names) => {
    const tree = build.tree({ ...bootable, ...changes });
    await expect(make(tree)).rejects.toMatchObject({ code, message: expect.stringContaining(names) });
    expect(readdirSync(build.ctx.temporary)).toEqual([]);
  });

  it('for a file of 4 GiB, and not for one byte less', async () => {
    const tree = build.tree({ ...bootable, 'var/large': '' });
    truncateSync(join(build.directory(tree), 'var/large'), 2 ** 32);
    await expect(make(tree, plain)).rejects.toMatchObject({ code: 'ICT_IMAGE_FILE_TOO_LARGE', facts: { path: '/var/large' } });
    const records = (await build.ctx.trees.records(tree)).map((record) =>
      record.path === '/var/large' ? { ...record, sizeBytes: 2 ** 32 - 1 } : record,
    );
    expect(layOutCpio(records).sizeBytes).toBeGreaterThan(2 ** 32);
  });

  const record: TreeRecord = { path: '/x', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0 };
  it('for a name that Linux would pass over', () => {
    const long = { ...record, path: `/${'d/'.repeat(2100)}x` };
    expect(() => layOutCpio([long])).toThrow(expect.objectContaining({ code: 'ICT_IMAGE_NAME' }));
  });
});

describe('checkInitrd', () => {
  it.each<[string, SpecChanges]>([
    ['nothing said of artifacts', {}],
    ['every compression that the definition has programs for', { disk: { artifacts: [{ type: 'cpio', compression: 'xz' }] } }],
  ])('accepts %s', (_, changes) => {
    expect(checkInitrd(imageSpec(changes), distribution)).toEqual([]);
  });

  it('says where each problem is', () => {
    const at = (line: number) => ({ file: 'template.yml', line, column: 3 });
    const positions = new Map([
      ['disk.artifacts[0].type', at(7)],
      ['disk.partitions', at(9)],
    ]);
    const partitions = [{ id: 'a', name: 'a', type: 'linux', filesystem: 'ext4' as const, startBytes: 0, flags: [] }];
    const spec = imageSpec({ disk: { artifacts: [{ type: 'raw' }], partitions }, kernel: { cmdline: 'a\nb' }, positions });
    expect(checkInitrd(spec, distribution).map(({ code, position }) => [code, position?.line])).toEqual([
      ['ICT_IMAGE_UNSUPPORTED', 7],
      ['ICT_IMAGE_UNSUPPORTED', 9],
      ['ICT_IMAGE_UNSUPPORTED', undefined],
    ]);
  });
});

it('writes an fstab that mounts no root', async () => {
  const tree = build.tree({ 'etc/hostname': '' });
  await format.prepare(imageInput(tree), build.session(tree));
  const lines = readFileSync(join(build.directory(tree), 'etc/fstab'), 'utf8').split('\n');
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
});
