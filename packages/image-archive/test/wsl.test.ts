import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostBuild, hostRecords, type HostBuild } from '@ict/fixtures';
import type { FormatArtifact, TreeRecord, TreeRef } from '@ict/plugin-api';
import { layOutTar } from '../src/tar-layout.js';
import { createWslFormat } from '../src/wsl-format.js';
import { NEWLINE, addEverything, settleTimes } from './support/everything.js';
import { bootable, distribution, imageInput, imageSpec, type SpecChanges } from './support/specs.js';

let build: HostBuild;
let base: string;
beforeEach(() => {
  build = hostBuild();
  base = mkdtempSync(join(tmpdir(), 'ict-wsl-test-'));
});
afterEach(() => {
  build.remove();
  rmSync(base, { recursive: true, force: true });
});

const format = createWslFormat();
const make = (tree: TreeRef, changes: SpecChanges = {}, on = build): Promise<readonly FormatArtifact[]> =>
  format.build(imageInput(tree, { imageType: 'wsl2', ...changes }), on.steps, on.ctx);

/** A ustar archive with numbers in the fields for devices of all members; GNU tar leaves those of others empty from 1.35 on. */
function withDeviceNumbers(archive: Buffer): Buffer {
  const changed = Buffer.from(archive);
  let at = 0;
  while (changed[at] !== 0) {
    const header = changed.subarray(at, at + 512);
    const sizeBytes = parseInt(header.toString('latin1', 124, 135), 8);
    for (const field of [329, 337]) if (header[field] === 0) header.write('0000000', field, 'latin1');
    header.fill(' ', 148, 156);
    const sum = header.reduce((a, b) => a + b, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    at += 512 + Math.ceil(sizeBytes / 512) * 512;
  }
  return changed;
}

describe('a wsl2 image', () => {
  it('holds all of a tree, as GNU tar unpacks it', async () => {
    const tree = build.tree(bootable);
    addEverything(build.directory(tree));
    const [artifact, ...others] = await make(tree);
    expect([artifact?.extension, others]).toEqual(['tar.gz', []]);
    const to = join(base, 'unpacked');
    mkdirSync(to);
    const flags = ['--extract', '--gzip', '--numeric-owner', '--same-permissions', '--xattrs', '--xattrs-include=*'];
    execFileSync('tar', [...flags, '-C', to], { input: readFileSync(build.blobPath((artifact as FormatArtifact).blob)) });
    // GNU tar does not set the times of symbolic links that it makes late.
    const seen = (records: readonly TreeRecord[]) => records.map((one) => (one.type === 'symlink' ? { ...one, mtimeSeconds: 0 } : one));
    expect(seen(await hostRecords(to))).toEqual(seen(await hostRecords(build.directory(tree))));
    for (const path of ['usr/bin/program', 'var/sparse', `etc/${NEWLINE}`]) {
      expect(readFileSync(join(to, path)).equals(readFileSync(join(build.directory(tree), path)))).toBe(true);
    }
  });

  it('is byte for byte what GNU tar writes of the same tree', async () => {
    const tree = build.tree(bootable);
    settleTimes(build.directory(tree));
    const [artifact] = await make(tree);
    const own = gunzipSync(readFileSync(build.blobPath((artifact as FormatArtifact).blob)));
    const flags = ['--create', '--sort=name', '--numeric-owner', '--owner=0', '--group=0', '--format=ustar', '--blocking-factor=1'];
    const gnu = execFileSync('tar', [...flags, '-C', build.directory(tree), '.']);
    expect(own.equals(withDeviceNumbers(gnu))).toBe(true);
  });

  it('holds files of any size', async () => {
    const tree = build.tree({ large: '' });
    truncateSync(join(build.directory(tree), 'large'), 2 ** 33 + 1);
    expect(layOutTar(await build.ctx.trees.records(tree)).sizeBytes).toBeGreaterThan(2 ** 33);
  });

  it('is made once, and compressed as the template asks', async () => {
    const tree = build.tree(bootable);
    await make(tree);
    const artifacts = [{ type: 'tar' as const }, { type: 'tar' as const, compression: 'zstd' as const }];
    expect((await make(tree, { disk: { artifacts } })).map(({ extension }) => extension)).toEqual(['tar', 'tar.zst']);
    expect(build.steps.ran).toEqual(['wsl.assemble', 'wsl.compress', 'wsl.compress']);
  });

  it('is refused as another artifact, at its line', () => {
    const position = { file: 'template.yml', line: 7, column: 3 };
    const spec = imageSpec({
      imageType: 'wsl2',
      disk: { artifacts: [{ type: 'tar', compression: 'gz' }, { type: 'raw' }] },
      positions: new Map([['disk.artifacts[1].type', position]]),
    });
    expect(format.check(spec, distribution)).toMatchObject([{ code: 'ICT_IMAGE_UNSUPPORTED', position }]);
  });
});
