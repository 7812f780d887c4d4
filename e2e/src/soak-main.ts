import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Mini } from './mini-build.js';
import { soak } from './soak.js';

/* `npm run soak -- [--moments N] [--seed N]`: the long form of the end-to-end test of the same name. */

const { values } = parseArgs({ options: { moments: { type: 'string', default: '200' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const moments = Number(values.moments);
if (!Number.isSafeInteger(seed) || seed < 0 || !Number.isSafeInteger(moments) || moments < 1) {
  throw new Error('usage: npm run soak -- [--moments N] [--seed N]');
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const run = await mkdtemp(join(tmpdir(), 'ict-soak-'));
try {
  await chmod(run, 0o755);
  say(`seed ${seed}, ${moments} moments`);
  const mini = await Mini.start(run, 'soak');
  try {
    const { struck, checks } = await soak(mini, { seed, moments, checkEvery: 20, say });
    say(`seed ${seed}: ${struck} of ${moments} moments struck a running command, ${checks} checks, nothing lost`);
  } finally {
    await mini.close();
  }
} finally {
  await rm(run, { recursive: true, force: true });
}
