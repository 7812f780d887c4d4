import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { repositoryRoot } from '../src/index.js';

/* What a shell, a container or a terminal does to a command that builds nothing. */

const template = join(repositoryRoot, 'templates', 'debian13-x86_64-minimal-raw.yml');
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(inject('run'), 'command-line-'));
});

/** Runs a line of bash in which `ict` is the command. @returns its exit status and what it printed. */
function bash(line: string): Promise<{ readonly status: unknown; readonly stdout: string; readonly stderr: string }> {
  const path = `${join(repositoryRoot, 'node_modules', '.bin')}:${process.env['PATH']}`;
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', line],
      { cwd: directory, env: { ...process.env, PATH: path, T: template, HERE: directory, NO_COLOR: '1' } },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe('standard output', () => {
  it.each(['templates', 'templates --json', 'schema template', '--help', '--version'])(
    'of `%s` that has no room is a failure',
    async (args) => {
      const { status, stderr } = await bash(`ict ${args} >/dev/full`);
      expect([status, stderr]).toEqual([2, expect.stringMatching(/^error ICT_CLI_OUTPUT {2}standard output cannot be written: ENOSPC\n/)]);
    },
  );

  it('that is closed is a failure', async () => {
    const { status, stderr } = await bash('ict templates >&-');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error ICT_CLI_OUTPUT {2}standard output cannot be written: EBADF\n/)]);
  });

  it('without room changes no other failure', async () => {
    const { status, stderr } = await bash('echo workers >bad.yml; ict validate bad.yml --json >/dev/full');
    expect([status, stderr]).toEqual([1, expect.not.stringContaining('ICT_CLI_OUTPUT')]);
  });

  it('whose reader goes away is none', async () => {
    const { stdout, stderr } = await bash('ict schema template | head -1; echo "${PIPESTATUS[0]}"');
    expect([stdout, stderr]).toEqual(['{\n0\n', '']);
  });
});

it('a standard error that has no room loses only what people would read', async () => {
  expect(await bash('ict schema nonsense --json 2>/dev/full')).toMatchObject({
    status: 2,
    stdout: expect.stringContaining('ICT_CLI_USAGE'),
  });
});

describe('a current directory that was removed', () => {
  const gone = (args: string) => bash(`mkdir gone && cd gone && rmdir ../gone && ict ${args}`);

  it('is said', async () => {
    const { status, stdout, stderr } = await gone('validate "$T" --json');
    expect([status, stderr]).toEqual([2, expect.stringContaining('the current directory does not exist any more')]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ICT_CLI_USAGE' } });
  });

  it('is none of the business of a command that needs none', async () => {
    expect((await gone('--help')).status).toBe(0);
    expect((await gone('templates')).status).toBe(0);
  });
});

describe('a user who is in no user database', () => {
  const stranger = 'setpriv --reuid 54321 --regid 54321 --clear-groups env -u ICT_CACHE_DIR -u XDG_CACHE_HOME';

  it('is told that a cache of root is not cleaned', async () => {
    const places = `--cache-dir "$HERE/cache" --work-dir "$HERE/work"`;
    const prepared = await bash(`chmod 755 .; truncate -s 510 x.raw; printf '\\125\\252' >> x.raw; ict cache import x.raw ${places}`);
    expect(prepared.status).toBe(0);
    for (const command of ['clean --all', 'gc']) {
      const { status, stderr } = await bash(`${stranger} HOME=/ ict cache ${command} ${places}`);
      expect([status, stderr]).toEqual([0, expect.stringContaining('ICT_CACHE_READ_ONLY')]);
    }
    expect((await bash(`ict cache list ${places}`)).stdout).toContain('image');
    expect((await bash(`ict cache clean --all ${places}`)).stderr).toBe('');
  });

  it.each(['-u HOME', 'HOME=', 'HOME=relative'])('has the home directory of a container with %s', async (home) => {
    expect(await bash(`cd / && ${stranger} ${home} ict config get cache_dir`)).toEqual({
      status: 0,
      stdout: '/.cache/image-composer-tool\n',
      stderr: '',
    });
  });
});
