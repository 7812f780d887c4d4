import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/*
 * Runs `ict build ... --json` until a step has stored its result, and ends it then: `until-step.js STEP ICT build ...`. A build does more than what
 * it is compared with; this measures it as far as that.
 */
const [step, program, ...args] = process.argv.slice(2) as [string, string, ...string[]];
const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
let stored = false;
createInterface({ input: child.stdout }).on('line', (line) => {
  const event = JSON.parse(line) as { readonly type: string; readonly step?: string };
  if (event.type !== 'step.stored' || event.step !== step) return;
  stored = true;
  child.kill('SIGTERM');
});
child.on('close', (code) => {
  if (stored) return;
  process.stderr.write(`the build ended with ${code} before ${step} was stored\n`);
  process.exitCode = 1;
});
