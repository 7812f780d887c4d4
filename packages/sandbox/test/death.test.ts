import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '../src/index.js';
import { makeBase, makeHostTree } from './host-tree.js';
import { eventually, processesWith } from './processes.js';

const base = makeBase();
const built = new URL('../dist/index.js', import.meta.url).href;

beforeAll(() => {
  makeHostTree(join(base, 'low'));
});

afterAll(() => {
  rmSync(base, { recursive: true });
});

/** Opens a tree, starts sleepers (one of them detached), then says its sandbox's process id. Never ends by itself. */
const PARENT = `
  const { startSandbox } = await import(process.argv[1]);
  const [base, mark] = process.argv.slice(2);
  const { signal } = new AbortController();
  const sandbox = await startSandbox({ signal, temporary: base });
  const tree = await sandbox.openTree({ lowers: [base + '/low'], upper: { directory: base + '/up', work: base + '/work' }, epochSeconds: 0, signal });
  await tree.mount({ path: base + '/low' }, '/mnt', true);
  const script = 'setsid sleep ' + mark + ' & sleep ' + mark + ' & echo up; sleep ' + mark;
  const onLine = () => console.log(String(sandbox.pid)); // a number would be coloured where FORCE_COLOR is set
  tree.run({ argv: ['/bin/sh', '-c', script], env: { PATH: '/usr/bin:/bin' }, onLine }).catch((error) => console.log(error.code));
`;

interface Parent {
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly sandboxPid: number;
  readonly exited: Promise<unknown>;
}

const parents: ChildProcess[] = [];
afterEach(() => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
});

async function startParent(mark: string): Promise<Parent> {
  const argv = ['--input-type=module', '-e', PARENT, built, base, mark];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('..', import.meta.url)) });
  const exited = once(child, 'exit');
  parents.push(child);
  const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  await eventually(() => processesWith(mark).length >= 3);
  return { process: child, lines, sandboxPid: Number(value), exited };
}

async function nothingRemains(mark: string): Promise<void> {
  await eventually(() => processesWith(mark).length === 0 && processesWith(base).length === 0);
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(base);
  // With nothing mounted in it, all of it can be removed; what the kernel made for overlays only inside namespaces, without root.
  const left = readdirSync(base).filter((name) => name !== 'low');
  const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
  for (const name of left) await sandbox.removeTree(join(base, name));
  await sandbox.close();
  expect(readdirSync(base)).toEqual(['low']);
}

/** The namespaces' first process: the child of what ict started. */
function agentOf(sandboxPid: number): number {
  return Number(readFileSync(`/proc/${sandboxPid}/task/${sandboxPid}/children`, 'utf8').trim());
}

describe('kill -9', () => {
  it('of ict leaves no process and no mount', async () => {
    const parent = await startParent('40501');
    parent.process.kill('SIGKILL');
    await nothingRemains('40501');
  });

  it('of what ict started leaves nothing, and the call in progress fails', async () => {
    const parent = await startParent('40502');
    process.kill(parent.sandboxPid, 'SIGKILL');
    expect((await parent.lines.next()).value).toBe('ICT_SANDBOX_DIED');
    await nothingRemains('40502');
    await parent.exited;
  });

  it('of the agent leaves nothing, and the call in progress fails', async () => {
    const parent = await startParent('40503');
    process.kill(agentOf(parent.sandboxPid), 'SIGKILL');
    expect((await parent.lines.next()).value).toBe('ICT_SANDBOX_DIED');
    await nothingRemains('40503');
  });

  it('of both leaves nothing', async () => {
    const parent = await startParent('40504');
    const agent = agentOf(parent.sandboxPid);
    parent.process.kill('SIGKILL');
    process.kill(agent, 'SIGKILL');
    await nothingRemains('40504');
  });

  it.each(Array.from({ length: 8 }, (_, index) => [index * 25]))('of ict while it starts, after %i ms, leaves nothing', async (delayMs) => {
    const argv = ['--input-type=module', '-e', `${PARENT}; await new Promise(() => undefined)`, built, base, '40505'];
    const child = spawn(process.execPath, argv, { stdio: 'ignore' });
    // The moment is the point of this test; what follows is polled.
    const killed = once(child, 'exit');
    setTimeout(() => child.kill('SIGKILL'), delayMs + 60);
    await killed;
    await nothingRemains('40505');
  });
});

it('is out of the reach of a Ctrl-C at the terminal, which is for ict', async () => {
  const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
  const pid = sandbox.pid as number;
  const [, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  expect(Number(group)).toBe(pid);
  await sandbox.close();
});

it('ends with its signal, and calls in progress get the reason', async () => {
  const controller = new AbortController();
  const sandbox = await startSandbox({ signal: controller.signal, temporary: base });
  const tree = await sandbox.openTree({ lowers: [join(base, 'low')], epochSeconds: 0, signal: new AbortController().signal });
  const running = expect(tree.run({ argv: ['/bin/sleep', '40506'] })).rejects.toThrow('all over');
  await eventually(() => processesWith('40506').length > 0);
  controller.abort(new Error('all over'));
  await running;
  await expect(tree.stat('/')).rejects.toThrow('all over');
  await nothingRemains('40506');
});

it('refuses work after it was closed, and closes once', async () => {
  const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
  await Promise.all([sandbox.close(), sandbox.close()]);
  await expect(sandbox.statLayer(base)).rejects.toMatchObject({ code: 'ICT_SANDBOX_CLOSED' });
  expect(readdirSync(base)).toEqual(['low']);
});

it('says why it cannot start, and leaves nothing', async () => {
  const starting = startSandbox({ signal: new AbortController().signal, temporary: base, node: '/no/such/node' });
  await expect(starting).rejects.toMatchObject({ code: 'ICT_SANDBOX_START' });
  await expect(starting).rejects.toThrow('/no/such/node');
  const aborted = startSandbox({ signal: AbortSignal.abort(new Error('stop')), temporary: base });
  await expect(aborted).rejects.toThrow('stop');
  expect(readdirSync(base)).toEqual(['low']);
});

it('does not start on a worker thread, with which it would end', async () => {
  const code = `import(${JSON.stringify(built)}).then(async ({ startSandbox }) => {
    const { parentPort } = require('node:worker_threads');
    await startSandbox({ signal: new AbortController().signal, temporary: '/' }).catch((error) => parentPort.postMessage(error.code));
  });`;
  const [message] = (await once(new Worker(code, { eval: true }), 'message')) as [unknown];
  expect(message).toBe('ICT_SANDBOX_START');
});

/** Kills sandboxes, each with its agent, while they close. */
const CLOSE_DYING = `
  const { startSandbox } = await import(process.argv[1]);
  const { readFileSync } = await import('node:fs');
  for (let round = 0; round < 10; round++) {
    const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: process.argv[2] });
    const agent = Number(readFileSync('/proc/' + sandbox.pid + '/task/' + sandbox.pid + '/children', 'utf8'));
    const closing = sandbox.close().catch((error) => error.code);
    for (const pid of [agent, sandbox.pid]) process.kill(pid, 'SIGKILL');
    console.log((await closing) ?? 'closed');
  }
`;

it('closes although it is killed meanwhile, in a process that waits for nothing else', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CLOSE_DYING, built, base], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  expect(status).toBe(0); // 13 when its last promise never settles
  expect(said).toMatch(/^(?:(?:ICT_SANDBOX_DIED|closed)\n){10}$/);
});
