import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { likelyData } from '../src/likely-data.js';
import { verityBytesAt, verityBytesFor, writeVerityTree } from '../src/verity-tree.js';
import { MIB, esp } from './support/specs.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
const SALT = Buffer.alloc(32, 0xa5);
const BLOCK = 4096;

let directory: string;
let disk: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-verity-'));
  disk = join(directory, 'disk');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A file with the data at 1 MiB, which is followed by room for its tree. @param data bytes, at places of the data. */
function makeDisk(dataBytes: number, data: readonly (readonly [at: number, bytes: Buffer])[]): { readonly hashOffsetBytes: number } {
  const hashOffsetBytes = MIB + Math.ceil(dataBytes / MIB) * MIB;
  const file = openSync(disk, 'w');
  for (const [at, bytes] of data) writeSync(file, bytes, 0, bytes.length, MIB + at);
  closeSync(file);
  truncateSync(disk, hashOffsetBytes + verityBytesFor(dataBytes));
  return { hashOffsetBytes };
}

const write = (dataBytes: number, hashOffsetBytes: number, likely: readonly { offset: number; length: number }[] = []): Promise<string> =>
  writeVerityTree(
    { file: disk, data: { offset: MIB, length: dataBytes }, hashOffsetBytes, uuid: UUID, salt: SALT, likelyData: likely },
    new AbortController().signal,
  );

/** What veritysetup makes of the same data. */
function format(dataBytes: number): { readonly rootHash: string; readonly tree: Buffer } {
  const [data, tree] = [join(directory, 'data'), join(directory, 'tree')];
  writeFileSync(data, readFileSync(disk).subarray(MIB, MIB + dataBytes));
  const said = execFileSync('veritysetup', ['format', '--uuid', UUID, '--salt', SALT.toString('hex'), data, tree], { encoding: 'utf8' });
  return { rootHash: /Root hash:\s+([0-9a-f]{64})/.exec(said)?.[1] as string, tree: readFileSync(tree) };
}

describe('writeVerityTree', () => {
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_none, index) => (index * 7 + (index >> 8)) % 251));
  it.each<[string, number, (readonly [number, Buffer])[]]>([
    ['two blocks', 2 * BLOCK, [[0, noise(2 * BLOCK)]]],
    ['zeros alone', 3 * MIB, []],
    ['one full block of hashes', 128 * BLOCK, [[0, noise(128 * BLOCK)]]],
    ['one hash more than that', 129 * BLOCK, [[128 * BLOCK, noise(10)]]],
    [
      'what is no whole number of pieces',
      5 * MIB + 3 * BLOCK,
      [
        [0, noise(100)],
        [5 * MIB, noise(2 * BLOCK)],
      ],
    ],
    ['a last block that is none', 2 * MIB + 512, [[2 * MIB - 7, noise(300)]]],
    [
      'three levels with holes',
      128 * 128 * BLOCK + 5 * MIB,
      [
        [0, noise(MIB)],
        [40 * MIB + 1, noise(77)],
        [128 * 128 * BLOCK, noise(9000)],
      ],
    ],
  ])('writes what veritysetup does of %s', async (_what, dataBytes, data) => {
    const { hashOffsetBytes } = makeDisk(dataBytes, data);
    const rootHash = await write(dataBytes, hashOffsetBytes);
    const expected = format(dataBytes);
    expect(rootHash).toBe(expected.rootHash);
    const tree = readFileSync(disk).subarray(hashOffsetBytes);
    expect(tree.length).toBe(expected.tree.length);
    expect(tree.equals(expected.tree)).toBe(true);
  });

  it('is right whatever the hint says of where data are, and veritysetup verifies it in place', async () => {
    const dataBytes = 4 * MIB;
    const { hashOffsetBytes } = makeDisk(dataBytes, [[3 * MIB, noise(5000)]]);
    const verify = (): Promise<{ readonly exitCode: number }> =>
      execute('veritysetup', ['verify', join(directory, 'data'), join(directory, 'tree'), rootHash]);
    const rootHash = await write(dataBytes, hashOffsetBytes, [{ offset: MIB, length: 1 }]);
    expect(await write(dataBytes, hashOffsetBytes, [{ offset: 0, length: 100 * MIB }])).toBe(rootHash);
    writeFileSync(join(directory, 'data'), readFileSync(disk).subarray(MIB, MIB + dataBytes));
    writeFileSync(join(directory, 'tree'), readFileSync(disk).subarray(hashOffsetBytes));
    expect((await verify()).exitCode).toBe(0);
    const changed = readFileSync(join(directory, 'data'));
    changed[3 * MIB + 17]! ^= 1;
    writeFileSync(join(directory, 'data'), changed);
    expect((await verify()).exitCode).not.toBe(0);
  });

  it('ends with the signal', async () => {
    const { hashOffsetBytes } = makeDisk(MIB, []);
    const request = { file: disk, data: { offset: MIB, length: MIB }, hashOffsetBytes, uuid: UUID, salt: SALT, likelyData: [] };
    await expect(writeVerityTree(request, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

it('a tree says how many bytes it takes, where there is one, and where a disk has data', async () => {
  const { hashOffsetBytes } = makeDisk(3 * MIB, []);
  await write(3 * MIB, hashOffsetBytes);
  await using file = await open(disk, 'r');
  expect(await verityBytesAt(file, hashOffsetBytes)).toBe(verityBytesFor(3 * MIB));
  expect(await verityBytesAt(file, MIB)).toBeUndefined();
  const sizeBytes = 8 * MIB;
  const spec = { ...esp, filesystem: 'none' as const };
  const placed = {
    spec,
    firstLba: hashOffsetBytes / 512,
    lastLba: (hashOffsetBytes + sizeBytes) / 512 - 1,
    offsetBytes: hashOffsetBytes,
    sizeBytes,
  };
  const ranges = await likelyData(disk, { sectors: 40 * 2048, partitions: [placed] });
  // 3 MiB are 768 blocks, whose hashes take 6 blocks, and these one more.
  expect(ranges).toContainEqual({ offset: hashOffsetBytes, length: 8 * BLOCK });
});
