import { Console } from 'node:console';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { claimOutput } from '../src/own-output.js';

/** A process with what it has printed so far. */
function printing() {
  const [stdout, stderr] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
  Object.assign(stdout, { isTTY: true, columns: 80 });
  const own = claimOutput(stdout, stderr);
  const printed = () => [stdout, stderr].map((stream) => (stream.read() as string | null) ?? '');
  return { stdout, stderr, own, printed };
}

it('is where the command prints, and nothing else', async () => {
  const { stdout, stderr, own, printed } = printing();
  const console = new Console(stdout, stderr);
  console.log('%s of a plugin', 'word');
  console.table([{ a: 1 }]);
  stdout.write('straight to the stream\n');
  await pipeline(Readable.from(['from a thread\n']), stdout, { end: false });
  own.write('{"document":1}\n');
  const [out, err] = printed();
  expect(out).toBe('{"document":1}\n');
  expect(err).toMatch(/^word of a plugin\n[^]*straight to the stream\nfrom a thread\n$/);
});

it('is as wide as it was, and as it becomes', () => {
  const { stdout, own } = printing();
  expect([own.isTTY, own.columns]).toEqual([true, 80]);
  Object.assign(stdout, { columns: 40 });
  expect(own.columns).toBe(40);
});
