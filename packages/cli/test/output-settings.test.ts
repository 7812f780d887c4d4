import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IctError } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { event, ict, report, temporaryDirectory, work } from './fixture.js';

describe('output settings of the configuration', () => {
  it('decide on level and log file', async () => {
    const directory = await temporaryDirectory();
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
      const directory = await temporaryDirectory();
      const argv = [...line.split(' '), '--config', join(directory, 'other.yml')];
      const log = join(directory, `${line}.log`);
      await writeFile(join(directory, 'other.yml'), JSON.stringify({ cache_dir: 'none', work_dir: 'none', logging: { file: log } }));
      const { status, stderr } = await ict(argv, { cwd: directory });
      expect([status, await readFile(log, 'utf8')]).toEqual([2, stderr.text]);
    },
  );

  it('have one log for all that a command does', async () => {
    const directory = await temporaryDirectory();
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

  it.each([[[]], [['--json']]])('come with warnings for people and the log, and no events: %j', async (flags) => {
    const directory = await temporaryDirectory();
    const log = join(directory, 'run.log');
    for (const ending of ['yml', 'yaml']) await writeFile(join(directory, `image-composer-tool.${ending}`), 'logging:\n  level: warn\n');
    const argv = ['build', 'a.yml', '--log-file', log, ...flags, ...work];
    const { stdout, stderr } = await ict(argv, { cwd: directory, engine: { build: async () => report } });
    expect(stderr.text).toMatch(/^warning ICT_CONFIG_HIDDEN {2}.*\n {2}hint: /);
    expect(await readFile(log, 'utf8')).toBe(stderr.text);
    expect(stdout.text).not.toContain('ICT_CONFIG_HIDDEN');
  });

  it('a log file gets its directory', async () => {
    const cwd = await temporaryDirectory();
    const log = join(cwd, 'new/one/x.log');
    const { stderr } = await ict(['build', 'a.yml', '--log-file', log, ...work], { cwd, engine: { build: async () => report } });
    expect(await readFile(log, 'utf8')).toBe(stderr.text);
  });

  it('a log file that cannot be written is a mistake', async () => {
    const { status, stderr } = await ict(['build', 'a.yml', '--log-file', '/dev/null/x.log', ...work], {
      engine: { build: async () => report },
    });
    expect(status).toBe(2);
    expect(stderr.text).toContain('ICT_CLI_LOG_FILE');
  });
});
