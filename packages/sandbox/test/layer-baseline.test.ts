import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { LayerBaseline } from '../src/agent/layer-baseline.js';
import type { LayerEntry } from '../src/manifest.js';

/** How the file system of the tests tells the time of a change, in nanoseconds. */
const clock = vi.hoisted(() => ({ tells: (ctimeNs: bigint): bigint => ctimeNs }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const lstatSync = (path: fs.PathLike, options: { bigint: true }): fs.BigIntStats => {
    const stats = real.lstatSync(path, options);
    return Object.assign(stats, { ctimeNs: clock.tells(stats.ctimeNs) });
  };
  return { ...real, lstatSync };
});

const SECOND = 1_000_000_000n;
const directory = fs.mkdtempSync(join(tmpdir(), 'ict-layer-baseline-'));
const file = join(directory, 'file');
fs.writeFileSync(file, 'content');
afterAll(() => fs.rmSync(directory, { recursive: true }));

const entries: readonly LayerEntry[] = [{ path: '/file', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, sizeBytes: 7 }];

it.each<[string, (ctimeNs: bigint) => bigint, readonly LayerEntry[]]>([
  // Not a whole second by chance.
  ['as the kernel does is believed', (ctimeNs) => ctimeNs | 1n, entries],
  ['in whole seconds is not: a change within one would not show', (ctimeNs) => ctimeNs - (ctimeNs % SECOND), []],
  ['ahead of the clock is not: a later change could get the same time', (ctimeNs) => (ctimeNs + 3600n * SECOND) | 1n, []],
])('a file system that tells changes %s', async (_how, tells, expected) => {
  clock.tells = tells;
  const baseline = await LayerBaseline.take(directory, entries);
  const found = baseline.unchanged('/file', fs.lstatSync(file, { bigint: true }));
  expect([found].flatMap((entry) => entry ?? [])).toEqual(expected);
});

it('a directory that is gone is a failure of the layer', async () => {
  await expect(LayerBaseline.take(join(directory, 'gone'), [])).rejects.toMatchObject({ code: 'ICT_SANDBOX_LAYER' });
});
