import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IctError } from '@ict/plugin-api';
import { compileSchema } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { digest, event, ict, report, temporaryDirectory, work } from './fixture.js';

const eventSchema = async () =>
  compileSchema(JSON.parse(await readFile(new URL('../../plugin-api/schema/event.schema.json', import.meta.url), 'utf8')) as object);

describe('build', () => {
  it('hands flags to the engine', async () => {
    const directory = await temporaryDirectory();
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
    const directory = await temporaryDirectory();
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

  it.each([
    [['--audit-cache'], 100],
    [['--audit-cache=7'], 7],
    [['--audit-cache', '1'], 1],
  ])('hands on which share of the layers %j audits: %i percent', async (flags, percent) => {
    let audit: unknown;
    await ict(['build', 'a.yml', ...work, ...flags], {
      engine: {
        build: async (_template, options) => {
          audit = options?.audit;
          return report;
        },
      },
    });
    expect(audit).toEqual({ percent, random: Math.random });
  });

  it('says what it made and how to boot it', async () => {
    const { stdout } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => report } });
    expect(stdout.text).toContain('4.00 GiB, 300 MiB on disk');
    expect(stdout.text).toContain(digest);
    expect(stdout.text).toContain('1 of 2 steps from the cache; made anew:');
    expect(stdout.text).toContain("how to boot it: npx ict boot '/out/small image-1.raw'");
  });

  it('tells the time that it waited for another build apart from that of building', async () => {
    const waitedMs = 3_600_000;
    const { stdout } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => ({ ...report, waitedMs }) } });
    expect(stdout.lines[0]).toMatch(/ built in 0\.\d s, after 1 h 00 min of waiting for another build$/);
  });

  it.each([
    [{ asked: 7, found: 0 }, '  0 of 7 results that remote caches were asked for came from there\n'],
    [{ asked: 1, found: 1 }, '  1 of 1 result that remote caches were asked for came from there\n'],
  ])('says how much of what it asked remote caches for they had: %o', async (remote, line) => {
    const { stdout } = await ict(['build', 'a.yml', ...work], { engine: { build: async () => ({ ...report, remote }) } });
    expect(stdout.text).toContain(line);
    const without = await ict(['build', 'a.yml', ...work], { engine: { build: async () => report } });
    expect(without.stdout.text).not.toContain('remote');
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
        emit(event({ type: 'build.done', artifacts: report.artifacts, durationMs: 5, remote: { asked: 7, found: 2 } }));
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
    const directory = await temporaryDirectory();
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
