import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LargePieces, PIECE_BYTES } from '../src/agent/large-pieces.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-pieces-'));
const pipe = join(directory, 'pipe');
spawnSync('mkfifo', [pipe]);
afterAll(() => rmSync(directory, { recursive: true }));

/** Starts a shell whose standard output is the pipe. */
function running(script: string) {
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY);
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', writer, 'inherit'] });
  closeSync(writer);
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_code, signal) => resolve(signal)));
  return { pieces: new LargePieces(reader), ended };
}

it.each([0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 77])('hands out %i bytes, as they came', async (size) => {
  const { pieces, ended } = running(`seq 1000000 | head -c ${size}`);
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(Buffer.from(piece));
  await ended;
  const { stdout } = spawnSync('sh', ['-c', `seq 1000000 | head -c ${size}`], { maxBuffer: 2 ** 24 });
  expect(Buffer.concat(found).equals(stdout)).toBe(true);
  expect(found.slice(0, -1).every(({ length }) => length === PIECE_BYTES)).toBe(true);
  pieces.close();
});

it('waits for who takes its time, and uses one memory', async () => {
  const { pieces, ended } = running(`yes | head -c ${3 * PIECE_BYTES}`);
  const memories = new Set<ArrayBufferLike>();
  let size = 0;
  for await (const { buffer, length } of pieces) {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    memories.add(buffer);
    size += length;
  }
  expect([size, memories.size, await ended]).toEqual([3 * PIECE_BYTES, 1, null]);
});

it('loses nothing of what had ended before anyone asked', async () => {
  const { pieces, ended } = running('echo ended');
  await ended;
  const found: string[] = [];
  for await (const piece of pieces) found.push(Buffer.from(piece).toString());
  expect(found).toEqual(['ended\n']);
});

it('tells the program when nobody reads any more, and ends an iteration that waits', async () => {
  const { pieces, ended } = running('exec yes');
  const iterator = pieces[Symbol.asyncIterator]();
  const waiting = iterator.next();
  pieces.close();
  expect((await waiting).value?.length ?? 0).toBeLessThan(PIECE_BYTES);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(await ended).toBe('SIGPIPE');
});
