import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlannedStep } from '@ict/core';
import { DEFAULT_RETRY, DEFAULT_TIMEOUTS } from '@ict/fetch';
import type { ErrorKind } from '@ict/plugin-api';
import { IctError } from '@ict/plugin-api';
import { compileSchema } from '@ict/template';
import { schemaNames } from '../src/tool-commands.js';
import { digest, event, ict, plan, report, Signals } from './fixture.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-cli-'));
});

afterAll(() => rm(directory, { recursive: true }));

const eventSchema = async () =>
  compileSchema(JSON.parse(await readFile(new URL('../../plugin-api/schema/event.schema.json', import.meta.url), 'utf8')) as object);

const work = ['--work-dir', '/nonexistent/work'];

describe('build', () => {
  it('hands flags to the engine', async () => {
    await writeFile(join(directory, 'acme.asc'), 'keys');
    const { options, status, closed } = await ict(
      [
        'build',
        'a.yml',
        '-w',
        '3',
        '-d',
        'cache',
        ...work,
        '--mirror',
        'http://a.example=http://b.example/',
        '--no-host-mirrors',
        '--offline',
        '--verify',
        'full',
        '--distro-file',
        'acme.yml',
        '--keyring',
        'acme.asc',
      ],
      { cwd: directory, engine: { build: async () => report }, env: { SOURCE_DATE_EPOCH: '7' } },
    );
    expect(status).toBe(0);
    expect(closed).toBe(1);
    expect(options).toMatchObject({
      workers: 3,
      cacheDir: join(directory, 'cache'),
      workDir: '/nonexistent/work',
      mirrors: [{ archive: 'http://a.example', url: 'http://b.example', source: 'flag' }],
      keyrings: [join(directory, 'acme.asc')],
      hostSources: false,
      offline: true,
      verify: 'full',
      distributionFiles: [join(directory, 'acme.yml')],
      sourceDateEpoch: 7,
    });
  });

  it('has defaults', async () => {
    const { options } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => report } });
    expect(options).toMatchObject({
      workers: 16,
      mirrors: [],
      hostSources: true,
      offline: false,
      verify: 'signature',
      distributionFiles: [],
    });
    expect(options).not.toHaveProperty('sourceDateEpoch');
  });

  it('hands lock, frozen, caches and output to the build', async () => {
    let seen: unknown;
    await ict(['build', 'a.yml', ...work, '--lock', 'x.lock.yml', '--frozen', '--package-cache', '--no-image-cache', '-o', 'out'], {
      cwd: directory,
      engine: {
        build: async (template, options) => {
          seen = { template, options };
          return report;
        },
      },
    });
    expect(seen).toEqual({
      template: 'a.yml',
      options: {
        lock: join(directory, 'x.lock.yml'),
        frozen: true,
        caches: { packages: true, images: false },
        output: join(directory, 'out'),
      },
    });
  });

  it('says what it made and how to boot it', async () => {
    const { stdout } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => report } });
    expect(stdout.text).toContain('4.00 GiB, 300 MiB on disk');
    expect(stdout.text).toContain(digest);
    expect(stdout.text).toContain('1 of 2 steps from the cache; made anew:');
    expect(stdout.text).toContain("how to boot it: npx ict boot '/out/small image-1.raw'");
  });

  it.each([
    ['os-1.cpio.gz', 'os-1.vmlinuz'],
    ['os-1.cpio', 'os-1.vmlinuz'],
    ['os-1.vhdx', 'os-1.raw.gz'],
    ['os-1.vhd', 'os-1.vmdk.xz'],
  ])('says how to boot %s, and not %s', async (name, other) => {
    const [artifact] = report.artifacts;
    const artifacts = [other, name].map((file) => ({ ...artifact, path: `/out/${file}` })) as unknown as typeof report.artifacts;
    const { stdout } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => ({ ...report, artifacts }) } });
    expect(stdout.text).toContain(`how to boot it: npx ict boot /out/${name}\n`);
  });

  it.each([
    ['draws on a terminal', { TERM: 'xterm' }, true],
    ['draws nothing on one that calls itself dumb', { TERM: 'dumb' }, false],
  ])('%s', async (_what, env, draws) => {
    const { stderr } = await ict(['build', 'a.yml', ...work], {
      tty: true,
      env,
      opened: ({ emit }) => emit(event({ type: 'stage.start', stage: 'validate' })),
      engine: { build: async () => report },
    });
    expect(stderr.text.includes('validate')).toBe(draws);
    expect(stderr.text.includes('\u001b')).toBe(draws);
  });

  it('prints paths only with --quiet', async () => {
    const { stdout, stderr } = await ict(['build', 'a.yml', '-q', ...work], { engine: { build: async () => report } });
    expect(stdout.text).toBe('/out/small image-1.raw\n');
    expect(stderr.text).toBe('');
  });

  it('prints one event a line with --json', async () => {
    const { stdout } = await ict(['build', 'a.yml', '--json', ...work], {
      opened: ({ emit }) => {
        emit(event({ type: 'build.start', template: 'a.yml', target: 'x' }));
        emit(event({ type: 'build.done', artifacts: report.artifacts, durationMs: 5 }));
      },
      engine: { build: async () => report },
    });
    const validator = await eventSchema();
    expect(stdout.lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['build.start', 'build.done']);
    expect(stdout.lines.flatMap((line) => validator.check(JSON.parse(line), 'event'))).toEqual([]);
  });

  it('ends the events with the failure, once', async () => {
    const failure = new IctError('ICT_SAMPLE_LOST', 'network', { message: 'gone' });
    const failing = async (): Promise<never> => {
      throw failure;
    };
    const silent = await ict(['build', 'a.yml', '--json', ...work], { engine: { build: failing } });
    expect(silent.stdout.lines.map((line) => JSON.parse(line))).toMatchObject([
      { v: 1, type: 'build.failed', error: { code: 'ICT_SAMPLE_LOST' } },
    ]);
    const validator = await eventSchema();
    expect(validator.check(JSON.parse(silent.stdout.text), 'event')).toEqual([]);
    const { code, kind, message, facts, problems } = failure;
    const spoken = await ict(['build', 'a.yml', '--json', ...work], {
      opened: ({ emit }) => emit(event({ type: 'build.failed', error: { code, kind, message, facts, problems } })),
      engine: { build: failing },
    });
    expect(spoken.stdout.lines).toHaveLength(1);
    expect(spoken.stderr.text).toContain('ICT_SAMPLE_LOST');
  });

  it('builds without the cache in directories that are gone afterwards', async () => {
    const { options, status } = await ict(['build', 'a.yml', '--no-cache', '--output', 'out'], {
      cwd: directory,
      env: { ICT_WORK_DIR: 'work' },
      engine: { build: async () => report },
    });
    expect(status).toBe(0);
    expect(options?.cacheDir.startsWith(join(directory, 'work', 'no-cache-'))).toBe(true);
    await expect(readFile(join(options?.cacheDir ?? '', '..'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    [['build', 'a.yml', '--no-cache'], '--output'],
    [['build', 'a.yml', '--no-cache', '--output', 'x', '--cache-dir', 'y'], 'cannot be used with'],
  ])('%j is a mistake', async (argv, text) => {
    const { status, stderr, options } = await ict(argv);
    expect(status).toBe(2);
    expect(stderr.text).toContain(text);
    expect(options).toBeUndefined();
  });

  it.each([
    ['sudo', { SUDO_UID: 'x' }],
    ['an epoch', { SOURCE_DATE_EPOCH: 'yesterday' }],
  ])('does not trust %s from the environment', async (_name, env) => {
    const { status } = await ict(['build', 'a.yml', ...work], { env, engine: { build: async () => report } });
    expect(status).toBe('SOURCE_DATE_EPOCH' in env ? 2 : 0);
  });
});

describe('exit status', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 1],
    ['usage', 2],
    ['unsolvable', 3],
    ['network', 4],
    ['integrity', 5],
    ['offline', 6],
    ['host', 7],
    ['command', 8],
    ['internal', 9],
    ['interrupted', 130],
  ])('of %s is %i', async (kind, expected) => {
    const { status, closed } = await ict(['build', 'a.yml', ...work], {
      engine: {
        build: async () => {
          throw new IctError('ICT_SAMPLE_X', kind, { message: 'x' });
        },
      },
    });
    expect([status, closed]).toEqual([expected, 1]);
  });

  const accident = new TypeError('x is not a function');
  it.each([
    ['nobody foresaw', 'ICT_INTERNAL', accident],
    [
      'a plugin made',
      'ICT_PLUGIN_FAILED',
      new IctError('ICT_PLUGIN_FAILED', 'internal', { message: 'the plugin failed', cause: accident }),
    ],
  ])('of an error that %s is 9, with its stack', async (_who, code, error) => {
    const { status, stderr } = await ict(['build', 'a.yml', ...work], {
      engine: {
        build: async () => {
          throw error;
        },
      },
    });
    expect(status).toBe(9);
    expect(stderr.text).toContain(code);
    expect(stderr.text).toMatch(/TypeError: x is not a function\n +at .*main\.test\.ts/);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('after %s is %i', async (signal, expected) => {
    const signals = new Signals();
    let aborted: AbortSignal | undefined;
    const { status, stderr, closed } = await ict(
      ['build', 'a.yml', ...work],
      {
        opened: (options) => (aborted = options.signal),
        engine: {
          build: async () => {
            signals.send(signal);
            aborted?.throwIfAborted();
            return report;
          },
        },
      },
      signals,
    );
    expect([status, closed, signals.count]).toEqual([expected, 1, 0]);
    expect(stderr.text).toContain('ICT_CLI_INTERRUPTED');
  });

  it('after a signal that came when all was done is that of the signal', async () => {
    const signals = new Signals();
    const build = async () => {
      signals.send('SIGINT');
      return report;
    };
    const { status, stderr } = await ict(['build', 'a.yml', ...work], { engine: { build } }, signals);
    expect(status).toBe(130);
    expect(stderr.text).not.toContain('ICT_CLI_INTERRUPTED');
  });
});

it('version says which code runs', async () => {
  expect(JSON.parse((await ict(['version', '--json'])).stdout.text)).toMatchObject({ pluginApi: 1, code: 'modules' });
});

it('--version is the command of that name', async () => {
  const [option, command] = [await ict(['--version']), await ict(['version'])];
  expect([option.status, option.stdout.text]).toEqual([0, command.stdout.text]);
  for (const argv of [
    ['--version', '--json'],
    ['--json', '--log-level', 'warn', '--version'],
  ])
    expect(JSON.parse((await ict(argv)).stdout.text)).toMatchObject({ pluginApi: 1 });
});

describe('usage', () => {
  it.each([
    [['buidl', 'a.yml'], /unknown command 'buidl'/],
    [['build'], /missing required argument 'template'/],
    [['build', 'a.yml', 'b.yml'], /too many arguments/],
    [['build', 'a.yml', '--nonsense'], /unknown option '--nonsense'/],
    [['build', 'a.yml', '--workers', '0'], /--workers is not a whole number from 1 to 64/],
    [['build', 'a.yml', '--verify', 'no'], /Allowed choices are signature, full/],
    [
      ['validate', 'a.yml', '--keyring', '/nonexistent/acme.asc'],
      /the keyring \/nonexistent\/acme\.asc of --keyring cannot be read: ENOENT/,
    ],
    [['build', 'a\nb.yml'], /TEMPLATE has a NUL or another control character/],
    [['schema', 'nonsense'], /Allowed choices are template/],
    [['--log-level', 'loud', 'version'], /Allowed choices are debug/],
    [[], /a command is missing/],
  ])('%j is 2', async (argv, message) => {
    const { status, stderr, options } = await ict(argv);
    expect(status).toBe(2);
    expect(stderr.text).toMatch(message);
    expect(stderr.text).toMatch(/docs\/errors\/ICT_CLI_(?:USAGE|FLAG_INVALID)\.md/);
    expect(options).toBeUndefined();
  });

  it.each([
    [['plan', '--repo', 'http://me:SECRET@h.example:99999/x'], /needs an http, https or file address, not "http:\/\/h\.example:99999\/x"/],
    [['plan', '--repo', 'http://me:x/SECRET@h.example/x'], /not "http:\/\/h\.example\/x"/],
    [['plan', '--repo', 'me:SECRET@h.example/x'], /not "h\.example\/x"/],
    [['build', 'a.yml', '--mirror', 'http://a.example=http://me:SECRET@h.example?x=1'], /not "http:\/\/h\.example\/\?x=1"/],
    [['build', 'a.yml', '--mirror', 'http://me:SECRET@a.example'], /--mirror is not ARCHIVE=URL/],
    [['plan', '--repos=http://me:SECRET@h.example/x'], /unknown option '--repos=http:\/\/h\.example\/x'/],
    [['http://me:SECRET@h.example/x'], /unknown command 'http:\/\/h\.example\/x'/],
  ])('%j shows no password', async (argv, message) => {
    const { status, stdout, stderr } = await ict([...argv, '--json']);
    expect([status, stderr.text]).toEqual([2, expect.stringMatching(message)]);
    expect(stdout.text + stderr.text).not.toContain('SECRET');
  });

  it.each([
    [['why-not', '--bad'], 'ict why-not --help'],
    [['--log-level', 'debug', 'cache', 'gc', '--max-gbb', '1'], 'ict cache gc --help'],
    [['cache', 'lisst'], 'ict cache --help'],
    [['cache'], 'ict cache --help'],
    [['biuld'], 'ict --help'],
  ])('%j names the help of the command', async (argv, help) => {
    expect((await ict(argv)).stderr.text).toContain(`See \`${help}\`.`);
  });

  it.each([
    [['search', 'openssh'], 'ict search [options] <template> <word...>'],
    [['cache', 'gc', 'all'], 'ict cache gc [options]'],
  ])('%j names the arguments that it takes', async (argv, usage) => {
    expect((await ict(argv)).stderr.text).toContain(`Usage: ${usage}. See `);
  });

  it('prints a failure as a document too', async () => {
    const { stdout } = await ict(['version', '--json', '--nonsense']);
    expect(JSON.parse(stdout.text)).toMatchObject({ error: { code: 'ICT_CLI_USAGE', kind: 'usage' } });
  });

  it('prints it as an event for a command that prints events, whatever stands before its name', async () => {
    const { stdout } = await ict(['--json', '--log-level', 'debug', 'build', '--nonsense']);
    expect(JSON.parse(stdout.text)).toMatchObject({ type: 'build.failed', error: { code: 'ICT_CLI_USAGE' } });
  });

  it('--help is no mistake', async () => {
    const { status, stdout, stderr } = await ict(['--help']);
    expect([status, stderr.text]).toEqual([0, '']);
    for (const command of [
      'build',
      'validate',
      'resolve',
      'plan',
      'why',
      'why-not',
      'search',
      'show',
      'graph',
      'lock',
      'boot',
      'doctor',
      'schema',
      'config',
      'version',
      'completion',
    ]) {
      expect(stdout.text).toContain(`\n  ${command} `);
    }
  });
});

describe('plan', () => {
  it('prints the document that its schema describes', async () => {
    const { stdout } = await ict(['plan', 'a.yml', '--json'], { engine: { plan: async () => plan } });
    const described = await ict(['schema', 'plan']);
    expect(JSON.parse(stdout.text)).toEqual(plan);
    expect(compileSchema(JSON.parse(described.stdout.text) as object).check(plan, 'plan')).toEqual([]);
  });

  it('prints tables for people', async () => {
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => plan } });
    expect(stdout.lines.map((line) => line.trim())).toEqual([
      'acme-acme1-x86_64',
      'Repositories',
      'acme  http://mirror.example/acme one main  2026-01-01T00:00:00.000Z',
      'Packages  1, 0 in the cache, 2.00 KiB',
      'jq  1.7  x86_64  acme  2.00 KiB    template',
      'Tools  1, 1 in the cache, 2.00 KiB, which write the image and are not in it',
      'dosfstools  4.2  x86_64  acme  2.00 KiB  cached  tools',
      'Steps',
      'ict.image     to run          packages changed',
      'acme.base     from the cache',
      'acme.install  to run          packages changed',
      'acme.disk     may run         depends on what acme.install makes',
      'delta: add jq',
      '2.00 KiB to download in 1 package',
    ]);
  });

  it('orders packages by name, and says first that the template asks for one', async () => {
    const [jq] = plan.packages as readonly [(typeof plan.packages)[number]];
    const named = (name: string, requestedBy: readonly string[]) => ({ ...jq, name, requestedBy });
    const packages = [
      named('dbus-bin', ['dbus:amd64', 'essential']),
      named('dbus', ['a:amd64', 'essential', 'template']),
      named('adduser', ['b:all', 'c:all']),
    ];
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => ({ ...plan, packages }) } });
    const rows = stdout.lines.filter((line) => /^ {2}(adduser|dbus)/.test(line));
    expect(rows.map((row) => row.trim().split(/ {2,}/)).map((cells) => [cells[0], cells.at(-1)])).toEqual([
      ['adduser', 'b:all and 1 more'],
      ['dbus', 'template and 2 more'],
      ['dbus-bin', 'essential and 1 more'],
    ]);
  });

  it('says that the rest is not needed where the finished image is in the cache', async () => {
    const [image, ...others] = plan.steps as readonly [PlannedStep, ...PlannedStep[]];
    const finished = { ...plan, steps: [{ ...image, hit: true, reason: '' }, ...others], fetchBytes: 0 };
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => finished } });
    expect(stdout.lines.slice(-2)).toEqual([
      '0 B to download in 0 packages',
      'The finished image is in the cache: a build copies it, and runs no other step.',
    ]);
  });
});

describe('config show', () => {
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

describe('output settings of the configuration', () => {
  it('decide on level and log file', async () => {
    const log = join(directory, 'run.log');
    await writeFile(join(directory, 'quiet.yml'), 'logging:\n  level: error\n  file: ./run.log\n');
    const warning = event({ type: 'warning', code: 'ICT_SAMPLE_X', message: 'beware' });
    const script = {
      cwd: directory,
      opened: ({ emit }: { emit: (given: typeof warning) => void }) => emit(warning),
      engine: { build: async () => report },
    };
    const quiet = await ict(['build', 'a.yml', '--config', 'quiet.yml', ...work], script);
    expect(quiet.stderr.text).toBe('');
    await ict(['build', 'a.yml', '--config', 'quiet.yml', '--log-level', 'info', ...work], script);
    expect(await readFile(log, 'utf8')).toBe('warning ICT_SAMPLE_X  beware\n');
  });

  it.each(['cache info nosuch', 'cache export nosuch a.raw', 'cache import nosuch', 'boot nosuch.raw'])(
    'count for `%s`, which opens no engine',
    async (line) => {
      const argv = [...line.split(' '), '--config', join(directory, 'other.yml')];
      const log = join(directory, `${line}.log`);
      await writeFile(join(directory, 'other.yml'), JSON.stringify({ cache_dir: 'none', work_dir: 'none', logging: { file: log } }));
      const { status, stderr } = await ict(argv, { cwd: directory });
      expect([status, await readFile(log, 'utf8')]).toEqual([2, stderr.text]);
    },
  );

  it('have one log for all that a command does', async () => {
    const log = join(directory, 'warm.log');
    const warm = async (template: string) => {
      if (template === 'b.yml') throw new IctError('ICT_SAMPLE_LOST', 'network', { message: 'gone' });
      return { target: 'x', packages: 1 };
    };
    const opened = ({ emit }: { emit: (given: ReturnType<typeof event>) => void }) =>
      emit(event({ type: 'warning', code: 'ICT_SAMPLE_X', message: 'beware' }));
    await ict(['cache', 'warm', 'a.yml', 'b.yml', '--log-file', log, ...work], { opened, engine: { warm } });
    expect((await readFile(log, 'utf8')).match(/ICT_SAMPLE_\w+ {2}/g)).toEqual(['ICT_SAMPLE_X  ', 'ICT_SAMPLE_X  ', 'ICT_SAMPLE_LOST  ']);
  });

  it('a log file that cannot be written is a mistake', async () => {
    const { status, stderr } = await ict(['build', 'a.yml', '--log-file', '/nonexistent/x.log', ...work], {
      engine: { build: async () => report },
    });
    expect(status).toBe(2);
    expect(stderr.text).toContain('ICT_CLI_LOG_FILE');
  });
});

it('schema template prints what the plugins at hand make of it', async () => {
  const { stdout, closed } = await ict(['schema', 'template'], { engine: { templateSchema: () => ({ title: 'with sections' }) } });
  expect(JSON.parse(stdout.text)).toEqual({ title: 'with sections' });
  expect(closed).toBe(1);
});

it.each(schemaNames)('schema %s compiles', async (name) => {
  const { status, stdout } = await ict(['schema', name]);
  expect(status).toBe(0);
  const schema = JSON.parse(stdout.text) as { $schema: string };
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(compileSchema(schema).check({}, name).length).toBeGreaterThanOrEqual(0);
});
