import { describe, expect, it } from 'vitest';
import { measure, parseTimes } from '../src/measurement.js';

/** Counts to a number; its CPU time is what `grandchildren` and `namespace` must find again. */
const BURN = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';

describe('measure', () => {
  it('counts the CPU time of descendants, not only of the process', async () => {
    const alone = await measure({ argv: ['bash', '-c', BURN] });
    const nested = await measure({ argv: ['bash', '-c', `bash -c 'bash -c "$0"; true' "$0"; true`, BURN] });
    expect(alone.cpuSeconds).toBeGreaterThan(0);
    expect(nested.cpuSeconds).toBeGreaterThan(alone.cpuSeconds / 3);
  });

  it('counts what runs in the background when it is waited for', async () => {
    const alone = await measure({ argv: ['bash', '-c', BURN] });
    const three = await measure({ argv: ['bash', '-c', `for n in 1 2 3; do bash -c "$0" & done; wait`, BURN] });
    expect(three.cpuSeconds).toBeGreaterThan(alone.cpuSeconds);
  });

  it('waits: wall time passes without CPU time', async () => {
    const { wallSeconds, cpuSeconds } = await measure({ argv: ['sleep', '0.3'] });
    expect([wallSeconds >= 0.3, cpuSeconds < 0.2]).toEqual([true, true]);
  });

  it('hands on arguments, directory and environment unchanged', async () => {
    const check = `[ "$1" = 'a "b" $c' ] && [ "$PWD" = / ] && [ "$BENCH_TEST" = x ]`;
    const measured = await measure({ argv: ['sh', '-c', check, 'sh', 'a "b" $c'], cwd: '/', env: { BENCH_TEST: 'x' } });
    expect(measured.wallSeconds).toBeGreaterThanOrEqual(0);
  });

  it('tells what had been taken at a milestone, by processes that ended and by one that runs', async () => {
    const script = `bash -c '${BURN}'; ${BURN}; echo half; ${BURN}; echo half; bash -c '${BURN}'; true`;
    const { cpuSeconds, wallSeconds, milestone } = await measure(
      { argv: ['bash', '-c', script] },
      { name: 'half', reached: (line) => line === 'half' },
    );
    const [part, whole] = [milestone?.cpuSeconds ?? 0, cpuSeconds];
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(whole);
    expect(milestone?.wallSeconds).toBeLessThan(wallSeconds);
  });

  it('fails when a milestone is never reached', async () => {
    const never = measure({ argv: ['echo', 'done'] }, { name: 'the moon', reached: (line) => line === 'landed' });
    await expect(never).rejects.toThrow(/never said that it reached: the moon/);
  });

  it.each([
    [['sh', '-c', 'echo the reason >&2; exit 3'], /ended with 3:\n.*the reason/s],
    [['no-such-program'], /ended with 127/],
    [['sh', '-c', 'kill -9 $$'], /ended with 137/],
  ])('fails when the command does: %j', async (argv, message) => {
    await expect(measure({ argv })).rejects.toThrow(message);
  });
});

describe('parseTimes', () => {
  it('adds user and system time', () => {
    expect(parseTimes('1.500 0.200 0.100\n')).toEqual({ wallSeconds: 1.5, cpuSeconds: 0.3 });
  });

  it.each(['', 'bash: command not found', '1.0 2.0'])('refuses %j', (text) => {
    expect(() => parseTimes(text)).toThrow('did not print times');
  });
});
