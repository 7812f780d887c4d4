import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CommandOutput, type OnLines } from '../src/agent/command-output.js';
import { OutputPipePool } from '../src/agent/output-pipes.js';
import type { OutputLine } from '../src/protocol.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-output-'));
const pool = new OutputPipePool(directory);
afterAll(() => rmSync(directory, { recursive: true }));

async function running(script: string, onLines?: OnLines): Promise<{ readonly output: CommandOutput; readonly child: ChildProcess }> {
  const pipes = await pool.take();
  const output = new CommandOutput(pipes.readers, onLines);
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', pipes.writers.stdout, pipes.writers.stderr] });
  child.once('exit', () => output.hurry());
  pipes.started();
  return { output, child };
}

it('tells what was printed to standard output before what then went to the other, although it rests', async () => {
  const lines: OutputLine[] = [];
  const { output } = await running('for i in {1..40}; do echo "out $i"; sleep 0.003; echo "err $i" >&2; sleep 0.003; done', (more) => {
    lines.push(...more);
    return undefined;
  });
  const { stdout, stderr } = await output.ended;
  const numbers = Array.from({ length: 40 }, (_, index) => index + 1);
  const place = (wanted: string): number => lines.findIndex(([, line]) => line === wanted);
  for (const number of numbers) expect(place(`out ${number}`)).toBeLessThan(place(`err ${number}`));
  expect(lines).toContainEqual(['stdout', 'out 40']);
  expect(stdout).toBe(numbers.map((number) => `out ${number}\n`).join(''));
  expect(stderr).toBe(numbers.map((number) => `err ${number}\n`).join(''));
});

it('looks for lines that come one by one twenty times a second at most', async () => {
  const batches: (readonly OutputLine[])[] = [];
  const began = performance.now();
  const { output } = await running('for i in {1..100}; do echo $i; sleep 0.002; done', (lines) => void batches.push(lines));
  await output.ended;
  const rests = (performance.now() - began) / 50;
  expect(batches.length).toBeLessThan(rests + 3);
  expect(batches.flat().map(([, line]) => line)).toEqual(Array.from({ length: 100 }, (_, index) => String(index + 1)));
});

it('does not rest while much is printed, nor when the command has ended', async () => {
  const began = performance.now();
  const { output } = await running('head -c 100000000 /dev/zero | tr "\\0" "\\n"; echo end');
  const { stdout } = await output.ended;
  expect(stdout).toMatch(/^\n+end\n$/);
  expect(stdout).toHaveLength(256 * 1024);
  // 1,526 times what a pipe holds: with a rest after each they would take 76 s.
  expect(performance.now() - began).toBeLessThan(38_000);
});

it('sees that a pipe is full of lines that leave room on its pages', async () => {
  const began = performance.now();
  const { output } = await running(`for ((i = 0; i < 15000; i++)); do echo ${'x'.repeat(2_100)}; done`);
  expect((await output.ended).stdout.slice(-2_101)).toBe(`${'x'.repeat(2_100)}\n`);
  // 938 times what a pipe holds of them: with a rest after each they would take 47 s.
  expect(performance.now() - began).toBeLessThan(23_000);
});

it('reads no more while nobody takes the lines, of either output', async () => {
  const wake: (() => void)[] = [];
  const lines: string[] = [];
  const { output, child } = await running('echo first; sleep 0.1; seq 100000; echo last >&2', (more) => {
    lines.push(...more.map(([, line]) => line));
    return new Promise((resolve) => wake.push(resolve));
  });
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(lines).toEqual(['first']);
  expect(child.exitCode).toBeNull();
  const waking = setInterval(() => wake.splice(0).forEach((each) => each()), 1);
  await output.ended;
  clearInterval(waking);
  expect(lines.toSorted((a, b) => Number(a) - Number(b))).toHaveLength(100_002);
});

it.each(['exec yes', 'printf unfinished'])('fails when who takes the lines of %j does', async (script) => {
  const { output, child } = await running(script, () => Promise.reject(new Error('gone')));
  await expect(output.ended).rejects.toThrow('gone');
  output.close();
  child.kill();
});

it('cuts what is printed without line ends, and tells what comes after the last one', async () => {
  const lines: string[] = [];
  const { output } = await running(`head -c 200000 /dev/zero | tr '\\0' x; printf '\\nrest'; printf 'other' >&2`, (more) => {
    lines.push(...more.map(([, line]) => line));
    return undefined;
  });
  await output.ended;
  expect(lines.filter((line) => !/^x*$/.test(line)).sort()).toEqual(['other', 'rest']);
  expect(lines.join('').replace(/[^x]/g, '')).toHaveLength(200_000);
});

it('ends for what is closed', async () => {
  const { output, child } = await running('exec sleep 60');
  output.close();
  expect(await output.ended).toEqual({ stdout: '', stderr: '' });
  child.kill();
});
