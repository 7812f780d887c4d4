import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LoopbackServer } from '@ict/fixtures';
import { serveThrottled, type Line } from '../src/throttled-server.js';

const BYTES = 100_000;
let root: string;
let server: LoopbackServer | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-line-'));
  await writeFile(join(root, 'file'), Buffer.alloc(BYTES, 'x'));
});
afterEach(async () => {
  await server?.close();
  await rm(root, { recursive: true });
});

/** @returns milliseconds that some downloads at once took; a busy machine only makes them more. */
async function download(line: Line, count: number): Promise<number> {
  server = await serveThrottled(root, line);
  const { url } = server;
  const begun = performance.now();
  const sizes = await Promise.all(Array.from({ length: count }, async () => (await (await fetch(`${url}/file`)).bytes()).length));
  expect(sizes).toEqual(sizes.map(() => BYTES));
  return performance.now() - begun;
}

it('lets a connection have no more than its share', async () => {
  expect(await download({ latencyMs: 0, connectionBytesPerSecond: 1e5, bytesPerSecond: 1e9 }, 1)).toBeGreaterThan(950);
});

it('lets all connections have no more than the line', async () => {
  expect(await download({ latencyMs: 0, connectionBytesPerSecond: 1e9, bytesPerSecond: 4e5 }, 4)).toBeGreaterThan(950);
});

it('answers late', async () => {
  expect(await download({ latencyMs: 500, connectionBytesPerSecond: 1e9, bytesPerSecond: 1e9 }, 1)).toBeGreaterThan(950);
});

it('answers 404 for what is not there', async () => {
  server = await serveThrottled(root, { latencyMs: 0, connectionBytesPerSecond: 1e9, bytesPerSecond: 1e9 });
  expect((await fetch(`${server.url}/absent`)).status).toBe(404);
});
