import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { machineStart, processStart } from '../src/index.js';

it('a process has one start, later than those before it, and none once it ended', async () => {
  const own = processStart(process.pid);
  expect(own).toMatch(/^\d+$/);
  expect(processStart(process.pid)).toBe(own);
  // A name with what else stands between the fields.
  const directory = mkdtempSync(join(tmpdir(), 'ict-start-'));
  const program = join(directory, 'a) b (c');
  copyFileSync('/bin/cat', program);
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    child.stdin.write('begun');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(Number(processStart(child.pid as number))).toBeGreaterThan(Number(own));
  } finally {
    child.stdin.end();
    await new Promise((resolve) => child.once('exit', resolve));
    rmSync(directory, { recursive: true });
  }
  expect(processStart(child.pid as number)).toBeUndefined();
});

it('a machine has one start', () => {
  expect(machineStart()).toMatch(/^[0-9a-f-]{36}$/);
  expect(machineStart()).toBe(machineStart());
});
