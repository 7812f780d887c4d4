import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../bin/ict.js', import.meta.url));

/** Makes the first process believe that it is an old Node, with or without `process.execve`; the next one is itself. */
const pretend = `data:text/javascript,${encodeURIComponent(`
  const old = process.env.TEST_OLD_NODE;
  delete process.env.TEST_OLD_NODE;
  if (old !== undefined) Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
  if (old === 'spawn') Object.defineProperty(process, 'execve', { value: undefined });
`)}`;

/** Stands for dist/main.js. */
const main = `
export async function main(argv) {
  if (argv[0] === 'exit') process.exit(Number(argv[1]));
  if (argv[0] === 'wait') {
    process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(143); });
    setInterval(() => undefined, 1000);
  }
  if (argv[0] === 'die') process.kill(process.pid, 'SIGKILL');
  console.log(JSON.stringify({ argv, pid: process.pid }));
}
`;

let root: string;
let app: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-bin-'));
  app = join(root, 'node_modules', '@ict', 'cli');
  await mkdir(join(app, 'bin'), { recursive: true });
  await mkdir(join(app, 'dist'));
  await copyFile(bin, join(app, 'bin', 'ict.js'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  await writeFile(join(app, 'dist', 'main.js'), main);
});

afterEach(() => rm(root, { recursive: true }));

async function bringNode(version: string): Promise<void> {
  const directory = join(root, 'node_modules', `node-linux-${process.arch}`);
  await mkdir(join(directory, 'bin'), { recursive: true });
  await writeFile(join(directory, 'package.json'), JSON.stringify({ version }));
  await symlink(process.execPath, join(directory, 'bin', 'node'));
}

function start(argv: readonly string[], old?: 'spawn' | 'execve') {
  return spawn(process.execPath, ['--import', pretend, join(app, 'bin', 'ict.js'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', ...(old === undefined ? {} : { TEST_OLD_NODE: old }) },
  });
}

async function finish(child: ReturnType<typeof start>) {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { stdout, stderr, code, signal, pid: child.pid };
}

const run = (argv: readonly string[], old?: 'spawn' | 'execve') => finish(start(argv, old));

describe('on a Node that is new enough', () => {
  it('runs the built code in this process', async () => {
    const { stdout, code, pid } = await run(['a', 'b c']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ argv: ['a', 'b c'], pid });
  });

  it('says how to build what is not built', async () => {
    await rm(join(app, 'dist', 'main.js'));
    const { stderr, code } = await run([]);
    expect(code).toBe(7);
    expect(stderr).toContain('npm run build');
  });
});

describe('on an old Node', () => {
  it('goes on in the same process under the Node beside it', async () => {
    await bringNode('24.21.0');
    const { stdout, code, pid } = await run(['a'], 'execve');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ argv: ['a'], pid });
  });

  it('goes on in a child where a process cannot be replaced, and passes its status on', async () => {
    await bringNode('24.21.0');
    expect((await run(['exit', '5'], 'spawn')).code).toBe(5);
    const { stdout, pid } = await run(['a'], 'spawn');
    expect((JSON.parse(stdout) as { pid: number }).pid).not.toBe(pid);
  });

  it('ends by the signal that ended the child', async () => {
    await bringNode('24.21.0');
    expect(await run(['die'], 'spawn')).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('passes signals on', async () => {
    await bringNode('24.21.0');
    const child = start(['wait'], 'spawn');
    const finished = finish(child);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await finished).toMatchObject({ code: 143 });
  });

  it('takes the child along when it is killed', async () => {
    await bringNode('24.21.0');
    const child = start(['wait'], 'spawn');
    const finished = finish(child);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    // The output ends when the last process that holds it does.
    expect((await finished).stdout).toContain('asked to stop');
  });

  it.each([[undefined], ['24.14.9'], ['22.23.3']])('says which Node it needs when the one beside it is %s', async (version) => {
    if (version !== undefined) await bringNode(version);
    const { stderr, stdout, code } = await run(['a'], 'spawn');
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toContain('this is Node 20.20.2; ict needs Node 24.15 or newer');
    expect(stderr).toContain('npm ci');
  });
});
