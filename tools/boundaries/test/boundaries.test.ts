import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProjectGraphAsync } from '@nx/devkit';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const RULE = '@nx/enforce-module-boundaries';

interface Manifest {
  readonly name: string;
  readonly exports?: unknown;
  readonly nx?: { readonly tags?: readonly string[]; readonly targets?: Readonly<Record<string, unknown>> };
}

const packages = ['packages', 'providers', 'tools', '.']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
  .filter((directory) => existsSync(join(root, directory, 'package.json')) && !directory.includes('node_modules'))
  .map((directory) => ({ directory, manifest: JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as Manifest }));

/** A package of the layer that others could import. */
function packageOf(layer: string): { readonly directory: string; readonly manifest: Manifest } {
  const found = packages.find(({ manifest }) => manifest.exports !== undefined && manifest.nx?.tags?.includes(`layer:${layer}`));
  if (found === undefined) throw new Error(`no package of layer ${layer}`);
  return found;
}

let eslint: ESLint;

beforeAll(async () => {
  // The rule reads the graph that nx has cached, and says nothing at all when there is none.
  process.env.NX_DAEMON = 'false';
  process.env.NX_ISOLATE_PLUGINS = 'false';
  await createProjectGraphAsync({ exitOnError: false });
  eslint = new ESLint({ cwd: root });
});

/** What the rule says to a file of `directory` that imports `specifier`; the file exists in memory only. */
async function verdict(directory: string, specifier: string): Promise<readonly string[]> {
  const [result] = await eslint.lintText(`import { anything } from '${specifier}';\nexport const value = anything;\n`, {
    filePath: join(root, directory, 'src', 'boundary-probe.ts'),
  });
  const messages = result?.messages ?? [];
  expect(messages.filter((message) => message.fatal === true)).toEqual([]);
  return messages.filter((message) => message.ruleId === RULE).map((message) => message.message);
}

describe('imports that point down', () => {
  it.each([
    ['app', 'service'],
    ['app', 'provider'],
    ['core', 'service'],
    ['core', 'leaf'],
    ['provider', 'contract'],
    ['format', 'contract'],
    ['service', 'contract'],
    ['testkit', 'contract'],
    ['leaf', 'contract'],
  ])('%s may import %s', async (from, to) => {
    expect(await verdict(packageOf(from).directory, packageOf(to).manifest.name)).toEqual([]);
  });
});

describe('imports that do not', () => {
  it.each([
    ['core', 'provider'],
    ['core', 'format'],
    ['core', 'app'],
    ['service', 'core'],
    ['service', 'provider'],
    ['leaf', 'service'],
    ['provider', 'core'],
    ['provider', 'service'],
    ['provider', 'format'],
    ['format', 'service'],
    ['format', 'provider'],
    ['testkit', 'core'],
    ['contract', 'leaf'],
    ['app', 'dev'],
  ])('%s must not import %s', async (from, to) => {
    const messages = await verdict(packageOf(from).directory, packageOf(to).manifest.name);
    expect(messages).toHaveLength(1);
  });

  it('names the layers of a broken rule', async () => {
    const [message] = await verdict(packageOf('provider').directory, packageOf('service').manifest.name);
    expect(message).toContain('layer:provider');
  });

  it('says so for an import by path as well', async () => {
    const { directory } = packageOf('provider');
    const up = directory
      .split('/')
      .map(() => '..')
      .join('/');
    expect(await verdict(packageOf('core').directory, `../${up}/${directory}/src/index.js`)).not.toEqual([]);
  });
});

describe('wrapped libraries', () => {
  it.each([
    ['provider', 'undici'],
    ['provider', 'openpgp'],
    ['format', 'piscina'],
    ['core', 'undici'],
    ['core', 'ajv'],
    ['app', 'ssri'],
    ['service', 'ssri'],
    ['leaf', 'undici'],
    ['testkit', 'undici'],
    ['contract', 'ajv'],
  ])('%s must not import %s', async (from, library) => {
    expect(await verdict(packageOf(from).directory, library)).toHaveLength(1);
  });

  it('a service may import the library that it wraps', async () => {
    expect(await verdict('packages/fetch', 'undici')).toEqual([]);
  });
});

describe('tests of providers', () => {
  it.each(['resolve.ts', 'resolver.ts', 'resolve-pool.ts'])('are probed with a module that there is: %s', (name) => {
    expect(existsSync(join(root, 'providers/deb/src/resolve', name))).toBe(true);
  });

  const refusals = async (text: string, file = 'probe.test.ts'): Promise<readonly (string | null)[]> => {
    const [result] = await eslint.lintText(text, { filePath: join(root, 'providers/deb/test', file) });
    return (result?.messages ?? []).map(({ ruleId }) => ruleId);
  };
  const importing = (module: string) => `import { something } from '../src/${module}';\nsomething();\n`;

  it.each([
    [importing('resolve/resolve.js'), ['@typescript-eslint/no-restricted-imports']],
    [importing('resolve/resolver.js'), ['@typescript-eslint/no-restricted-imports']],
    ["import type { PackageRequest } from '../src/resolve/resolve.js';\nexport type Request = PackageRequest;\n", []],
    [importing('resolve/resolve-pool.js'), []],
    ['export const ask = (provider, request) => provider.resolver.resolve(request);\n', ['no-restricted-syntax']],
    ['export const ask = (resolver, request) => resolver.resolve(request);\n', ['no-restricted-syntax']],
  ])('resolve nowhere but where answers are checked: %s', async (text, expected) => {
    expect(await refusals(text)).toEqual(expected);
    expect(await refusals(text, 'checked-resolution.ts')).toEqual([]);
  });
});

it('every package has exactly one layer', () => {
  const wrong = packages.filter(({ manifest }) => manifest.nx?.tags?.filter((tag) => tag.startsWith('layer:')).length !== 1);
  expect(wrong.map(({ directory }) => directory)).toEqual([]);
  expect(packages.length).toBeGreaterThan(10);
});

const { targetDefaults } = JSON.parse(readFileSync(join(root, 'nx.json'), 'utf8')) as {
  readonly targetDefaults: Readonly<Record<string, { readonly options: { readonly command: string } }>>;
};

describe('what nx does to one package, it does to all at once:', () => {
  /** What the command of a target names, where it stands for files. */
  const places = (target: string): ReadonlySet<string> =>
    new Set(globSync(targetDefaults[target]?.options.command.split(' ') ?? [], { cwd: root }));
  const having = (target: string): readonly string[] =>
    packages.filter(({ manifest }) => manifest.nx?.targets?.[target] !== undefined).map(({ directory }) => directory);

  it('lint', () => {
    const linted = places('lint-all');
    expect(having('lint').filter((directory) => !linted.has(directory) && !linted.has(dirname(directory)))).toEqual([]);
    expect(having('lint')).toHaveLength(packages.length);
  });

  it('typecheck', () => {
    const checked = places('typecheck-all');
    expect(having('typecheck').filter((directory) => !checked.has(join(directory, 'tsconfig.test.json')))).toEqual([]);
    expect(having('typecheck')).toHaveLength(packages.length);
  });
});

it('all packages are compiled at once where nothing is built, and not for the sake of one that was changed', () => {
  const place = mkdtempSync(join(tmpdir(), 'ict-compile-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, 'tsc'), '#!/bin/sh\necho "$@" >> compiled\necho said\nexit 1\n', { mode: 0o755 });
  writeFileSync(join(place, 'compiled'), '');
  const compile = (): string => {
    const { status, stdout } = spawnSync('sh', ['-c', targetDefaults['compile']?.options.command ?? ''], {
      cwd: place,
      env: { ...process.env, PATH: `${place}:${process.env.PATH}` },
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, '']); // what fails does so again in the build of its package
    return readFileSync(join(place, 'compiled'), 'utf8');
  };
  expect(compile()).toBe('--build\n');
  mkdirSync(join(place, 'packages/plugin-api/dist'), { recursive: true });
  expect(compile()).toBe('--build\n');
});
