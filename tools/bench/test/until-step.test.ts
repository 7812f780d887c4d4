import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../dist/until-step.js', import.meta.url));

/** A stand-in for a build: prints these events, then goes on until it is told to stop. */
const build = (events: readonly object[]): string => `
  for (const event of ${JSON.stringify(events)}) console.log(JSON.stringify(event));
  process.on('SIGTERM', () => process.exit(143));
  ${events.some((event) => 'last' in event) ? '' : 'setInterval(() => undefined, 1000);'}
`;

const until = (step: string, events: readonly object[]) => run(process.execPath, [PROGRAM, step, process.execPath, '-e', build(events)]);

it('ends a build when the step is stored', async () => {
  const events = [
    { type: 'step.stored', step: 'ict.base' },
    { type: 'step.start', step: 'ict.packages' },
  ];
  await expect(until('ict.packages', [...events, { type: 'step.stored', step: 'ict.packages' }])).resolves.toBeDefined();
});

it('fails when the build ends before', async () => {
  const events = [
    { type: 'step.start', step: 'ict.packages' },
    { type: 'build.failed', last: true },
  ];
  await expect(until('ict.packages', events)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('ict.packages') as string });
});
