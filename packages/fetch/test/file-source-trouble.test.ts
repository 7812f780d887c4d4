import { readFileSync, writeFileSync } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { bench, digest, maxBytes, server, useLoopback } from './loopback.js';

useLoopback();

/** What the disk of a file whose path ends like this says to whoever reads, or writes. */
const trouble = vi.hoisted(() => ({ ending: '', code: '' }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const open: typeof real.open = async (path, ...more) => {
    const handle = await real.open(path, ...more);
    if (trouble.ending === '' || !String(path).includes(trouble.ending)) return handle;
    const refuse = (syscall: string) => () =>
      Promise.reject(Object.assign(new Error(`${trouble.code}: trouble, ${syscall}`), { code: trouble.code, syscall }));
    return Object.assign(handle, { read: refuse('read'), writeFile: refuse('write') });
  };
  return { ...real, open };
});

function source(): string {
  const path = join(bench.root, 'source');
  writeFileSync(path, 'hello');
  return pathToFileURL(path).href;
}

it.each(['EIO', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN'])('%s while a file is read says that it cannot be', async (code) => {
  Object.assign(trouble, { ending: '/source', code });
  await expect(bench.open().fetch({ url: source(), maxBytes })).rejects.toMatchObject({
    code: 'ICT_FETCH_UNREADABLE',
    facts: { path: join(bench.root, 'source'), reason: code },
  });
});

it('what the disk of the copy says is not said of the file', async () => {
  Object.assign(trouble, { ending: '/fetched-', code: 'EIO' });
  await expect(bench.open().fetch({ url: source(), maxBytes })).rejects.toMatchObject({ code: 'EIO', syscall: 'write' });
});

it('a mirror in a directory that cannot be read is passed over', async () => {
  Object.assign(trouble, { ending: '/source', code: 'ESTALE' });
  server.on('/source', (_request, response) => response.end('hello'));
  const archive = 'http://archive.example/debian';
  const candidates = [source().replace(/\/source$/, ''), server.origin].map((url) => ({ url, source: 'config' as const }));
  const fetcher = bench.open({ mirrors: new Map([[archive, candidates]]) });
  const { file } = await fetcher.fetch({ url: `${archive}/source`, maxBytes, expect: { digest: digest('hello') } });
  expect(readFileSync(file, 'utf8')).toBe('hello');
});
