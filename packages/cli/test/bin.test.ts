import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../bin/ict.js', import.meta.url));

/** Makes a process believe that it is an old Node. */
const pretend = `data:text/javascript,${encodeURIComponent(`
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
`)}`;

/** Stands for dist/start.js. */
const start = `
export async function start(argv) {
  console.log(JSON.stringify({ argv, pid: process.pid, node: process.argv0 }));
}
`;

let root: string;
let app: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'ict-bin-')));
  app = join(root, 'node_modules', '@ict', 'cli');
  await mkdir(join(app, 'bin'), { recursive: true });
  await mkdir(join(app, 'dist'));
  await copyFile(bin, join(app, 'bin', 'ict.js'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  await writeFile(join(app, 'dist', 'start.js'), start);
});

afterEach(() => rm(root, { recursive: true }));

/** Puts a Node where `npm ci` puts one. */
async function bringNode(): Promise<string> {
  const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  await mkdir(dirname(node), { recursive: true });
  await symlink(process.execPath, node);
  return node;
}

/** A directory for PATH whose only Node is one that must not be asked, or this one. */
async function pathWith(node: 'trap' | 'this'): Promise<string> {
  const directory = join(root, 'path');
  await mkdir(directory);
  if (node === 'this') await symlink(process.execPath, join(directory, 'node'));
  else await writeFile(join(directory, 'node'), '#!/bin/sh\necho the wrong Node >&2\nexit 99\n', { mode: 0o755 });
  return `${directory}:/usr/bin:/bin`;
}

/** @param env default: what the tests have, without a place for compiled code. */
async function run(argv: readonly string[], path = process.env['PATH'], env: NodeJS.ProcessEnv = { NODE_DISABLE_COMPILE_CACHE: '1' }) {
  const child = spawn(argv[0], argv.slice(1), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path, ...env },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { stdout, stderr, code, pid: child.pid };
}

it('has the names that the tool had before, which `npx` needs to be of one file', async () => {
  const { bin: names } = JSON.parse(await readFile(join(dirname(bin), '..', 'package.json'), 'utf8')) as { bin: Record<string, string> };
  expect(Object.keys(names)).toEqual(['ict', 'image-composer', 'image-composer-tool']);
  expect(new Set(Object.values(names)).size).toBe(1);
});

describe('started by its name', () => {
  it.each([
    ['its own name', 'node_modules/@ict/cli/bin/ict.js'],
    ['the link that npm makes', 'node_modules/.bin/ict'],
    ['a link from elsewhere', 'elsewhere/ict'],
  ])('goes on in the same process under the Node that npm put above it, by %s', async (_, name) => {
    const node = await bringNode();
    for (const link of ['node_modules/.bin/ict', 'elsewhere/ict']) {
      await mkdir(dirname(join(root, link)));
      await symlink(join(app, 'bin', 'ict.js'), join(root, link));
    }
    const { stdout, stderr, code, pid } = await run([join(root, name), 'a', 'b c', ''], await pathWith('trap'));
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ argv: ['a', 'b c', ''], pid, node });
  });

  it('finds the Node beside a link to a package that lies elsewhere', async () => {
    const node = await bringNode();
    const away = await mkdtemp(join(tmpdir(), 'ict-bin-away-'));
    await rename(app, join(away, 'cli'));
    await symlink(join(away, 'cli'), app);
    const { stdout, pid } = await run(['node_modules/@ict/cli/bin/ict.js', 'a'], await pathWith('trap'));
    await rm(away, { recursive: true });
    expect(JSON.parse(stdout)).toEqual({ argv: ['a'], pid, node });
  });

  it.each([
    ['as it should', undefined, expect.stringContaining('glibc.malloc.arena_max=1:')],
    ['as the user says', 'glibc.malloc.arena_max=8', 'glibc.malloc.arena_max=8'],
    ['as without any settings, where the user says so', '', ''],
  ])('has memory given to it %s', async (_, own, expected) => {
    await bringNode();
    await writeFile(
      join(app, 'dist', 'start.js'),
      `export async function start() { console.log(JSON.stringify([process.env.GLIBC_TUNABLES, process.execArgv])); }`,
    );
    const { stdout } = await run(['node_modules/@ict/cli/bin/ict.js'], undefined, { GLIBC_TUNABLES: own });
    expect(JSON.parse(stdout)).toEqual([expected, ['--max-semi-space-size=2']]);
  });

  it('loads no streams, which an `import` of a module of Node would, before it is to print', async () => {
    await writeFile(
      join(app, 'dist', 'start.js'),
      `export async function start() { process._rawDebug(JSON.stringify(process.moduleLoadList.filter((name) => /streams\\/compose$/.test(name)))); }`,
    );
    const { stderr } = await run([process.execPath, join(app, 'bin', 'ict.js')]);
    expect(JSON.parse(stderr)).toEqual([]);
  });

  it.each([
    ['is closed is not written', '>&-', 'EBADF'],
    ['goes to nowhere is', '>/dev/null', 'fine'],
  ])('standard output that %s', async (_, redirection, expected) => {
    await bringNode();
    await writeFile(
      join(app, 'dist', 'start.js'),
      `export async function start() {
        process.stdout.on('error', () => undefined).write('text', (error) => process._rawDebug(error?.code ?? 'fine'));
      }`,
    );
    const { stderr } = await run(['sh', '-c', `node_modules/@ict/cli/bin/ict.js ${redirection}`]);
    expect(stderr).toBe(`${expected}\n`);
  });

  it('takes the Node of PATH where npm put none', async () => {
    const { stdout, code, pid } = await run(['node_modules/@ict/cli/bin/ict.js', 'a'], await pathWith('this'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ argv: ['a'], pid });
  });
});

describe('started by a Node', () => {
  const entry = () => join(app, 'bin', 'ict.js');

  /** Where compiled code is kept, and where those that are started hear that it is. */
  async function placesOfCode(env: NodeJS.ProcessEnv): Promise<readonly (string | null)[]> {
    await writeFile(
      join(app, 'dist', 'start.js'),
      `
        import { getCompileCacheDir } from 'node:module';
        export async function start() { console.log(JSON.stringify([getCompileCacheDir() ?? null, process.env.NODE_COMPILE_CACHE ?? null])); }
      `,
    );
    const { stdout } = await run([process.execPath, entry()], undefined, env);
    return JSON.parse(stdout) as readonly (string | null)[];
  }

  it('tells threads and processes that it starts where compiled code is kept', async () => {
    const kept = join(root, 'kept');
    const [own, told] = (await placesOfCode({ NODE_COMPILE_CACHE: kept })) as [string, string];
    expect([dirname(own), told]).toEqual([kept, kept]);
  });

  it('tells them of no place where the user wants none', async () => {
    expect(await placesOfCode({ NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual([null, null]);
  });

  it('runs the built code in this process', async () => {
    const { stdout, code, pid } = await run([process.execPath, entry(), 'a', 'b c']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ argv: ['a', 'b c'], pid });
  });

  it('says how to build what is not built', async () => {
    await rm(join(app, 'dist', 'start.js'));
    const { stderr, code } = await run([process.execPath, entry()]);
    expect(code).toBe(7);
    expect(stderr).toContain('npm run build');
  });

  it('says which Node it needs when that one is too old', async () => {
    const { stderr, stdout, code } = await run([process.execPath, '--import', pretend, entry(), 'a']);
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toContain('this is Node 20.20.2; ict needs Node 24.15 or newer');
    expect(stderr).toContain('npm ci');
  });
});
