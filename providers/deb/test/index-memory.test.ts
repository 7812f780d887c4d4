import { rm, writeFile } from 'node:fs/promises';
import type { Digest, Snapshot } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { readDirectory } from '../src/metadata/index-directory.js';
import { keepDirectory, recallDirectory } from '../src/metadata/index-memory.js';
import { TextInMemory } from '../src/metadata/index-text.js';
import { FakeContext } from './fake-context.js';
import { indexText } from './resolve-case-file.js';

const directory = readDirectory(new TextInMemory(Buffer.from(indexText([{ name: 'a', version: '1' }]))), []);

function pinned(path: string, hex: string, plain?: string): Snapshot {
  const digest = (text: string): Digest => `sha256:${text.repeat(64)}` as Digest;
  const index = {
    path,
    digest: digest(hex),
    sizeBytes: 1,
    ...(plain === undefined ? {} : { plain: { digest: digest(plain), sizeBytes: 1 } }),
  };
  return { indexes: [index] } as unknown as Snapshot;
}

describe('the memory of indexes', () => {
  it('gives back what was kept for equal indexes', async () => {
    await using ctx = new FakeContext();
    const asked = pinned('main/Packages.xz', 'a', 'b');
    expect(await recallDirectory(asked, ctx)).toBeUndefined();
    await keepDirectory(asked, directory, ctx);
    expect((await recallDirectory(asked, ctx))?.flags).toEqual(directory.flags);
    expect(await recallDirectory(pinned('main/Packages.xz', 'c', 'b'), ctx)).toBeDefined();
  });

  it.each([
    ['another plain text', pinned('main/Packages.xz', 'a', 'c')],
    ['another file of unknown plain text', pinned('main/Packages.xz', 'c')],
    ['another path', pinned('contrib/Packages.xz', 'a', 'b')],
  ])('has nothing for %s', async (_, other) => {
    await using ctx = new FakeContext();
    await keepDirectory(pinned('main/Packages.xz', 'a', 'b'), directory, ctx);
    expect(await recallDirectory(other, ctx)).toBeUndefined();
  });

  it('is not needed', async () => {
    await using ctx = new FakeContext();
    const asked = pinned('main/Packages', 'a');
    await keepDirectory(asked, directory, ctx);
    const [file] = ctx.stored.values();
    await writeFile(file, 'something else');
    expect(await recallDirectory(asked, ctx)).toBeUndefined();
    ctx.stored.clear();
    await rm(file);
    expect(await recallDirectory(asked, ctx)).toBeUndefined();
    for (const key of ctx.remembered.keys()) ctx.remembered.set(key, 'nonsense');
    expect(await recallDirectory(asked, ctx)).toBeUndefined();
  });
});
