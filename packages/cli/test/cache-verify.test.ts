import { chmodSync, existsSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { digestHex } from '@ict/integrity';
import { startSandbox } from '@ict/sandbox';
import { describe, expect, it } from 'vitest';
import { fill, places, provider, root, useCache, work } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('ict cache verify', () => {
  it('exits 5 when something is damaged, and 0 once it was taken away', async () => {
    await fill(0, ['a', 'b']);
    const file = join(root, 'cache', 'pkgCache', provider, 'a-1.pkg');
    chmodSync(file, 0o644);
    await writeFile(file, 'b'.repeat(5000));
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, findings: (JSON.parse(stdout.text) as { findings: object[] }).findings };
    };
    const damaged = { kind: 'package', id: `${provider}/a-1.pkg`, problem: 'damaged' };
    expect(await verify()).toMatchObject({ status: 5, findings: [{ ...damaged, repaired: false }] });
    expect(await verify('--repair')).toMatchObject({ status: 0, findings: [{ ...damaged, repaired: true }] });
    expect(await verify()).toEqual({ status: 0, findings: [] });
    expect(existsSync(join(root, 'cache', 'pkgCache', provider, 'b-1.pkg'))).toBe(true);
  });
});

it('ict cache verify reads layers, and compares their listings with the digests that name them', async () => {
  const cache = await fill(0, []);
  const staged = await cache.layers.stage();
  await writeFile(join(staged.upper, 'file'), 'content');
  const signal = new AbortController().signal;
  const sandbox = await startSandbox({ signal, temporary: root });
  const manifest = await sandbox.sealLayer(staged.upper, { epochSeconds: 1, signal });
  await sandbox.close();
  const { layer } = await cache.layers.publish(staged, manifest.digest, { manifest: JSON.stringify(manifest), signature: '{}' });
  const verify = async () => (await ict(['cache', 'verify', ...places, '--json'])).stdout.text;
  expect(JSON.parse(await verify())).toMatchObject({ checked: { layer: 1 }, findings: [] });
  const entries = manifest.entries.map((entry) => ({ ...entry, mtimeSeconds: 0 }));
  await writeFile(join(layer.directory, 'manifest.json'), JSON.stringify({ ...manifest, entries }));
  const finding = { kind: 'layer', id: digestHex(manifest.digest), problem: 'damaged', detail: 'its listing is that of another layer' };
  expect(JSON.parse(await verify())).toMatchObject({ status: 5, findings: [finding] });
});

it.each([true, false])(
  'ict cache verify reads base trees of the work directory, and takes damaged ones away when asked (a cache: %s)',
  async (hasCache) => {
    if (hasCache) await fill(0, []);
    const tree = join(work, provider, 'chrootenv');
    await mkdir(tree, { recursive: true });
    await writeFile(join(tree, 'file'), 'content');
    const { signal } = new AbortController();
    const sandbox = await startSandbox({ signal, temporary: root });
    const manifest = await sandbox.sealLayer(tree, { epochSeconds: 1, signal });
    await sandbox.close();
    await writeFile(`${tree}.json`, JSON.stringify({ manifest, signature: {}, user: process.geteuid?.() }));
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, workspace: (JSON.parse(stdout.text) as { workspace: object }).workspace };
    };
    expect(await verify()).toEqual({ status: 0, workspace: { workDir: work, checked: { chrootenv: 1, chrootbuild: 0 }, findings: [] } });
    await writeFile(join(tree, 'file'), 'changed');
    const finding = { kind: 'chrootenv', id: `${provider}/chrootenv`, path: tree, problem: 'damaged', detail: '/file' };
    expect(await verify()).toMatchObject({ status: 5, workspace: { findings: [{ ...finding, repaired: false }] } });
    expect((await ict(['cache', 'verify', ...places])).stdout.text).toMatch(/damaged +chrootenv +acme-acme1-x86_64.chrootenv +.file\n/);
    expect(await verify('--repair')).toMatchObject({ status: 0, workspace: { findings: [{ ...finding, repaired: true }] } });
    expect(existsSync(tree)).toBe(false);
  },
);

/** Makes a snapshot of a base tree as a build leaves it. @returns its file. */
async function makeSnapshot(workDir: string): Promise<string> {
  const directory = join(workDir, provider, 'chrootbuild');
  const tree = join(root, 'tree');
  await mkdir(directory, { recursive: true });
  await mkdir(tree);
  await writeFile(join(tree, 'file'), 'content');
  const { signal } = new AbortController();
  const snapshot = join(directory, 'chrootenv.tar.gz');
  const sandbox = await startSandbox({ signal, temporary: root });
  const { digest } = await sandbox.sealLayer(tree, { epochSeconds: 1, signal, archive: snapshot });
  await sandbox.close();
  await writeFile(join(directory, 'chrootenv.json'), JSON.stringify({ digest }));
  return snapshot;
}

describe('ict cache verify reads snapshots of base trees', () => {
  /** In an archive whose bytes are stored, with the checksum that they have then. */
  const alterContent = async (snapshot: string): Promise<void> => {
    const tar = gunzipSync(await readFile(snapshot));
    tar.write('altered', tar.indexOf('content'));
    await writeFile(snapshot, gzipSync(tar));
  };
  const flipBit = async (snapshot: string): Promise<void> => {
    const bytes = await readFile(snapshot);
    const at = bytes.indexOf('content');
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(snapshot, bytes);
  };

  it.each<[string, (snapshot: string) => Promise<void>, RegExp]>([
    ['another content, whole', alterContent, /^its content is sha256:/],
    ['one bit that changed', flipBit, /^Reading an archive failed at .*: the checksum is wrong$/],
    ['its end cut off', async (snapshot) => truncate(snapshot, 700), /^Reading an archive failed at /],
  ])('and takes one away, when asked, that has %s', async (_what, damage, detail) => {
    const snapshot = await makeSnapshot(work);
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, workspace: (JSON.parse(stdout.text) as { workspace: object }).workspace };
    };
    expect(await verify()).toEqual({ status: 0, workspace: { workDir: work, checked: { chrootenv: 0, chrootbuild: 1 }, findings: [] } });
    await damage(snapshot);
    const finding = {
      kind: 'chrootbuild',
      id: `${provider}/chrootbuild`,
      problem: 'damaged',
      detail: expect.stringMatching(detail) as string,
    };
    expect(await verify()).toMatchObject({ status: 5, workspace: { findings: [{ ...finding, repaired: false }] } });
    expect(await verify('--repair')).toMatchObject({ status: 0, workspace: { findings: [{ ...finding, repaired: true }] } });
    expect(existsSync(snapshot)).toBe(false);
    expect(await verify()).toMatchObject({ status: 0, workspace: { checked: { chrootbuild: 0 } } });
  });

  it('and leaves that of a work directory that is only read to its owner', async () => {
    const seed = join(root, 'seed');
    const snapshot = await makeSnapshot(seed);
    const flags = ['--repair', '--json', '--read-only-cache-dir', seed];
    const verify = async () => JSON.parse((await ict(['cache', 'verify', ...places, ...flags])).stdout.text) as object;
    expect(await verify()).toMatchObject({ status: 0, readOnly: [{ cacheDir: seed, checked: { chrootbuild: 1 }, findings: [] }] });
    await flipBit(snapshot);
    expect(await verify()).toMatchObject({ status: 5, readOnly: [{ findings: [{ kind: 'chrootbuild', repaired: false }] }] });
    expect(existsSync(snapshot)).toBe(true);
  });
});

it('ict cache verify finds damage in caches that are only read, and leaves it to their owner', async () => {
  await fill(0, ['a']);
  const file = join(root, 'cache', 'pkgCache', provider, 'a-1.pkg');
  chmodSync(file, 0o644);
  await writeFile(file, 'b'.repeat(5000));
  const own = join(root, 'own');
  const flags = ['--cache-dir', own, '--read-only-cache-dir', join(root, 'cache')];
  const { status, stdout } = await ict(['cache', 'verify', '--repair', ...flags, '--json']);
  expect(status).toBe(5);
  const finding = { kind: 'package', path: file, problem: 'damaged', repaired: false };
  expect(JSON.parse(stdout.text)).toMatchObject({
    cacheDir: own,
    findings: [],
    readOnly: [{ cacheDir: join(root, 'cache'), findings: [finding] }],
  });
  expect((await ict(['cache', 'verify', ...flags])).stdout.text).toContain(`${join(root, 'cache')}, only read:`);
  expect(existsSync(file)).toBe(true);
});
