import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_RETRY, DEFAULT_TIMEOUTS } from '@ict/fetch';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ict } from './fixture.js';
import { ictWithFullDisk } from './full-disk.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-config-'));
});
afterEach(() => rm(directory, { recursive: true }));

const config = (...argv: readonly string[]) => ict(['config', ...argv], { cwd: directory });
const json = async (...argv: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await config(...argv, '--json');
  return JSON.parse(stdout.text) as Record<string, unknown>;
};
const file = (name = 'image-composer-tool.yml'): string => join(directory, name);

describe('init', () => {
  it('writes a file that sets nothing, once', async () => {
    const { status, stdout } = await config('init');
    expect([status, stdout.text]).toEqual([0, `${file()} written\n`]);
    expect(await readFile(file(), 'utf8')).toMatch(/^#workers: 16$/m);
    expect((await config('show')).status).toBe(0);

    await writeFile(file(), 'workers: 3\n');
    const again = await config('init');
    expect(again.status).toBe(2);
    expect(again.stderr.text).toContain('ICT_CLI_FILE_EXISTS');
    expect(await readFile(file(), 'utf8')).toBe('workers: 3\n');
    expect((await config('init', '--force')).status).toBe(0);
    expect(await readFile(file(), 'utf8')).toMatch(/^#workers: 16$/m);
  });

  it('takes a name, and makes directories', async () => {
    expect(await json('init', 'a/b.yml')).toEqual({ file: file('a/b.yml') });
    expect((await stat(file('a/b.yml'))).isFile()).toBe(true);
  });
});

describe('set and get', () => {
  it('change the file of a scope, and read what is in force', async () => {
    expect(await json('set', '--project', 'workers', '8')).toEqual({ file: file(), key: 'workers', changed: true });
    expect((await config('set', '--project', 'workers', '8')).stdout.text).toBe(`${file()} is unchanged\n`);
    expect((await config('get', 'workers')).stdout.text).toBe('8\n');
    expect(await json('get', 'workers')).toEqual({ key: 'workers', value: 8, origin: `${file()}:1:1` });
    expect((await config('get', 'logging.file')).stdout.text).toBe('\n');
    await config('set', '--project', 'plugins', 'a', './b');
    expect((await config('get', 'plugins')).stdout.text).toBe(`a, ${file('b')}\n`);
    await config('set', '--project', 'workers', '--unset');
    expect(await readFile(file(), 'utf8')).toBe('plugins:\n  - a\n  - ./b\n');
  });

  it('tell values in their own types in documents, and as text to people', async () => {
    await writeFile(
      file(),
      'config_dir: ./config\nplugins: [a]\nmirrors: { "http://a.example": "http://b.example" }\nstorage: { image_cache: { enabled: false } }\n',
    );
    const origin = expect.any(String) as string;
    const { settings } = (await json('show')) as { settings: readonly Record<string, unknown>[] };
    expect(settings).toEqual(
      expect.arrayContaining([
        { key: 'workers', value: 16, origin },
        { key: 'config_dir', value: file('config'), origin: `${file()}:1:1` },
        { key: 'mirrors', value: { 'http://a.example': ['http://b.example'] }, origin },
        { key: 'plugins', value: ['a'], origin },
        { key: 'distros', value: [], origin },
        { key: 'storage.image_cache.enabled', value: false, origin },
        { key: 'network.timeout_ms', value: null, origin },
        { key: 'logging.file', value: null, origin },
      ]),
    );
    expect(await json('get', 'storage.image_cache.enabled')).toMatchObject({ value: false });
    expect((await config('get', 'mirrors')).stdout.text).toBe('http://a.example -> http://b.example\n');
    expect((await config('get', 'network.timeout_ms')).stdout.text).toContain('to connect');
    const dir = await config('get', 'config_dir');
    expect([dir.stdout.text, dir.stderr.text]).toEqual([`${file('config')}\n`, expect.stringContaining('ICT_CONFIG_NO_EFFECT') as string]);
  });

  it("change the user's own file unless told otherwise", async () => {
    const run = await ict(['config', 'set', 'workers', '2', '--json'], { cwd: directory, env: { XDG_CONFIG_HOME: file('xdg') } });
    expect(JSON.parse(run.stdout.text)).toMatchObject({ file: file('xdg/image-composer-tool/config.yml') });
    expect(await readFile(file('xdg/image-composer-tool/config.yml'), 'utf8')).toBe('workers: 2\n');
  });

  it('keep comments, mode and a link', async () => {
    await mkdir(file('real'));
    await writeFile(file('real/c.yml'), '# ours\nworkers: 2 # few\n');
    await chmod(file('real/c.yml'), 0o640);
    await symlink('real/c.yml', file());
    await config('set', '--project', 'workers', '4');
    expect(await readFile(file('real/c.yml'), 'utf8')).toBe('# ours\nworkers: 4 # few\n');
    expect((await stat(file('real/c.yml'))).mode & 0o777).toBe(0o640);
    expect((await lstat(file())).isSymbolicLink()).toBe(true);
  });

  it.each([
    [['set', '--project', 'workers', '999'], 2, 'ICT_CONFIG_INVALID'],
    [['set', '--project', 'wokers', '9'], 2, 'Did you mean "workers"?'],
    [['get', 'wokers'], 2, 'ICT_CONFIG_KEY'],
    [['set', '--project', 'workers'], 2, 'takes one value, and got 0'],
    [['set', '--project', 'workers', '1', '2'], 2, 'takes one value, and got 2'],
    [['set', '--project', 'plugins'], 2, 'takes at least one value'],
    [['set', '--project', 'mirrors', 'x'], 2, 'mirrors takes ARCHIVE=URL, an archive and what stands in for it, and got "x"'],
    [['set', '--project', 'mirrors', 'http://a=http://b', 'http://me:secret@c'], 2, 'and got "http://c"'],
    [['set', '--project', 'workers', '1', '--unset'], 2, '--unset takes no value'],
    [['set', '--project', '--user', 'workers', '1'], 2, 'ICT_CLI_USAGE'],
    [['set', '--project', '--config', 'x.yml', 'workers', '1'], 2, '--config and --project each name a configuration file'],
    [['init', 'x.yml', '--user'], 2, 'x.yml and --user each name a configuration file'],
    [['init', 'x.yml', '--config', 'y.yml'], 2, 'x.yml and --config each name a configuration file'],
  ])('refuse %j and leave the file alone', async (argv, wanted, text) => {
    await writeFile(file(), 'workers: 5\n');
    const { status, stderr } = await config(...argv);
    expect([status, stderr.text]).toEqual([wanted, expect.stringContaining(text) as string]);
    expect(await readFile(file(), 'utf8')).toBe('workers: 5\n');
  });

  it('name a place that cannot be written', async () => {
    await writeFile(file('plain'), '');
    const { status, stderr } = await config('set', '--config', 'plain/c.yml', 'workers', '1');
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_FILE_UNWRITABLE') as string]);
  });

  it('tell of a disk that is full, which nobody may write', async () => {
    await mkdir(file('full'));
    const { status, stderr } = ictWithFullDisk(file('full'), ['config', 'init', file('full/z.yml')], { HOME: file('home') });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/ICT_CLI_FILE_UNWRITABLE[^]*its disk is full/) as string]);
    expect(stderr).not.toContain('run as a user');
  });

  it('read no device, which may never end', async () => {
    const { status, stderr } = await config('set', '--config', '/dev/zero', 'workers', '1');
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('/dev/zero cannot be read: ENXIO') as string]);
  });
});

it('path names the files that are read, strongest first', async () => {
  await writeFile(file(), 'workers: 5\n');
  const { stdout } = await config('path');
  expect(stdout.lines[0]).toBe(file());
  const { files } = (await json('path')) as { files: readonly Record<string, unknown>[] };
  expect(files.map(({ scope, exists }) => [scope, exists]).slice(0, 2)).toEqual([
    ['project', true],
    ['user', false],
  ]);
  expect(((await json('path', '--config', 'x.yml')) as { files: unknown }).files).toEqual([
    { scope: 'named', file: file('x.yml'), candidates: [], exists: false },
  ]);
});

it('show tells origins only when asked', async () => {
  await writeFile(file(), 'workers: 5\n');
  expect((await config('show')).stdout.text).not.toContain(':1:1');
  expect((await config('show', '--origin')).stdout.text).toMatch(/^workers .*5 +\S*image-composer-tool\.yml:1:1$/m);
});

describe('show', () => {
  it('says where each value comes from', async () => {
    await writeFile(join(directory, 'image-composer-tool.yml'), 'cache_dir: ./cache\n');
    const { status, stdout } = await ict(['config', 'show', '--workers', '4', '--json'], {
      cwd: directory,
      env: { ICT_WORK_DIR: '/srv/work' },
    });
    expect(status).toBe(0);
    const { files, settings } = JSON.parse(stdout.text) as {
      files: readonly string[];
      settings: { key: string; value: unknown; origin: string }[];
    };
    const of = (key: string) => settings.find((row) => row.key === key);
    const file = join(directory, 'image-composer-tool.yml');
    expect(files[0]).toBe(file);
    expect(of('workers')).toMatchObject({ value: 4, origin: 'command line' });
    expect(of('cache_dir')).toMatchObject({ value: join(directory, 'cache'), origin: `${file}:1:1` });
    expect(of('work_dir')).toMatchObject({ value: '/srv/work', origin: 'environment ICT_WORK_DIR' });
    expect(of('logging.level')).toMatchObject({ value: 'info', origin: 'default' });
    expect(of('network.retries')).toMatchObject({ value: DEFAULT_RETRY.retries, origin: 'default' });
    expect(of('network.timeout_ms')).toMatchObject({ value: null, origin: 'default' });
    const forPeople = await ict(['config', 'get', 'network.timeout_ms']);
    expect(forPeople.stdout.text).toContain(`${DEFAULT_TIMEOUTS.headersMs} for an answer`);
  });

  it('reports every mistake of a file', async () => {
    await writeFile(join(directory, 'bad.yml'), 'workers: 0\nnonsense: 1\n');
    const { status, stderr } = await ict(['--config', 'bad.yml', 'config', 'show'], { cwd: directory });
    expect(status).toBe(2);
    expect(stderr.text).toContain('bad.yml:1:');
    expect(stderr.text).toContain('bad.yml:2:1');
  });
});
