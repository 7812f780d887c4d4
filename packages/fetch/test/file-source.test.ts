import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bench, digest, maxBytes, useLoopback } from './loopback.js';

useLoopback();

describe('file addresses', () => {
  const write = (content: string): string => {
    const path = join(bench.root, 'a file');
    writeFileSync(path, content);
    return pathToFileURL(path).href;
  };

  it('are copied, online and offline', async () => {
    const url = write('hello');
    const fetched = await bench.open({ offline: true }).fetch({ url, maxBytes, expect: { digest: digest('hello'), sizeBytes: 5 } });
    expect(fetched).toMatchObject({ digest: digest('hello'), sizeBytes: 5, fromCache: false, url });
    expect(readFileSync(fetched.file, 'utf8')).toBe('hello');
    expect(statSync(join(bench.root, 'a file')).nlink).toBe(1);
  });

  it.each([
    ['too large', { maxBytes: 4 }, 'ICT_FETCH_TOO_LARGE'],
    ['another size', { maxBytes, expect: { sizeBytes: 4 } }, 'ICT_FETCH_MISMATCH'],
    ['too large for what was expected', { maxBytes: 4, expect: { sizeBytes: 4 } }, 'ICT_FETCH_MISMATCH'],
    ['another digest', { maxBytes, expect: { digest: digest('x') } }, 'ICT_FETCH_MISMATCH'],
  ])('%s', async (_name, request, code) => {
    await expect(bench.open().fetch({ url: write('hello'), ...request })).rejects.toMatchObject({ code });
    expect(readdirSync(join(bench.root, 'temporary'))).toEqual([]);
  });

  it('absent files, directories and what would be waited for are not found', async () => {
    mkdirSync(join(bench.root, 'directory'));
    execFileSync('mkfifo', [join(bench.root, 'fifo')]);
    for (const name of ['absent', 'directory', 'directory/below', 'fifo']) {
      const url = pathToFileURL(join(bench.root, name)).href;
      await expect(bench.open().fetch({ url, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND' });
    }
  });
});
