import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type LayerEntry, type LayerManifest } from '@ict/sandbox';
import { mergeLayers } from '../../src/trees/merged-tree.js';

const entry = (path: string, changes: Partial<LayerEntry> = {}): LayerEntry => ({
  ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 },
  ...changes,
});
const directory = (path: string, changes: Partial<LayerEntry> = {}): LayerEntry =>
  entry(path, { type: 'directory', mode: 0o755, ...changes });
const whiteout = (path: string): LayerEntry => entry(path, { type: 'character', mode: 0, mtimeSeconds: 0, whiteout: true });

function paths(...layers: (readonly LayerEntry[])[]): string[] {
  return mergeLayers(layers.map((entries) => ({ entries }))).map(({ record, layer }) => `${layer}${record.path}`);
}

describe('mergeLayers', () => {
  const low = [directory('/'), directory('/d'), entry('/d/a'), entry('/d/b'), entry('/e')];
  it.each<[string, readonly LayerEntry[], readonly string[]]>([
    ['a file over another', [directory('/'), entry('/e', { mode: 0o600 })], ['1/', '0/d', '0/d/a', '0/d/b', '1/e']],
    ['a whiteout', [directory('/'), directory('/d'), whiteout('/d/a')], ['1/', '1/d', '0/d/b', '0/e']],
    ['a whiteout of a directory', [directory('/'), whiteout('/d')], ['1/', '0/e']],
    ['a whiteout of nothing', [directory('/'), whiteout('/x')], ['1/', '0/d', '0/d/a', '0/d/b', '0/e']],
    ['an opaque directory', [directory('/'), directory('/d', { opaque: true }), entry('/d/c')], ['1/', '1/d', '1/d/c', '0/e']],
    ['a file over a directory', [directory('/'), entry('/d')], ['1/', '1/d', '0/e']],
    ['a directory over a file', [directory('/'), directory('/e'), entry('/e/x')], ['1/', '0/d', '0/d/a', '0/d/b', '1/e', '1/e/x']],
  ])('shows %s as an overlay does', (_what, upper, expected) => {
    expect(paths(low, upper)).toEqual(expected);
  });

  it('orders names by their bytes, below the directory that they are in', () => {
    expect(paths([directory('/'), directory('/a'), entry('/a-b'), entry('/a/z'), entry('/é'), entry('/z')])).toEqual([
      '0/',
      '0/a',
      '0/a/z',
      '0/a-b',
      '0/z',
      '0/é',
    ]);
  });

  it('describes a file under the first of its names that is left', () => {
    const file = entry('/a', { sizeBytes: 5, xattrs: { 'user.x': 'eA==' } });
    const lower = [directory('/'), file, entry('/b', { hardlinkOf: '/a' }), entry('/c', { hardlinkOf: '/a' })];
    const merged = mergeLayers([{ entries: lower }, { entries: [directory('/'), whiteout('/a')] }]).map(({ record }) => record);
    expect(merged).toEqual([directory('/'), { ...file, path: '/b' }, entry('/c', { hardlinkOf: '/b' })]);
  });

  it('has nothing to show of no layers', () => {
    expect(mergeLayers([])).toEqual([]);
  });
});

describe('mergeLayers, beside the kernel', () => {
  let base: string;
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'ict-merged-'));
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  const mount = (options: string, at: string): void => {
    execFileSync('mount', ['-t', 'overlay', '-o', `userxattr,index=off,${options}`, 'overlay', at]);
  };
  const umount = (at: string): void => void execFileSync('umount', [at]);

  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
  const change = fc.record({ what: fc.constantFrom('file', 'directory', 'symlink', 'remove', 'link'), path, other: path });
  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  /** Does what can be done. */
  function apply(root: string, { what, path: at, other }: Change): void {
    const target = join(root, at);
    const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    try {
      if (what === 'remove') rmSync(target, { recursive: true });
      else if (what === 'directory') mkdirSync(target, { recursive: true });
      else if (what === 'link' && isThere(join(root, other))) linkSync(join(root, other), target);
      else {
        rmSync(target, { recursive: true, force: true });
        if (what === 'symlink') symlinkSync(other, target);
        else writeFileSync(target, other);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    }
  }

  it('shows what an overlay shows', async () => {
    let count = 0;
    const runs: { uppers: readonly string[]; merged: string }[] = [];
    try {
      // Made before the sandbox starts, which sees the mounts of that moment.
      fc.assert(
        fc.property(fc.array(fc.array(change, { maxLength: 12 }), { minLength: 2, maxLength: 4 }), (layers) => {
          const home = join(base, `${count++}`);
          const [work, merged] = [join(home, 'work'), join(home, 'merged')];
          for (const made of [home, work, merged]) mkdirSync(made);
          const uppers: string[] = [];
          for (const changes of layers) {
            const upper = join(home, `${uppers.length}`);
            mkdirSync(upper);
            if (uppers.length === 0) for (const one of changes) apply(upper, one);
            else {
              mount(`lowerdir=${uppers.toReversed().join(':')},upperdir=${upper},workdir=${work}`, merged);
              try {
                for (const one of changes) apply(merged, one);
              } finally {
                umount(merged);
              }
            }
            uppers.push(upper);
          }
          mount(`lowerdir=${uppers.toReversed().join(':')}`, merged);
          runs.push({ uppers, merged });
        }),
        { numRuns: 25 },
      );
      await using stack = new AsyncDisposableStack();
      const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
      stack.defer(() => sandbox.close());
      for (const { uppers, merged } of runs) {
        const manifests: LayerManifest[] = [];
        for (const upper of uppers) manifests.push(await sandbox.readLayer(upper));
        const shown = await sandbox.readLayer(merged);
        expect(mergeLayers(manifests).map(({ record }) => record)).toEqual(shown.entries);
      }
    } finally {
      for (const { merged } of runs) umount(merged);
    }
  }, 60_000);
});
