import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { directoryArchive, fakeContext, fakeTools, memoryArchive, memoryBlobs, memorySteps } from '../src/index.js';

const URL = 'http://archive.example/debian/file';
const BYTES = new TextEncoder().encode('content');

describe('fakeContext', () => {
  it('removes its directory when it is disposed of', async () => {
    const ctx = fakeContext();
    expect(existsSync(ctx.temporary)).toBe(true);
    await ctx[Symbol.asyncDispose]();
    expect(existsSync(ctx.temporary)).toBe(false);
  });

  it('trusts no signature, and has a clock that stands still', async () => {
    await using ctx = fakeContext({ nowSeconds: 42 });
    expect([(await ctx.verify.clearsigned(BYTES, [])).good, (await ctx.verify.detached(BYTES, BYTES, [])).good]).toEqual([false, false]);
    expect([ctx.clock(), ctx.clock(), ctx.epochSeconds]).toEqual([42, 42, 42]);
  });

  it('remembers events and memos, and hashes files', async () => {
    await using ctx = fakeContext();
    ctx.emit({ type: 'stage.start', stage: 'compose' });
    await ctx.memo.set('index', { b: 1, a: 2 }, ['answer']);
    expect(ctx.events).toEqual([{ type: 'stage.start', stage: 'compose' }]);
    expect(await ctx.memo.get('index', { a: 2, b: 1 })).toEqual(['answer']);
    expect(await ctx.memo.get('other', { a: 2, b: 1 })).toBeUndefined();
    const file = join(ctx.temporary, 'file');
    writeFileSync(file, BYTES);
    expect(await ctx.verify.digestFile(file)).toEqual({ digest: digestOf(BYTES), sizeBytes: 7 });
  });

  it('opens no tree unless it is given some', async () => {
    await using ctx = fakeContext();
    await expect(ctx.trees.inspect({ layers: [] }, async () => 1)).rejects.toThrow('trees');
    await expect(ctx.trees.change({ layers: [] }, async () => undefined)).rejects.toThrow('trees');
  });
});

describe('the fetcher of a context', () => {
  it('serves an archive in memory', async () => {
    await using ctx = fakeContext({ archives: [memoryArchive({ [URL]: 'content' })] });
    const fetched = await ctx.fetch.fetch({ url: URL, maxBytes: 7, expect: { digest: digestOf(BYTES), sizeBytes: 7 } });
    expect([await readFile(fetched.file, 'utf8'), fetched.digest, fetched.fromCache]).toEqual(['content', digestOf(BYTES), false]);
    expect(ctx.fetch.requests.map(({ url }) => url)).toEqual([URL]);
  });

  it.each([
    ['what is not there', { url: `${URL}s`, maxBytes: 100 }, 'ICT_FETCH_NOT_FOUND'],
    ['what is too large', { url: URL, maxBytes: 6 }, 'ICT_FETCH_TOO_LARGE'],
    ['another size', { url: URL, maxBytes: 100, expect: { sizeBytes: 8 } }, 'ICT_FETCH_MISMATCH'],
    ['another digest', { url: URL, maxBytes: 100, expect: { digest: `sha256:${'0'.repeat(64)}` as Digest } }, 'ICT_FETCH_MISMATCH'],
    ['a name that every object has', { url: 'toString', maxBytes: 100 }, 'ICT_FETCH_NOT_FOUND'],
  ])('refuses %s', async (_, request, code) => {
    await using ctx = fakeContext({ archives: [memoryArchive({ [URL]: 'content' })] });
    await expect(ctx.fetch.fetch(request)).rejects.toMatchObject({ code });
  });

  it('stops on a signal', async () => {
    await using ctx = fakeContext({ archives: [memoryArchive({ [URL]: 'content' })], signal: AbortSignal.abort() });
    await expect(ctx.fetch.fetch({ url: URL, maxBytes: 100 })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('serves a directory, and nothing above it', async () => {
    await using served = fakeContext();
    writeFileSync(join(served.temporary, 'file'), BYTES);
    await using ctx = fakeContext({ archives: [directoryArchive('http://archive.example/debian', served.temporary)] });
    expect((await ctx.fetch.fetch({ url: URL, maxBytes: 100 })).digest).toBe(digestOf(BYTES));
    const outside = { url: 'http://archive.example/debian/%2e%2e/%2e%2e/etc/passwd', maxBytes: 1e6 };
    await expect(ctx.fetch.fetch(outside)).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND' });
    await expect(ctx.fetch.fetch({ url: 'http://other.example/file', maxBytes: 100 })).rejects.toMatchObject({
      code: 'ICT_FETCH_NOT_FOUND',
    });
  });
});

describe('memoryBlobs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ict-blobs-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('hands out what was put in', async () => {
    const blobs = memoryBlobs(directory);
    const file = join(directory, 'some');
    writeFileSync(file, 'other');
    const [bytes, moved] = [await blobs.putBytes(BYTES), await blobs.putFile(file)];
    expect(bytes).toEqual({ kind: 'blob', digest: digestOf('content'), sizeBytes: 7 });
    expect(await readFile((await blobs.path(moved.digest)) as string, 'utf8')).toBe('other');
    expect([blobs.digests.size, existsSync(file)]).toEqual([2, false]);
  });

  it('takes no other digest than SHA-256, as the cache does not, and no false one', async () => {
    const blobs = memoryBlobs(directory);
    const file = join(directory, 'other');
    writeFileSync(file, 'other');
    const sha512 = `sha512:${'0'.repeat(128)}` as Digest;
    await expect(blobs.path(sha512)).rejects.toMatchObject({ code: 'ICT_INTEGRITY_DIGEST' });
    await expect(blobs.putFile(file, { digest: sha512, sizeBytes: 5 })).rejects.toMatchObject({ code: 'ICT_INTEGRITY_DIGEST' });
    await expect(blobs.putFile(file, { digest: digestOf('content'), sizeBytes: 5 })).rejects.toThrow(/was put in as/);
    expect((await blobs.putFile(file, { digest: digestOf('other'), sizeBytes: 5 })).digest).toBe(digestOf('other'));
  });

  it('drops a blob whose bytes changed', async () => {
    const blobs = memoryBlobs(directory);
    const { digest } = await blobs.putBytes(BYTES);
    writeFileSync((await blobs.path(digest)) as string, 'changed');
    expect([await blobs.path(digest), blobs.digests.size]).toEqual([undefined, 0]);
  });
});

describe('memorySteps', () => {
  it('runs a step once for each type, version and key', async () => {
    const steps = memorySteps();
    let runs = 0;
    const run = async () => ({ count: ++runs });
    expect(await steps.step('a', 1, { x: 1, y: 2 }, run)).toEqual({ count: 1 });
    expect(await steps.step('a', 1, { y: 2, x: 1 }, run)).toEqual({ count: 1 });
    expect(await steps.step('a', 2, { x: 1, y: 2 }, run)).toEqual({ count: 2 });
    expect(steps.ran).toEqual(['a', 'a']);
  });
});

describe('fakeTools', () => {
  it('remembers commands and fails by exit status', async () => {
    const tools = fakeTools(({ argv }) => ({ exitCode: argv.length }));
    await expect(tools.run({ argv: ['mke2fs'] })).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED' });
    expect((await tools.run({ argv: ['mke2fs'], accept: [1] })).exitCode).toBe(1);
    expect(tools.commands.map(({ argv }) => argv)).toEqual([['mke2fs'], ['mke2fs']]);
  });

  it('remembers commands that follow another each for itself', async () => {
    const tools = fakeTools(({ argv }) => ({ exitCode: argv.length }));
    expect((await tools.run({ argv: ['mke2fs'], following: [['mmd', 'a']], accept: [1, 2] })).exitCode).toBe(2);
    expect(tools.commands).toEqual([
      { argv: ['mke2fs'], accept: [1, 2] },
      { argv: ['mmd', 'a'], accept: [1, 2] },
    ]);
  });

  it('has a digest of its own for each content', () => {
    expect(fakeTools(undefined, 'a').digest).not.toBe(fakeTools(undefined, 'b').digest);
    expect(fakeTools().digest).toBe(fakeTools().digest);
  });

  it('has the files that it is given', async () => {
    const tools = fakeTools(undefined, 'tools', { '/usr/lib/file': BYTES });
    expect([await tools.read('/usr/lib/file'), await tools.read('/usr/lib/other')]).toEqual([BYTES, undefined]);
  });
});
