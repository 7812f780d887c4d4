import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { configKeys, configVariables } from '../src/configuration/config-keys.js';
import { describeConfig, loadConfig, requireConfig } from '../src/configuration/config.js';
import { options } from './config-options.js';
import { said } from './workspace.js';

const transport = { timeoutMs: 'a while' };
/** What counts where nothing is set. */
const network = { retries: 4 };
const remoteCache = { urls: [], trustedKeys: [] };
const storage = {
  packageCache: { enabled: true, maxSizeBytes: 10 * 1024 ** 3, retentionDays: 30, twins: true },
  imageCache: { enabled: true, maxCount: 5 },
};

it('paths that begin with ~/ are of the home directory, whatever its name, and no others', async () => {
  const file = `cache_dir: ~/c\nwork_dir: ~w\nread_only_cache_dirs: [~/r, ./~/r]\nplugins: [~/p]\nlogging: {file: a/~/l}\n`;
  const given = await options({ 'cwd/image-composer-tool.yml': file });
  const home = '/home/$&';
  const { config } = await loadConfig({ ...given, home, overrides: { temporaryDirectory: '~' } });
  expect(config).toMatchObject({
    cacheDirectory: `${home}/c`,
    workDirectory: path.join(given.cwd, '~w'),
    temporaryDirectory: home,
    readOnlyCacheDirectories: [`${home}/r`, path.join(given.cwd, '~', 'r')],
    plugins: [{ name: `${home}/p`, directory: given.cwd }],
    logFile: path.join(given.cwd, 'a', '~', 'l'),
  });
});

describe('defaults', () => {
  it('for root', async () => {
    const loaded = await loadConfig(await options({}));
    expect(loaded.config).toEqual({
      workers: 16,
      cacheDirectory: '/var/cache/image-composer-tool',
      readOnlyCacheDirectories: [],
      workDirectory: '/var/tmp/image-composer-tool',
      temporaryDirectory: '/var/cache/image-composer-tool/.ict/tmp',
      mirrors: new Map(),
      network,
      remoteCache,
      storage,
      plugins: [],
      distros: [],
      logLevel: 'info',
    });
    expect(describeConfig(loaded, transport).every(({ origin }) => origin === 'default')).toBe(true);
    expect(describeConfig(loaded, transport)).toEqual(
      expect.arrayContaining([
        { key: 'network.retries', value: 4, text: '4', origin: 'default' },
        { key: 'storage.package_cache.max_size_gb', value: 10, text: '10', origin: 'default' },
        { key: 'storage.package_cache.retention_days', value: 30, text: '30', origin: 'default' },
        { key: 'storage.image_cache.max_count', value: 5, text: '5', origin: 'default' },
        { key: 'network.timeout_ms', value: null, text: 'a while', origin: 'default' },
        { key: 'plugins', value: [], text: '', origin: 'default' },
        { key: 'config_dir', value: null, text: '', origin: 'default' },
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

const places = {
  project: ['image-composer-tool.yml', '.image-composer-tool.yml', 'image-composer-tool.yaml', '.image-composer-tool.yaml'].map(
    (name) => `cwd/${name}`,
  ),
  user: ['.image-composer-tool/config.yml', '.image-composer-tool/config.yaml'].flatMap((name) => [`home/${name}`]),
  xdg: ['home/.config/image-composer-tool/config.yml', 'home/.config/image-composer-tool/config.yaml'],
  system: ['etc/config.yml', 'etc/config.yaml'],
};

describe('of the files of one scope', () => {
  it.each([[places.project], [[...places.user, ...places.xdg]], [places.system]])(
    'only the first counts, and hides the rest: %s',
    async (order) => {
      for (let from = 0; from < order.length; from++) {
        const names = order.slice(from);
        const files = Object.fromEntries(names.map((name, index) => [name, index === 0 ? `workers: ${from + 1}\n` : 'workers: 64\n']));
        const given = await options(files);
        const loaded = await loadConfig(given);
        expect(loaded.config?.workers).toBe(from + 1);
        expect(loaded.files).toEqual([path.join(path.dirname(given.cwd), names[0] as string)]);
        expect(loaded.warnings.map(({ code }) => code)).toEqual(names.slice(1).map(() => 'ICT_CONFIG_HIDDEN'));
      }
    },
  );

  it('those below an absolute XDG_CONFIG_HOME replace those below ~/.config', async () => {
    const files = { 'home/.config/image-composer-tool/config.yml': 'workers: 2\n', 'xdg/image-composer-tool/config.yml': 'workers: 3\n' };
    const plain = await options(files);
    const xdg = path.join(path.dirname(plain.cwd), 'xdg');
    expect((await loadConfig(plain)).config?.workers).toBe(2);
    expect((await loadConfig({ ...plain, env: { XDG_CONFIG_HOME: xdg } })).config?.workers).toBe(3);
    expect((await loadConfig({ ...plain, env: { XDG_CONFIG_HOME: 'xdg' } })).config?.workers).toBe(2);
  });
});

describe('layers', () => {
  /** The strongest first; each layer leaves one setting more to those below it. */
  const files = {
    'cwd/image-composer-tool.yml': `logging: { level: debug }
mirrors: { 'http://a.example': 'http://project.example', 'http://c.example': ['http://project.example/c/', 'http://second.example/c'] }
plugins: ['./mine', shared]
distros: [mine.yml]
storage: { image_cache: { max_count: 3 } }
`,
    'home/.config/image-composer-tool/config.yml': `logging: { level: warn, file: user.log }
workers: 5
mirrors: { 'http://a.example/': 'http://user.example', 'http://b.example': 'http://user.example/b/' }
storage: { image_cache: { max_count: 4, enabled: false } }
`,
    'etc/config.yml': `logging: { level: error, file: system.log }
workers: 6
cache_dir: /srv/cache
plugins: [shared]
distros: [mine.yml]
storage: { package_cache: { max_size_gb: 2, retention_days: 30 } }
`,
  };

  it('lie over each other, setting by setting; lists are joined, mirrors laid over each other', async () => {
    const given = await options(files);
    const top = path.dirname(given.cwd);
    const loaded = await loadConfig(given);
    expect(loaded.problems).toEqual([]);
    expect(requireConfig(loaded)).toEqual({
      workers: 5,
      cacheDirectory: '/srv/cache',
      readOnlyCacheDirectories: [],
      workDirectory: '/var/tmp/image-composer-tool',
      temporaryDirectory: '/srv/cache/.ict/tmp',
      mirrors: new Map([
        ['http://a.example', ['http://project.example']],
        ['http://c.example', ['http://project.example/c', 'http://second.example/c']],
        ['http://b.example', ['http://user.example/b']],
      ]),
      network,
      remoteCache,
      storage: {
        packageCache: { enabled: true, maxSizeBytes: 2 * 1024 ** 3, retentionDays: 30, twins: true },
        imageCache: { enabled: false, maxCount: 3 },
      },
      plugins: [
        { name: 'shared', directory: path.join(top, 'etc') },
        { name: path.join(given.cwd, 'mine'), directory: given.cwd },
        { name: 'shared', directory: given.cwd },
      ],
      distros: [path.join(top, 'etc/mine.yml'), path.join(given.cwd, 'mine.yml')],
      logLevel: 'debug',
      logFile: path.join(top, 'home/.config/image-composer-tool/user.log'),
    });
    const [project, user, system] = loaded.files as [string, string, string];
    const origins = Object.fromEntries(describeConfig(loaded, transport).map(({ key, origin }) => [key, origin]));
    expect(origins).toMatchObject({
      workers: `${user}:2:1`,
      cache_dir: `${system}:3:1`,
      mirrors: `${project}:2:1, ${user}:3:1`,
      plugins: `${system}:4:1, ${project}:3:1`,
      'logging.level': `${project}:1:12`,
      'logging.file': `${user}:1:25`,
      work_dir: 'default',
    });
  });

  it('are all left out when --config names a file', async () => {
    const loaded = await loadConfig(await options({ ...files, 'cwd/only.yml': 'workers: 7\n' }, { file: 'only.yml' }));
    expect([loaded.config?.workers, loaded.config?.cacheDirectory, loaded.config?.plugins]).toEqual([
      7,
      '/var/cache/image-composer-tool',
      [],
    ]);
  });

  it('report the mistakes of every file', async () => {
    const { config, problems } = await loadConfig(
      await options({ ...files, 'etc/config.yml': 'workers: 0\n', 'cwd/image-composer-tool.yml': 'x: 1\n' }),
    );
    expect(config).toBeUndefined();
    expect(problems.map(({ code }) => code).sort()).toEqual(['ICT_DOCUMENT_BAD_VALUE', 'ICT_DOCUMENT_UNKNOWN_KEY']);
  });
});

it('every variable stands for one setting', async () => {
  expect([...configVariables.keys()].filter((key) => !configKeys.has(key))).toEqual([]);
  const env = {
    ICT_WORKERS: '3',
    ICT_CACHE_DIR: '/c',
    ICT_WORK_DIR: '/w',
    ICT_TEMP_DIR: '/t',
    ICT_MIRRORS: 'http://a.example=http://m.example/?x=y  http://b.example=http://n.example http://a.example=http://o.example/',
    ICT_FETCH_RETRIES: '1',
    ICT_FETCH_TIMEOUT_MS: '200',
    ICT_READ_ONLY_CACHE_DIRS: '/r:/s:',
    ICT_REMOTE_CACHE_URLS: 'https://c.example/a/  http://d.example:8080',
    ICT_REMOTE_CACHE_TRUSTED_KEYS: '/k.pub:/l.pub',
    ICT_REMOTE_CACHE_UPLOAD_URL: 'https://me:secret@c.example/a/',
    ICT_REMOTE_CACHE_SIGNING_KEY: '/k',
    ICT_PACKAGE_CACHE_ENABLED: 'false',
    ICT_PACKAGE_CACHE_TWINS: 'false',
    ICT_PACKAGE_CACHE_MAX_SIZE_GB: '1',
    ICT_PACKAGE_CACHE_RETENTION_DAYS: '2',
    ICT_IMAGE_CACHE_ENABLED: 'false',
    ICT_IMAGE_CACHE_MAX_COUNT: '4',
    ICT_LOG_LEVEL: 'error',
    ICT_LOG_FILE: '/l',
  };
  expect(Object.keys(env).sort()).toEqual([...configVariables.values()].sort());
  const loaded = await loadConfig(await options({}, { env }));
  expect(requireConfig(loaded)).toEqual({
    workers: 3,
    cacheDirectory: '/c',
    readOnlyCacheDirectories: ['/r', '/s'],
    workDirectory: '/w',
    temporaryDirectory: '/t',
    mirrors: new Map([
      ['http://a.example', ['http://m.example/?x=y', 'http://o.example']],
      ['http://b.example', ['http://n.example']],
    ]),
    network: { retries: 1, timeoutMs: 200 },
    remoteCache: {
      urls: ['https://c.example/a', 'http://d.example:8080'],
      trustedKeys: ['/k.pub', '/l.pub'],
      upload: { url: 'https://me:secret@c.example/a', signingKey: '/k' },
    },
    storage: {
      packageCache: { enabled: false, maxSizeBytes: 1024 ** 3, retentionDays: 2, twins: false },
      imageCache: { enabled: false, maxCount: 4 },
    },
    plugins: [],
    distros: [],
    logLevel: 'error',
    logFile: '/l',
  });
  for (const [key, variable] of configVariables) expect(loaded.origins.get(key)).toBe(`environment ${variable}`);
});

it('prefers flags to variables to the file, and says which it was', async () => {
  const given = await options(
    {
      'cwd/image-composer-tool.yml': `workers: 2
cache_dir: cache
read_only_cache_dirs: [shared, /mnt/ict]
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
    {
      env: { ICT_WORK_DIR: 'elsewhere', ICT_TEMP_DIR: '', ICT_WORKERS: '8', ICT_FETCH_RETRIES: '0' },
      overrides: { workers: 4, readOnlyCacheDirectories: ['own', '/mnt/ict'] },
    },
  );
  const loaded = await loadConfig(given);
  expect(loaded.problems).toEqual([]);
  const config = requireConfig(loaded);
  expect(config).toEqual({
    workers: 4,
    cacheDirectory: path.join(given.cwd, 'cache'),
    // Strongest first, the file last; each once.
    readOnlyCacheDirectories: [path.join(given.cwd, 'own'), '/mnt/ict', path.join(given.cwd, 'shared')],
    workDirectory: path.join(given.cwd, 'elsewhere'),
    temporaryDirectory: path.join(given.cwd, 'cache/.ict/tmp'),
    mirrors: new Map([['http://ftp.debian.org/debian', ['http://mirror.example.com/debian']]]),
    network: { retries: 0, timeoutMs: 1500 },
    remoteCache,
    plugins: [
      { name: '@acme/plugin', directory: given.cwd },
      { name: path.join(given.cwd, 'own'), directory: given.cwd },
    ],
    storage,
    distros: [path.join(given.cwd, 'acme.yml')],
    logLevel: 'warn',
    logFile: path.join(given.cwd, 'ict.log'),
  });
  const file = path.join(given.cwd, 'image-composer-tool.yml');
  expect(
    describeConfig(loaded, transport)
      .filter(({ key }) => key.startsWith('network'))
      .map(({ value }) => value),
  ).toEqual([0, 1500]);
  expect(Object.fromEntries(describeConfig(loaded, transport).map(({ key, origin }) => [key, origin]))).toMatchObject({
    workers: 'command line',
    cache_dir: `${file}:2:1`,
    work_dir: 'environment ICT_WORK_DIR',
    temp_dir: 'default',
    read_only_cache_dirs: `command line, ${file}:3:1`,
    mirrors: `${file}:5:1`,
    'network.retries': 'environment ICT_FETCH_RETRIES',
    'network.timeout_ms': `${file}:9:3`,
    plugins: `${file}:10:1`,
    distros: `${file}:11:1`,
    'logging.level': `${file}:13:3`,
    'logging.file': `${file}:14:3`,
  });
});

it('shows no credentials', async () => {
  const loaded = await loadConfig(
    await options({ 'cwd/image-composer-tool.yml': 'mirrors:\n  http://me:key@a.example: http://user:secret@b.example/x\n' }),
  );
  expect(describeConfig(loaded, transport).find(({ key }) => key === 'mirrors')).toMatchObject({
    value: { 'http://a.example': ['http://b.example/x'] },
    text: 'http://a.example -> http://b.example/x',
  });
});

it('quotes no part of a password with a blank in the addresses of remote caches', async () => {
  const { problems } = await loadConfig(await options({}, { env: { ICT_REMOTE_CACHE_URLS: 'http://ci:top secret@c.example/ict' } }));
  expect(problems.map(({ code }) => code)).toContain('ICT_CONFIG_ENVIRONMENT');
  expect(JSON.stringify(problems)).not.toMatch(/top|secret/);
});

it.each(['http://user:secret@b.example/a b', 'http://user:sec/ret<secret@b.example'])('quotes no credentials of %s', async (address) => {
  const { problems } = await loadConfig(await options({ 'cwd/image-composer-tool.yml': `mirrors:\n  http://a.example: "${address}"\n` }));
  const said = JSON.stringify(problems);
  expect(said).toContain('b.example');
  expect(said).not.toContain('secret');
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
    ['ICT_PACKAGE_CACHE_MAX_SIZE_GB', '1.5', 'from 1 to 1000000'],
  ])('%s=%s', async (name, value, range) => {
    const { problems } = await loadConfig(await options({}, { env: { [name]: value } }));
    expect(said(problems)).toEqual([`ICT_CONFIG_ENVIRONMENT: ${name} is "${value}"; it must be a whole number ${range}`]);
  });

  it.each([
    ['ICT_LOG_LEVEL', 'loud', '"loud"; it must be one of: debug, info, warn, error'],
    ['ICT_IMAGE_CACHE_ENABLED', 'yes', '"yes"; it must be true or false'],
    ['ICT_MIRRORS', 'http://a.example', '"http://a.example"; it must be ARCHIVE=URL words with blanks between them'],
  ])('%s=%s', async (name, value, rest) => {
    const { problems } = await loadConfig(await options({}, { env: { [name]: value } }));
    expect(said(problems)).toEqual([`ICT_CONFIG_ENVIRONMENT: ${name} is ${rest}`]);
  });

  it('a path with a control character', async () => {
    const { problems } = await loadConfig(await options({}, { env: { ICT_CACHE_DIR: '/a\u0007' } }));
    expect(said(problems)).toEqual(['ICT_CONFIG_ENVIRONMENT: ICT_CACHE_DIR contains a control character']);
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

it('describes every setting in the type that the schema gives it', async () => {
  const kind = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
  const types: Readonly<Record<string, string>> = { integer: 'number' };
  const rows = describeConfig(await loadConfig(await options({})), transport);
  expect(rows.map(({ key }) => key)).toEqual([...configKeys.keys()]);
  for (const { key, value } of rows) {
    const type = configKeys.get(key)?.type ?? '';
    if (value !== null) expect([key, kind(value)]).toEqual([key, types[type] ?? type]);
  }
});
