import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { type ConfigOptions, describeConfig, loadConfig, requireConfig } from '../src/config.js';
import { said, workspace } from './workspace.js';

const transport = { retries: 'a few', timeoutMs: 'a while' };

async function options(files: Readonly<Record<string, string>>, more: Partial<ConfigOptions> = {}): Promise<ConfigOptions> {
  const directory = await workspace(files);
  for (const name of ['cwd', 'home']) await mkdir(path.join(directory, name), { recursive: true });
  return {
    env: {},
    cwd: path.join(directory, 'cwd'),
    home: path.join(directory, 'home'),
    systemDirectory: path.join(directory, 'etc'),
    root: true,
    ...more,
  };
}

describe('defaults', () => {
  it('for root', async () => {
    const loaded = await loadConfig(await options({}));
    expect(loaded.config).toEqual({
      workers: 16,
      cacheDirectory: '/var/cache/image-composer-tool',
      workDirectory: '/var/tmp/image-composer-tool',
      temporaryDirectory: '/var/cache/image-composer-tool/.ict/tmp',
      mirrors: new Map(),
      network: {},
      plugins: [],
      distros: [],
      logLevel: 'info',
    });
    expect(describeConfig(loaded, transport).every(({ origin }) => origin === 'default')).toBe(true);
    expect(describeConfig(loaded, transport)).toEqual(
      expect.arrayContaining([
        { key: 'network.retries', value: 'a few', origin: 'default' },
        { key: 'network.timeout_ms', value: 'a while', origin: 'default' },
      ]),
    );
  });

  it('for others', async () => {
    const plain = await options({}, { root: false });
    expect((await loadConfig(plain)).config?.cacheDirectory).toBe(path.join(plain.home, '.cache/image-composer-tool'));
    expect((await loadConfig({ ...plain, env: { XDG_CACHE_HOME: '/xdg' } })).config?.cacheDirectory).toBe('/xdg/image-composer-tool');
    expect((await loadConfig({ ...plain, env: { XDG_CACHE_HOME: 'relative' } })).config?.cacheDirectory).toBe(
      path.join(plain.home, '.cache/image-composer-tool'),
    );
  });
});

it('takes the first file of the usual places, and only that', async () => {
  const order = [
    'cwd/image-composer-tool.yml',
    'cwd/.image-composer-tool.yml',
    'cwd/image-composer-tool.yaml',
    'cwd/.image-composer-tool.yaml',
    'home/.image-composer-tool/config.yml',
    'home/.image-composer-tool/config.yaml',
    'home/.config/image-composer-tool/config.yml',
    'home/.config/image-composer-tool/config.yaml',
    'etc/config.yml',
    'etc/config.yaml',
  ];
  for (let from = 0; from < order.length; from++) {
    const files = Object.fromEntries(
      order.slice(from).map((name, index) => [name, index === 0 ? `workers: ${from + 1}\n` : 'workers: 64\n']),
    );
    const loaded = await loadConfig(await options(files));
    expect(loaded.config?.workers).toBe(from + 1);
    expect(loaded.file?.endsWith(order[from] as string)).toBe(true);
  }
});

it('prefers flags to variables to the file, and says which it was', async () => {
  const given = await options(
    {
      'cwd/image-composer-tool.yml': `workers: 2
cache_dir: cache
work_dir: /w
mirrors:
  http://ftp.debian.org/debian/: http://mirror.example.com/debian/
network:
  retries: 9
  timeout_ms: 1500
plugins: ['@acme/plugin', ./own]
distros: [acme.yml]
logging:
  level: warn
  file: ict.log
`,
    },
    { env: { ICT_WORK_DIR: 'elsewhere', ICT_TEMP_DIR: '', ICT_WORKERS: '8', ICT_FETCH_RETRIES: '0' }, overrides: { workers: 4 } },
  );
  const loaded = await loadConfig(given);
  expect(loaded.problems).toEqual([]);
  const config = requireConfig(loaded);
  expect(config).toEqual({
    workers: 4,
    cacheDirectory: path.join(given.cwd, 'cache'),
    workDirectory: path.join(given.cwd, 'elsewhere'),
    temporaryDirectory: path.join(given.cwd, 'cache/.ict/tmp'),
    mirrors: new Map([['http://ftp.debian.org/debian', 'http://mirror.example.com/debian']]),
    network: { retries: 0, timeoutMs: 1500 },
    plugins: ['@acme/plugin', path.join(given.cwd, 'own')],
    distros: [path.join(given.cwd, 'acme.yml')],
    logLevel: 'warn',
    logFile: path.join(given.cwd, 'ict.log'),
  });
  const file = path.join(given.cwd, 'image-composer-tool.yml');
  expect(
    describeConfig(loaded, transport)
      .filter(({ key }) => key.startsWith('network'))
      .map(({ value }) => value),
  ).toEqual(['0', '1500']);
  expect(Object.fromEntries(describeConfig(loaded, transport).map(({ key, origin }) => [key, origin]))).toEqual({
    workers: 'command line',
    cache_dir: `${file}:2:1`,
    work_dir: 'environment ICT_WORK_DIR',
    temp_dir: 'default',
    mirrors: `${file}:4:1`,
    'network.retries': 'environment ICT_FETCH_RETRIES',
    'network.timeout_ms': `${file}:8:3`,
    plugins: `${file}:9:1`,
    distros: `${file}:10:1`,
    'logging.level': `${file}:12:3`,
    'logging.file': `${file}:13:3`,
  });
});

it('shows no credentials', async () => {
  const loaded = await loadConfig(
    await options({ 'cwd/image-composer-tool.yml': 'mirrors:\n  http://a.example: http://user:secret@b.example/x\n' }),
  );
  expect(describeConfig(loaded, transport).find(({ key }) => key === 'mirrors')?.value).toBe('http://a.example -> http://b.example/x');
});

describe('refuses', () => {
  it('what the schema does not know, with places', async () => {
    const loaded = await loadConfig(
      await options({ 'cwd/image-composer-tool.yml': 'wokers: 2\nworkers: 0\nmirrors:\n  http://a.example: nowhere\n' }),
    );
    expect(loaded.problems.map(({ code, position }) => [code, position?.line, position?.column])).toEqual([
      ['ICT_DOCUMENT_UNKNOWN_KEY', 1, 1],
      ['ICT_DOCUMENT_BAD_VALUE', 2, 10],
      ['ICT_DOCUMENT_BAD_VALUE', 4, 21],
    ]);
    expect(describeConfig(loaded, transport)).toEqual([]);
    expect(() => requireConfig(loaded)).toThrow(expect.objectContaining({ code: 'ICT_CONFIG_INVALID' }));
  });

  it.each(['0', '65', '-1', '1.5', 'many', '0x10'])('ICT_WORKERS=%s', async (value) => {
    const { config, problems } = await loadConfig(await options({}, { env: { ICT_WORKERS: value } }));
    expect(config).toBeUndefined();
    expect(said(problems)).toEqual([`ICT_CONFIG_ENVIRONMENT: ICT_WORKERS is "${value}"; it must be a whole number from 1 to 64`]);
  });

  it.each([
    ['ICT_FETCH_RETRIES', 'often', 'from 0 to 100'],
    ['ICT_FETCH_TIMEOUT_MS', '99', 'from 100 to 3600000'],
  ])('%s=%s', async (name, value, range) => {
    const { problems } = await loadConfig(await options({}, { env: { [name]: value } }));
    expect(said(problems)).toEqual([`ICT_CONFIG_ENVIRONMENT: ${name} is "${value}"; it must be a whole number ${range}`]);
  });

  it('a named file that is not there, and one that is but cannot be read', async () => {
    const code = 'ICT_CONFIG_UNREADABLE';
    await expect(loadConfig(await options({}, { file: 'nope.yml' }))).rejects.toSatisfy((error) => hasCode(error, code));
    const blocked = await options({});
    await mkdir(path.join(blocked.cwd, 'image-composer-tool.yml'));
    await chmod(blocked.cwd, 0o755);
    await expect(loadConfig(blocked)).rejects.toSatisfy((error) => hasCode(error, code));
  });
});

it('accepts an empty file, and keys of the Go tool with a warning', async () => {
  expect((await loadConfig(await options({ 'cwd/image-composer-tool.yml': '# nothing\n' }))).problems).toEqual([]);
  const { problems, warnings } = await loadConfig(
    await options({ 'cwd/image-composer-tool.yml': 'config_dir: ./config\nai: { provider: ollama }\n' }),
  );
  expect(problems).toEqual([]);
  expect(warnings.map(({ code, severity }) => [code, severity])).toEqual([
    ['ICT_CONFIG_NO_EFFECT', 'warning'],
    ['ICT_CONFIG_NO_EFFECT', 'warning'],
  ]);
});
