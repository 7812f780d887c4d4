import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildContext, ImageInput } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillPartition } from '../src/fill-partition.js';
import { FILESYSTEMS, type FilesystemName } from '../src/filesystems.js';
import { layoutDisk } from '../src/partitions.js';
import { esp, imageSpec, root, SEED } from './support/specs.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fill-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const namesOf = (family: string): FilesystemName[] =>
  (Object.keys(FILESYSTEMS) as FilesystemName[]).filter((name) => FILESYSTEMS[name].writing.family === family);

async function fill(filesystem: FilesystemName): Promise<void> {
  const spec = imageSpec({ disk: { partitions: [esp, { ...root, filesystem }] } });
  const placed = layoutDisk(spec.disk).partitions[1]!;
  const input = { spec, seed: SEED } as ImageInput;
  const content = { trees: new Map(), fats: new Map() };
  await fillPartition(placed, { input, content, directory, file: 'disk.raw' }, { emit: () => undefined } as unknown as BuildContext);
}

describe('a partition', () => {
  it.each(namesOf('empty'))('of %s is left as it is', async (filesystem) => {
    await fill(filesystem);
    expect(await readdir(directory)).toEqual([]);
  });
});
