import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asciiChunks } from '../scripts/ascii-chunks.mjs';
import { installedPackages } from '../scripts/installed-packages.mjs';
import { nodeBuiltins } from '../scripts/node-builtins.mjs';
import { piscinaThreads } from '../scripts/piscina-threads.mjs';
import { placedModules } from '../scripts/placed-modules.mjs';
import { thirdPartyNotice } from '../scripts/third-party-notice.mjs';
import { undiciParts } from '../scripts/undici-parts.mjs';

const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
const support = { moduleUrl: dist('module-url.js'), importLazily: dist('eager-compilation.js') };

/** What the bundle of {@link bundle} exports. */
interface Bundled {
  readonly own: string;
  readonly library: string;
  readonly near: string;
  rare(): Promise<{ readonly place: string }>;
}

/** What is used here of piscina. */
interface Threads {
  run(task: unknown): Promise<unknown>;
  destroy(): Promise<void>;
}

let root: string;
let app: string;

/** An application of a library of its own and of two packages of others, one of which is rarely needed. */
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'ict-bundling-')));
  app = join(root, 'packages', 'app');
  await put('packages/app', {
    'package.json': manifest('app', { library: '1' }),
    'dist/main.js': `export const own = import.meta.url; // import.meta.url\nexport { library, near, rare } from 'library';\n`,
  });
  await put('packages/library', {
    'package.json': manifest('library', { near: '1', rare: '1' }),
    'dist/index.js': `
      export { near } from 'near';
      export const library = new URL('./worker.js', import.meta.url).href;
      export const rare = () => import('rare');
    `,
  });
  await put('node_modules/near', {
    'package.json': manifest('near'),
    'dist/index.js': `export const near = 'near by';`,
    LICENSE: 'Near licence',
  });
  await put('packages/library/node_modules/rare', {
    'package.json': manifest('rare'),
    'dist/index.js': 'export const place = import.meta.url;',
  });
  await symlink('../packages/library', join(root, 'node_modules', 'library'));
});

afterEach(() => rm(root, { recursive: true }));

function manifest(name: string, dependencies: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './dist/index.js', dependencies });
}

async function put(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function bundle(
  options: Parameters<typeof placedModules>[2] = {},
): Promise<{ readonly text: string; readonly left: readonly string[] }> {
  const packages = installedPackages(app);
  const { plugin, left } = placedModules(packages, support, options);
  const programs = Object.fromEntries([...(options.programs ?? [])].map(([file, chunk]) => [chunk.replace('.js', ''), file]));
  const bundler = await rolldown({
    input: { main: join(app, 'dist', 'main.js'), ...programs },
    platform: 'node',
    plugins: [plugin, nodeBuiltins(), asciiChunks()],
  });
  await bundler.write({ dir: join(app, 'bundle'), format: 'esm' });
  await bundler.close();
  return { text: await readFile(join(app, 'bundle', 'main.js'), 'utf8'), left: [...left].map((index) => packages.list[index].name) };
}

describe('a bundle', () => {
  it('knows where its modules lie', async () => {
    await bundle();
    const bundled = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as Bundled;
    expect(bundled.own).toBe(pathToFileURL(join(app, 'dist', 'main.js')).href);
    expect(bundled.library).toBe(pathToFileURL(join(root, 'packages', 'library', 'dist', 'worker.js')).href);
    expect(bundled.near).toBe('near by');
  });

  it('loads what is rarely needed from the package that needs it', async () => {
    const { text, left } = await bundle();
    expect(left).toEqual(['rare']);
    expect(text).toContain('near by');
    const bundled = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as Bundled;
    const file = join(root, 'packages', 'library', 'node_modules', 'rare', 'dist', 'index.js');
    expect((await bundled.rare()).place).toBe(pathToFileURL(file).href);
  });

  it('has a chunk of what is rarely needed and named, loaded under the setting that Node starts with', async () => {
    await put('packages/library/node_modules/rare', { 'dist/index.js': 'export const place = typeof __filename;' });
    const { text, left } = await bundle({ taken: ['rare'] });
    expect(left).toEqual([]);
    expect(text).toMatch(/importLazily\(\(\) => import\("\.\/dist[\w-]*\.js"\)/);
    const run = `const { rare } = await import(${JSON.stringify(pathToFileURL(join(app, 'bundle', 'main.js')).href)}); console.log((await rare()).place);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', run]);
    expect(stdout).toBe('undefined\n');
  });

  it('has a chunk of a program of its own, known by its place there', async () => {
    await put('packages/library', { 'dist/worker.js': `export const place = 'bundled';` });
    await bundle({ programs: new Map([[join(root, 'packages', 'library', 'dist', 'worker.js'), 'library-worker.js']]) });
    const { library } = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as Bundled;
    expect(library).toBe(pathToFileURL(join(app, 'bundle', 'library-worker.js')).href);
    expect(await import(library)).toMatchObject({ place: 'bundled' });
  });

  it('goes back to the setting that Node starts with before it loads what starts threads', async () => {
    const { text, left } = await bundle({ taken: ['rare'], threads: ['rare'] });
    expect(left).toEqual([]);
    expect(text).toMatch(/importForThreads\(\(\) => import\("\.\/dist[\w-]*\.js"\)/);
  });

  it('takes modules of Node without an import, which would read all that they export', async () => {
    await put('packages/library', {
      'dist/index.js': `
        import 'node:crypto';
        import process from 'node:process';
        import * as path from 'node:path';
        import { default as os, EOL } from 'node:os';
        import fs, { existsSync as exists, realpathSync } from 'node:fs';
        export const library = [path.basename(process.execPath), exists('/'), realpathSync('/'), fs.existsSync('/'), os.EOL === EOL];
        export const near = 1, rare = 1;
      `,
    });
    const { text } = await bundle();
    const bundled = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as Bundled;
    expect(bundled.library).toEqual([basename(process.execPath), true, '/', true, true]);
    expect(text).not.toMatch(/^import /m);
  });

  it('loads what few commands need of Node when something of it is asked for', async () => {
    await put('packages/library', {
      'dist/index.js': `
        import programs, { execFile } from 'node:child_process';
        export const library = [() => programs.execFile === execFile];
        export const near = 1, rare = 1;
      `,
    });
    const { text } = await bundle();
    const { library } = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as {
      readonly library: readonly (() => boolean)[];
    };
    expect(library[0]()).toBe(true);
    expect(text).toMatch(/^var programs = new Proxy/m);
    expect(text).toMatch(/^var \{ execFile \} = globalThis/m);
  });

  it('is written in ASCII, and says what the modules say', async () => {
    await put('packages/library', {
      'dist/index.js': `
        // na\u00efve \u{1f600}
        const p\u00e4r = { text: 'host\u2019s', template: \`\u{1f600}\${1}\u00e9\`, pattern: /^[\u00e0-\u00ff\u{1f600}]+$/u.source };
        export const library = [p\u00e4r.text, p\u00e4r.template, p\u00e4r.pattern, /^[\u00e0-\u00ff\u{1f600}]+$/u.test('\u00e9\u{1f600}')];
        export const near = 1, rare = 1;
      `,
    });
    const { text } = await bundle();
    const { library } = (await import(pathToFileURL(join(app, 'bundle', 'main.js')).href)) as Bundled;
    expect(library).toEqual(['host\u2019s', '\u{1f600}1\u00e9', expect.stringMatching(/^\^\[.*\]\+\$$/), true]);
    expect(text).not.toMatch(/[\u0080-\uffff]/);
  });

  it.each([
    ['a tag reads', 'String.raw`\u00e9`'],
    ['stand after a backslash', '/\\\u00e9/.source'],
  ])('is not made of characters that %s, and that no escape stands for', async (_, expression) => {
    await put('packages/library', { 'dist/index.js': `export const library = ${expression}, near = 1, rare = 1;` });
    await expect(bundle()).rejects.toThrow('cannot be escaped');
  });

  it('is not made of a module that passes on all of one of Node', async () => {
    await put('packages/app', { 'dist/main.js': `export * from 'library'; export const own = 1;` });
    await put('packages/library', { 'dist/index.js': `export * from 'node:path'; export const library = 1, near = 1, rare = 1;` });
    await expect(bundle()).rejects.toThrow('re-exports node:path');
  });

  it.each(['import.meta.dirname', 'import.meta', 'import.meta.resolve("near")', '__dirname'])(
    'is not made of a module that uses %s',
    async (expression) => {
      await put('packages/library', { 'dist/index.js': `export const library = ${expression}, near = 1, rare = 1;` });
      await expect(bundle()).rejects.toThrow('would mean another place');
    },
  );

  it.each([
    `const { Agent, request } = await import('undici');`,
    `const { Agent: Other } = await import('undici');`,
    `const all = await import('undici');`,
    `import { request } from 'undici';`,
    `import * as all from "undici";`,
    `const { request } = require('undici');`,
  ])('is not made of what is left out of undici: %s', (code) => {
    expect(() => undiciParts('/undici').transform(code, '/app/main.js')).toThrow('/app/main.js: ');
  });

  it('has of undici what is used', () => {
    expect(undiciParts('/undici').transform(`const {\n  Agent,\n  Pool,\n} = await import('undici');`, '/app/main.js')).toBeNull();
  });

  it('starts the threads of piscina with the chunk of their program, wherever it lies', async () => {
    const piscina = dirname(dirname(createRequire(import.meta.resolve('@ict/verify')).resolve('piscina')));
    const dir = join(app, 'bundle');
    for (const [chunk, module] of [
      ['pool', 'main'],
      ['program', 'worker'],
    ] as const) {
      const input = { [chunk]: join(piscina, 'dist', `${module}.js`) };
      const bundler = await rolldown({ input, platform: 'node', plugins: [piscinaThreads(piscina, 'program.js'), nodeBuiltins()] });
      await bundler.write({ dir, format: 'esm' });
      await bundler.close();
    }
    await put('packages/app', { 'task.mjs': `export default () => process.getBuiltinModule('node:worker_threads').threadId;` });
    const { default: pool } = (await import(pathToFileURL(join(dir, 'pool.js')).href)) as {
      readonly default: { readonly Piscina: new (options: object) => Threads };
    };
    const threads = new pool.Piscina({ filename: join(app, 'task.mjs'), maxThreads: 1 });
    try {
      expect(await threads.run(undefined)).toBeGreaterThan(0);
    } finally {
      await threads.destroy();
    }
  });

  it('is not made of a piscina that looks for its threads elsewhere', () => {
    const { transform } = piscinaThreads('/piscina', 'program.js');
    const starts = "worker = (0, node_path_1.resolve)(__dirname, 'worker.js')";
    expect(transform(starts, '/piscina/dist/index.js')?.code).toContain('./program.js');
    for (const [code, file] of [
      ['', 'index.js'],
      [`${starts}; ${starts}`, 'index.js'],
      [`${starts}; __filename`, 'index.js'],
      [starts, 'pool.js'],
    ] as const)
      expect(() => transform(code, `/piscina/dist/${file}`)).toThrow(`/piscina/dist/${file} no longer finds its threads`);
    expect(transform('', '/piscina/dist/main.js')).toBeNull();
    expect(transform('__dirname', '/other/dist/index.js')).toBeNull();
  });

  it('is not made of what no package depends on', async () => {
    await put('packages/library', { 'package.json': manifest('library', { near: '1' }) });
    await expect(bundle()).rejects.toThrow('is in no package that app depends on');
  });
});

describe('the notice of what others hold the rights to', () => {
  it('has the licence of each of their packages', async () => {
    const notice = await thirdPartyNotice(installedPackages(app).list.filter(({ name }) => name !== 'rare'));
    expect(notice).toContain('near 1.0.0\n\nNear licence\n');
    expect(notice).not.toContain('library 1.0.0');
  });

  it('is not complete without a text for each', async () => {
    await expect(thirdPartyNotice(installedPackages(app).list)).rejects.toThrow('rare comes without the text of its licence');
  });
});
