import { describe, expect, it } from 'vitest';
import { ict } from './fixture.js';

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
