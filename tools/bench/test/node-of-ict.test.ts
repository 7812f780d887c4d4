import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { nodeOfIct } from '../src/node-of-ict.js';

it('runs a program with the settings of `ict`', () => {
  const [command = '', ...args] = nodeOfIct();
  const program = 'console.log(JSON.stringify([process.env.GLIBC_TUNABLES, process.execArgv]))';
  const [tunables, settings] = JSON.parse(execFileSync(command, [...args, '-e', program], { encoding: 'utf8' })) as [string, string[]];
  expect(tunables).toMatch(/^(glibc\.malloc\.\w+=\d+:?)+$/);
  expect(settings[0]).toMatch(/^--max-semi-space-size=\d+$/);
});
