import { chmod, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledStamp, freshBundle, type Bundle, type BundleRecord } from '../src/fresh-bundle.js';
import { start } from '../src/start.js';

const BUILD_INFO = join('dist', 'tsconfig.tsbuildinfo');

/** What a stand-in for `main.js` leaves behind. */
interface Started {
  readonly from: string;
  readonly argv: readonly string[];
  readonly bundle: Bundle | undefined;
}

let root: string;
let app: string;

/** An application and its plugin in a checkout, with a package that somebody else published, and a bundle of the three. */
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'ict-bundle-')));
  app = join(root, 'packages', 'app');
  await put('packages/app', { 'package.json': manifest('app'), [BUILD_INFO]: 'app, one', 'dist/main.js': main('modules') });
  await put('packages/plugin', { 'package.json': manifest('plugin'), [BUILD_INFO]: 'plugin, one', 'dist/plugin.js': '' });
  await put('node_modules/third', { 'package.json': manifest('third') });
  await symlink('../packages/plugin', join(root, 'node_modules', 'plugin'));
  const record: BundleRecord = {
    packages: [
      { name: 'app', version: '1.0.0' },
      { name: 'plugin', version: '1.0.0', from: 0 },
      { name: 'third', version: '1.0.0', from: 1 },
    ],
    entries: [
      { package: 0, file: 'dist/main.js', chunk: 'main.js' },
      { package: 1, file: 'dist/plugin.js', chunk: 'plugin.js' },
    ],
    builtins: ['node:fs'],
  };
  await put('packages/app/bundle', {
    'record.json': JSON.stringify(record),
    'checkout.json': JSON.stringify([compiledStamp(app), compiledStamp(join(root, 'packages/plugin')), null]),
    'main.js': main('bundle'),
  });
});

afterEach(() => rm(root, { recursive: true }));

function manifest(name: string, version = '1.0.0'): string {
  return JSON.stringify({ name, version, type: 'module' });
}

function main(from: string): string {
  return `export async function main(argv, bundle) { globalThis.started = { from: ${JSON.stringify(from)}, argv, bundle }; }\n`;
}

async function put(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function started(): Promise<Started> {
  await start(['a', 'b c'], app);
  return (globalThis as unknown as { started: Started }).started;
}

const wholeBundle = (): Bundle => ({
  directory: join(app, 'bundle'),
  modules: new Map([
    [join(app, 'dist/main.js'), join(app, 'bundle/main.js')],
    [join(root, 'packages/plugin/dist/plugin.js'), join(app, 'bundle/plugin.js')],
  ]),
  builtins: ['node:fs'],
});

describe('a bundle is used', () => {
  it('while nothing was compiled since', async () => {
    expect(await started()).toEqual({ from: 'bundle', argv: ['a', 'b c'], bundle: wholeBundle() });
  });

  it('after a copy that has other times', async () => {
    for (const name of ['app', 'plugin']) await utimes(join(root, 'packages', name, BUILD_INFO), 1, 1);
    expect((await started()).from).toBe('bundle');
  });

  it('and times of a copy are remembered, for all who could read them', async () => {
    const record = join(app, 'bundle/checkout.json');
    await chmod(record, 0o666);
    await utimes(join(root, 'packages/plugin', BUILD_INFO), 1, 1);
    await started();
    const stamps = [compiledStamp(app), compiledStamp(join(root, 'packages/plugin')), null];
    expect(JSON.parse(await readFile(record, 'utf8'))).toEqual(stamps);
    expect((await stat(record)).mode & 0o777).toBe(0o666);
    expect(await readdir(join(app, 'bundle'))).toEqual(['checkout.json', 'main.js', 'record.json']);
  });

  it('as it is published, where nothing tells what was compiled, wherever npm puts the packages', async () => {
    await rm(join(app, 'bundle', 'checkout.json'));
    for (const name of ['app', 'plugin']) await rm(join(root, 'packages', name, BUILD_INFO));
    expect(freshBundle(app)).toEqual(wholeBundle());
    const elsewhere = join(root, 'elsewhere', 'node_modules');
    await cp(app, join(elsewhere, 'app'), { recursive: true });
    await cp(join(root, 'packages', 'plugin'), join(elsewhere, 'app', 'node_modules', 'plugin'), { recursive: true });
    await cp(join(root, 'node_modules', 'third'), join(elsewhere, 'third'), { recursive: true });
    expect([...(freshBundle(join(elsewhere, 'app'))?.modules.keys() ?? [])]).toEqual([
      join(elsewhere, 'app/dist/main.js'),
      join(elsewhere, 'app/node_modules/plugin/dist/plugin.js'),
    ]);
  });
});

describe('separate modules are used', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a package was compiled anew', () => put('packages/plugin', { [BUILD_INFO]: 'plugin, two' })],
    ['it was compiled to a record of another size', () => put('packages/app', { [BUILD_INFO]: 'app, a second time' })],
    ['a package of others has another version', () => put('node_modules/third', { 'package.json': manifest('third', '1.0.1') })],
    ['another copy of it is nearer', () => put('packages/plugin/node_modules/third', { 'package.json': manifest('third', '2.0.0') })],
    ['what the compiler made of a package is gone', () => rm(join(root, 'packages', 'plugin', 'dist'), { recursive: true })],
    ['a package is gone', () => rm(join(root, 'node_modules', 'plugin'))],
    ['a published package became a checkout', () => put('node_modules/third', { [BUILD_INFO]: 'third' })],
    ['it was bundled elsewhere', () => rm(join(app, 'bundle', 'checkout.json'))],
    [
      'its record is cut off',
      async () => {
        const file = join(app, 'bundle', 'record.json');
        await writeFile(file, (await readFile(file, 'utf8')).slice(0, 99));
      },
    ],
    ['it is half written', () => rm(join(app, 'bundle', 'record.json'))],
    ['there is none', () => rm(join(app, 'bundle'), { recursive: true })],
  ])('when %s', async (_, change) => {
    await change();
    expect(freshBundle(app)).toBeUndefined();
    expect(await started()).toEqual({ from: 'modules', argv: ['a', 'b c'], bundle: undefined });
  });
});
