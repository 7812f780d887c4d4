import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { PIECE_BYTES, type LargePieces } from '../src/agent/large-pieces.js';
import { TarSockets } from '../src/agent/tar-sockets.js';

const directory = mkdtempSync(join(tmpdir(), `ict-sockets-${'n'.repeat(100)}`));
const outputs = new TarSockets(directory);
afterAll(() => rmSync(directory, { recursive: true }));

/** Starts a shell whose standard output is one of the sockets. */
async function running(script: string) {
  const { pieces, end } = await outputs.take();
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', end, 'ignore'] });
  end.destroy();
  return { pieces, ended: new Promise<boolean>((resolve) => child.on('close', (status) => resolve(status === 0))) };
}

async function textOf(pieces: LargePieces): Promise<string> {
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(Buffer.from(piece));
  return Buffer.concat(found).toString();
}

it.each([0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 77])('hands out %i bytes, as they came', async (size) => {
  const { pieces, ended } = await running(`seq 1000000 | head -c ${size}`);
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(Buffer.from(piece));
  await ended;
  const { stdout } = spawnSync('sh', ['-c', `seq 1000000 | head -c ${size}`], { maxBuffer: 2 ** 24 });
  expect(Buffer.concat(found).equals(stdout)).toBe(true);
  expect(found.slice(0, -1).every(({ length }) => length === PIECE_BYTES)).toBe(true);
  pieces.close();
});

it('waits for who takes its time, and uses one memory', async () => {
  const { pieces, ended } = await running(`yes | head -c ${3 * PIECE_BYTES}`);
  const memories = new Set<ArrayBufferLike>();
  let size = 0;
  for await (const { buffer, length } of pieces) {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    memories.add(buffer);
    size += length;
  }
  expect([size, memories.size, await ended]).toEqual([3 * PIECE_BYTES, 1, true]);
});

it('loses nothing of what had ended before anyone asked', async () => {
  const { pieces, ended } = await running('echo ended');
  await ended;
  expect(await textOf(pieces)).toBe('ended\n');
});

it('gives each program its own, whichever of them speaks first', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, (_, number) => running(`sleep 0.${5 - number}; echo ${number}`)));
  expect(await Promise.all(all.map(({ pieces }) => textOf(pieces)))).toEqual(['0\n', '1\n', '2\n', '3\n', '4\n']);
});

it('has none where none can be had, and has them as soon as they can', async () => {
  const place = join(directory, 'later');
  const sockets = new TarSockets(place);
  await expect(sockets.take()).rejects.toThrow('ENOENT');
  mkdirSync(place);
  const { pieces, end } = await sockets.take();
  end.destroy();
  expect(await textOf(pieces)).toBe('');
});

it('fails all that wait, and has new ones, when a connection comes to nothing', async () => {
  const place = join(directory, 'removed');
  mkdirSync(place);
  const sockets = new TarSockets(place);
  const { pieces, end } = await sockets.take();
  for (const name of readdirSync(place)) rmSync(join(place, name));
  await expect(Promise.all([sockets.take(), sockets.take()])).rejects.toThrow('ENOENT');
  const later = await sockets.take();
  for (const socket of [end, later.end]) socket.destroy();
  expect(await Promise.all([textOf(pieces), textOf(later.pieces)])).toEqual(['', '']);
});

it('tells the program when nobody reads any more, and ends an iteration that waits', async () => {
  const { pieces, ended } = await running('exec yes');
  const iterator = pieces[Symbol.asyncIterator]();
  const waiting = iterator.next();
  pieces.close();
  expect((await waiting).value?.length ?? 0).toBeLessThan(PIECE_BYTES);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(await ended).toBe(false);
});
