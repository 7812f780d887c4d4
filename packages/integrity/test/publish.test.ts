import type * as promises from 'node:fs/promises';
import { chmod, link, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { atomicWriteFile, flushFile, publishByLink, replaceFile, sharedDirectorySync, temporaryName, writeNewFile } from '../src/index.js';

/** Whether the next link is made twice, as over a network that lost the first answer. */
const network = vi.hoisted(() => ({ linksTwice: false }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const twice: typeof real.link = async (from, to) => {
    const { linksTwice } = network;
    network.linksTwice = false;
    await real.link(from, to);
    if (linksTwice) await real.link(from, to);
  };
  return { ...real, link: twice };
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-publish-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('writeNewFile leaves nothing where the bytes cannot be written, and what was there', async () => {
  const file = join(directory, 'a');
  await expect(writeNewFile(file, 1 as unknown as string)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  expect(await readdir(directory)).toEqual([]);
  await writeNewFile(file, 'one');
  await expect(writeNewFile(file, 'two')).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(file, 'utf8')).toBe('one');
});

describe('atomicWriteFile', () => {
  it('writes with exactly the mode and leaves nothing else', async () => {
    const umask = process.umask(0o077);
    try {
      await atomicWriteFile(join(directory, 'a'), 'one', { mode: 0o664 });
      await atomicWriteFile(join(directory, 'b'), new Uint8Array([1, 2]));
    } finally {
      process.umask(umask);
    }
    expect((await stat(join(directory, 'a'))).mode & 0o7777).toBe(0o664);
    expect((await stat(join(directory, 'b'))).mode & 0o7777).toBe(0o644);
    expect(await readdir(directory)).toEqual(['a', 'b']);
  });

  it('replaces the name and not the file, so that other links keep the old bytes', async () => {
    const file = join(directory, 'a');
    await writeFile(file, 'old');
    await link(file, join(directory, 'kept'));
    await atomicWriteFile(file, 'new');
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await readFile(join(directory, 'kept'), 'utf8')).toBe('old');
  });

  it('leaves no temporary file when it fails', async () => {
    await mkdir(join(directory, 'taken'));
    await expect(atomicWriteFile(join(directory, 'taken'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(atomicWriteFile(join(directory, 'absent', 'x'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(directory)).toEqual(['taken']);
  });

  it('always leaves one whole version when many write', async () => {
    const file = join(directory, 'a');
    const versions = Array.from({ length: 8 }, (_, index) => String(index).repeat(100_000));
    await Promise.all(versions.map((text) => atomicWriteFile(file, text)));
    expect(versions).toContain(await readFile(file, 'utf8'));
    expect(await readdir(directory)).toEqual(['a']);
  });
});

describe('replaceFile', () => {
  it('replaces the name, with one mode whatever the umask', async () => {
    const file = join(directory, 'a');
    await writeFile(file, 'old');
    await link(file, join(directory, 'kept'));
    const umask = process.umask(0o077);
    try {
      await replaceFile(file, 'new', join(directory, 'fresh'));
    } finally {
      process.umask(umask);
    }
    expect(await readFile(file, 'utf8')).toBe('new');
    expect((await stat(file)).mode & 0o7777).toBe(0o644);
    expect(await readFile(join(directory, 'kept'), 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['a', 'kept']);
  });

  it('leaves no temporary file when it fails', async () => {
    await mkdir(join(directory, 'taken'));
    await expect(replaceFile(join(directory, 'taken'), 'x', join(directory, 'fresh'))).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(directory)).toEqual(['taken']);
  });
});

describe('sharedDirectorySync', () => {
  it('serves those who ask before a flush begins with one, and others with the next', async () => {
    const flush = sharedDirectorySync(directory);
    const [first, second] = [flush(), flush()];
    expect(second).toBe(first);
    await first;
    const third = flush();
    expect(third).not.toBe(first);
    await third;
  });

  it('fails for all that it served, and works again', async () => {
    const inside = join(directory, 'later');
    const flush = sharedDirectorySync(inside);
    const outcomes = await Promise.allSettled([flush(), flush()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await mkdir(inside);
    await expect(flush()).resolves.toBeUndefined();
  });
});

it('flushFile says what the system refuses, and leaves nothing open', async () => {
  const unflushable = '/dev/null';
  const opened = async () => {
    const links = (await readdir('/proc/self/fd')).map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => undefined));
    return (await Promise.all(links)).filter((target) => target === unflushable).length;
  };
  const before = await opened();
  await expect(flushFile(unflushable)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'fsync' });
  await expect(flushFile(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' });
  expect(await opened()).toBe(before);
});

describe('publishByLink', () => {
  it('publishes once and keeps the first', async () => {
    const final = join(directory, 'final');
    const writers = Array.from({ length: 6 }, async (_, index) => {
      const temporary = join(directory, temporaryName());
      await writeFile(temporary, `writer ${index}`);
      await chmod(temporary, 0o444);
      return publishByLink(temporary, final);
    });
    const outcomes = await Promise.all(writers);
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await readFile(final, 'utf8')).toBe(`writer ${outcomes.indexOf(true)}`);
    expect(await readdir(directory)).toEqual(['final']);
    expect((await stat(final)).nlink).toBe(1);
  });

  it('knows its own file when the answer that it has its name was lost', async () => {
    const temporary = join(directory, temporaryName());
    await writeFile(temporary, 'mine');
    network.linksTwice = true;
    expect(await publishByLink(temporary, join(directory, 'final'))).toBe(true);
    expect(await readdir(directory)).toEqual(['final']);
  });

  it('keeps the temporary file when the final directory is absent', async () => {
    const temporary = join(directory, 'temporary');
    await writeFile(temporary, 'x');
    await expect(publishByLink(temporary, join(directory, 'absent', 'final'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(directory)).toEqual(['temporary']);
  });
});
