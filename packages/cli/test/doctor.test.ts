import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostCheck } from '@ict/sandbox';
import { describe, expect, it } from 'vitest';
import { doctorText } from '../src/commands/doctor.js';
import { runProgram } from '../src/host-program.js';
import { mendingCommands, missingPackages } from '../src/mending.js';
import { ict, temporaryDirectory, terminal } from './fixture.js';

const good: HostCheck = { name: 'node', ok: true, detail: 'Node 24.21.0', required: true };
const lacking = (name: string, remedy: string, required = true): HostCheck => ({
  name,
  ok: false,
  detail: `${name} is missing`,
  remedy,
  required,
});
const checks = [
  good,
  lacking('program newuidmap', 'sudo apt-get install --yes uidmap'),
  lacking('program newgidmap', 'sudo apt-get install --yes uidmap'),
  lacking('subordinate ids', 'sudo usermod --add-subuids 100000-165535 somebody'),
  lacking('firmware code', 'sudo apt-get install --yes ovmf', false),
];

describe('mending', () => {
  it('takes one command for all packages', () => {
    expect(missingPackages(checks)).toEqual(['ovmf', 'uidmap']);
    expect(mendingCommands(checks, false)).toEqual([
      'sudo apt-get install --yes ovmf uidmap',
      'sudo usermod --add-subuids 100000-165535 somebody',
    ]);
  });

  it('needs no sudo as root', () => {
    expect(mendingCommands(checks, true)[0]).toBe('apt-get install --yes ovmf uidmap');
  });

  it('is not needed when all is well', () => {
    expect(mendingCommands([good], false)).toEqual([]);
  });

  it.each(['sudo apt-get install --yes a; rm -rf /', 'sudo apt-get install --yes --evil', 'apt-get install a'])(
    'takes no package name from %s',
    (remedy) => {
      expect(missingPackages([lacking('x', remedy)])).toEqual([]);
    },
  );
});

it('the report marks what is required and what is not', () => {
  const text = doctorText(checks, mendingCommands(checks, true), terminal().terminal.resultColors);
  expect(
    text
      .split('\n')
      .slice(0, 5)
      .map((line) => line[0]),
  ).toEqual(['✔', '✖', '✖', '✖', '-']);
  expect(text).toContain('to mend it:\n  apt-get install --yes ovmf uidmap\n');
});

describe('ict doctor', () => {
  it('prints one document, whose verdict is the exit status', async () => {
    const { status, stdout } = await ict(['doctor', '--json'], {
      uid: process.geteuid?.() ?? 0,
      env: { ICT_WORK_DIR: '/tmp', ICT_CACHE_DIR: '/tmp' },
    });
    const report = JSON.parse(stdout.text) as { ok: boolean; checks: HostCheck[]; commands: string[] };
    expect(status).toBe(report.ok ? 0 : 7);
    expect(report.checks.map((check) => check.name)).toEqual(
      expect.arrayContaining(['node', 'overlay', 'program unshare', 'program qemu-system-x86_64']),
    );
    expect(report.ok).toBe(report.checks.every((check) => check.ok || !check.required));
  });

  it('checks for booting alone', async () => {
    const { stdout } = await ict(['doctor', '--for', 'boot', '--json']);
    const report = JSON.parse(stdout.text) as { checks: HostCheck[] };
    expect(report.checks.map((check) => check.name)).not.toContain('program unshare');
  });

  it('checks for images of an architecture', async () => {
    const needs = async (arch: string) => {
      const { stdout } = await ict(['doctor', '--for', 'boot', '--arch', arch, '--json']);
      return (JSON.parse(stdout.text) as { checks: HostCheck[] }).checks.map(({ name }) => name);
    };
    expect(await needs('x86_64')).toContain('program qemu-system-x86_64');
    expect(await needs('aarch64')).toContain('program qemu-system-aarch64');
    expect((await ict(['doctor', '--arch', 'mips'])).status).toBe(2);
  });

  it.each([
    ['boot', true],
    ['build', false],
  ])('for %s tells of Secure Boot: %s', async (purpose, told) => {
    const { stdout } = await ict(['doctor', '--for', purpose, '--json'], { env: { ICT_WORK_DIR: '/tmp', ICT_CACHE_DIR: '/tmp' } });
    const { checks: found } = JSON.parse(stdout.text) as { checks: HostCheck[] };
    expect(found.filter(({ name }) => name === 'secure boot').map(({ required }) => required)).toEqual(told ? [false] : []);
  });
});

describe('ict doctor and remote caches on S3', () => {
  const urls = ['s3://caches/ict', 'https://cache.example/ict'];
  const upload = { upload_url: 's3://ID:secret@others/ict', signing_key: 'a.key' };

  /** What it says of remote caches, beside the commands. */
  async function told(env: Readonly<Record<string, string>>, configuration: object = { urls, trusted_keys: ['a.pub'] }, purpose = 'build') {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, 'image-composer-tool.yml'), JSON.stringify({ remote_cache: configuration }));
    const lone = { HOME: cwd, AWS_EC2_METADATA_DISABLED: 'true', ICT_WORK_DIR: cwd, ICT_CACHE_DIR: cwd };
    const { stdout, stderr } = await ict(['doctor', '--for', purpose, '--json'], { cwd, env: { ...lone, ...env } });
    expect(stdout.text + stderr.text).not.toContain('secret');
    const { checks: found, commands } = JSON.parse(stdout.text) as { checks: HostCheck[]; commands: string[] };
    return { found: found.filter(({ name }) => name === 'remote cache'), commands };
  }

  it('says where their keys come from', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'ID', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-central-1' };
    const { found } = await told(env, { urls, trusted_keys: ['a.pub'], ...upload });
    expect(found).toMatchObject([
      { ok: true, required: false, detail: 's3://caches/ict is asked with the keys of AWS_ACCESS_KEY_ID; region eu-central-1' },
      { ok: true, required: false, detail: 's3://others/ict is asked with the keys of the address of the cache; region eu-central-1' },
    ]);
  });

  it('says what is missing, and what to do', async () => {
    const { found, commands } = await told({});
    const remedy = expect.stringContaining('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY') as string;
    expect(found).toMatchObject([
      { ok: false, required: false, detail: expect.stringMatching(/s3:\/\/caches\/ict.*AWS_ACCESS_KEY_ID is not set/) as string, remedy },
    ]);
    expect(commands).toContainEqual(remedy);
  });

  it('says which source fails', async () => {
    const { found } = await told({ AWS_ACCESS_KEY_ID: 'ID' });
    expect(found).toMatchObject([{ ok: false, required: false, remedy: 'Set both, or none.' }]);
  });

  it('says nothing without any, and nothing for booting', async () => {
    expect((await told({}, { urls: ['https://cache.example/ict'], trusted_keys: ['a.pub'] })).found).toEqual([]);
    expect((await told({}, undefined, 'boot')).found).toEqual([]);
  });
});

describe('runProgram', () => {
  const { signal } = new AbortController();

  it.each([
    [['sh', '-c', 'exit 3'], 3],
    [['sh', '-c', 'test "$ICT_TEST" = yes'], 0],
    [['sh', '-c', 'kill -9 $$'], 137],
  ])('%j is %i', async (argv, status) => {
    expect(await runProgram(argv, { ICT_TEST: 'yes' }, signal)).toBe(status);
  });

  it('says so when a program is not there', async () => {
    await expect(runProgram(['no-such-program'], {}, signal)).rejects.toMatchObject({ code: 'ICT_CLI_INSTALL_FAILED' });
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const running = runProgram(['sleep', '60'], {}, controller.signal);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
