import { digestOf } from '@ict/integrity';
import type { Json, Memo } from '@ict/plugin-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPiecewiseCheck, type PieceHasher } from '../src/piecewise-check.js';

const LARGE = 16 * 1024 * 1024;

/** Content of files by name; the first letter stands for what pieces remember. */
let files: Map<string, string>;
let read: string[];
let memory: Map<string, Json>;

const memo: Memo = {
  get: async (kind, key) => memory.get(JSON.stringify([kind, key])),
  set: async (kind, key, value) => void memory.set(JSON.stringify([kind, key]), value),
};
const identity = (file: string) => ({ digest: digestOf(files.get(file) as string), sizeBytes: LARGE });
const pieces: PieceHasher = {
  digestPiecewise: async (file) => {
    read.push(`all of ${file}`);
    return { ...identity(file), pieces: { of: files.get(file) as string } };
  },
  samePieces: async (file, known) => {
    read.push(`pieces of ${file}`);
    return (known as { of?: string }).of === files.get(file);
  },
};
const digestFile = async (file: string) => {
  read.push(`whole ${file}`);
  return identity(file);
};
const check = createPiecewiseCheck(memo, digestFile, pieces);

beforeEach(() => {
  files = new Map([['disk', 'content']]);
  read = [];
  memory = new Map();
});

describe('the check of a large file', () => {
  it('hashes it whole once, and compares its pieces from then on', async () => {
    for (let time = 0; time < 3; time++) expect(await check('disk', LARGE, digestOf('content'))).toEqual(identity('disk'));
    expect(read).toEqual(['all of disk', 'pieces of disk', 'pieces of disk']);
  });

  it('says what a file is whose pieces differ, and goes on knowing the right ones', async () => {
    await check('disk', LARGE, digestOf('content'));
    files.set('disk', 'damaged');
    expect((await check('disk', LARGE, digestOf('content'))).digest).toBe(digestOf('damaged'));
    files.set('disk', 'content');
    read = [];
    expect((await check('disk', LARGE, digestOf('content'))).digest).toBe(digestOf('content'));
    expect(read).toEqual(['pieces of disk']);
  });

  it('does not take a record of pieces for more than it is', async () => {
    memory.set(JSON.stringify(['pieces', digestOf('content')]), 'rubbish');
    expect((await check('disk', LARGE, digestOf('content'))).digest).toBe(digestOf('content'));
    expect(read).toEqual(['pieces of disk', 'all of disk']);
  });
});

describe('the check of any other file', () => {
  it('hashes it whole', async () => {
    await check('disk', LARGE - 1, digestOf('content'));
    await createPiecewiseCheck(memo, digestFile, undefined)('disk', LARGE, digestOf('content'));
    expect([read, memory.size]).toEqual([['whole disk', 'whole disk'], 0]);
  });
});
