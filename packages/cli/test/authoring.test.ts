import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { openCache } from '@ict/cache';
import type { DistributionDefinition } from '@ict/plugin-api';
import { parseTemplate } from '@ict/template';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Prompter, terminalPrompter } from '../src/prompt.js';
import { matchesWords, shippedTemplates } from '../src/shipped-templates.js';
import { ict } from './fixture.js';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'ict-authoring-')), 'project');
  await mkdir(directory);
});
afterEach(() => rm(dirname(directory), { recursive: true }));

const acme: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'deb',
  os: 'acme',
  dist: 'acme1',
  title: 'Acme 1',
  architectures: ['x86_64'],
  repositories: [],
  essential: { priorities: [], packages: [] },
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd', makeInitrd: ['true'], loaders: {} },
  tools: { packages: {} },
  defaults: {
    raw: {
      disk: { name: 'd', size: '2GiB', partitions: [{ id: 'root', start: '1MiB', end: '0', fsType: 'ext4', mountPoint: '/' }] },
    },
  },
};
const engine = { distributions: () => [acme], validate: async () => ({ problems: [], warnings: [] }) };
const init = (argv: readonly string[], prompter?: Prompter) =>
  ict(['init', ...argv], { cwd: directory, engine, ...(prompter === undefined ? {} : { prompter }) });
const written = async (name: string) => {
  const { template, problems } = parseTemplate(await readFile(join(directory, name), 'utf8'), name);
  expect(problems).toEqual([]);
  return template;
};

describe('init', () => {
  it('writes nothing that the engine would refuse, and says why', async () => {
    const problems = [{ code: 'ICT_TEMPLATE_NAME', message: '"../x" cannot be a name', severity: 'error' as const }];
    const strict = { ...engine, validate: async () => ({ problems, warnings: [] }) };
    const { status, stderr } = await ict(['init', '--distro', 'acme1', '--name', '../x'], { cwd: directory, engine: strict });
    expect(status).toBe(1);
    expect(stderr.text).toContain('"../x" cannot be a name');
    expect(await readdir(dirname(directory))).not.toContain('x.yml');
  });

  it('writes what looks like a variable so that it stands for itself', async () => {
    await init(['--distro', 'acme1', '--name', 'demo', '--purpose', 'costs ${MONEY}']);
    expect((await written('demo.yml'))?.metadata?.description).toBe('Acme 1: costs $${MONEY}');
  });

  it('makes a template from flags, without asking', async () => {
    const flags = [
      '--distro',
      'acme1',
      '--purpose',
      'kiosk',
      '--package',
      'jq',
      '--package',
      'jq',
      '--disk-size',
      '8GiB',
      '--name',
      'kiosk',
    ];
    const { closed, status, stdout } = await init(flags);
    expect(closed, 'engines that were opened').toBe(1);
    expect([status, stdout.text]).toEqual([0, expect.stringContaining(`${join(directory, 'kiosk.yml')} written`) as string]);
    expect(await written('kiosk.yml')).toEqual({
      metadata: { description: 'Acme 1: kiosk' },
      image: { name: 'kiosk', version: '1.0.0' },
      target: { os: 'acme', dist: 'acme1', arch: 'x86_64', imageType: 'raw' },
      disk: { name: 'd', size: '8GiB', partitions: [{ id: 'root', start: '1MiB', end: '0', fsType: 'ext4', mountPoint: '/' }] },
      systemConfig: { name: 'kiosk', description: 'kiosk', packages: ['jq'] },
    });
  });

  it.each(['libstdc++6', 'python3-*', 'linux-image-[0-9]*', 'vim=2:9.1.0-1~exp', 'vim >= 2:9', 'libc6:i386', 'NetworkManager'])(
    'takes the package %s',
    async (name) => {
      expect((await init(['small.yml', '--distro', 'acme1', '--package', name])).status).toBe(0);
      expect(await written('small.yml')).toMatchObject({ systemConfig: { packages: [name] } });
    },
  );

  it('names the schema that editors check templates by, where it is', async () => {
    const schema = 'node_modules/@ict/template/schema/template.schema.json';
    const head = async (file: string) => (await readFile(join(directory, file), 'utf8')).split('\n')[0];
    await init(['alone.yml', '--distro', 'acme1']);
    expect(await head('alone.yml')).toBe(`# yaml-language-server: $schema=${schema}`);
    await mkdir(join(directory, dirname(schema)), { recursive: true });
    await mkdir(join(directory, 'images'));
    await writeFile(join(directory, schema), '{}');
    await writeFile(join(directory, 'node_modules/@ict/template/package.json'), '{}');
    await init(['images/below.yml', '--distro', 'acme1']);
    expect(await head('images/below.yml')).toBe(`# yaml-language-server: $schema=../${schema}`);
  });

  it('leaves to the distribution what nobody says', async () => {
    await init(['small.yml', '--distro', 'acme1']);
    expect(await written('small.yml')).not.toHaveProperty('disk');
  });

  it('asks for what no flag says', async () => {
    const asked: string[] = [];
    const answers = new Map([
      ['Distribution (acme1)', 'acme1'],
      ['More packages, with blanks between them', 'jq  vim'],
    ]);
    const prompter: Prompter = {
      ask: async (question, otherwise) => {
        asked.push(question);
        return answers.get(question) ?? otherwise;
      },
    };
    const { status } = await init(['--purpose', 'kiosk'], prompter);
    expect(status).toBe(0);
    expect(asked).toEqual([...answers.keys()].slice(0, 1).concat('Name of the image', [...answers.keys()].slice(1), 'Size of the disk'));
    expect((await written('acme1-x86_64.yml'))?.systemConfig?.packages).toEqual(['jq', 'vim']);
  });

  it.each([
    [[], 'there is no terminal to ask on'],
    [['--distro', 'acm1'], 'Did you mean "acme1"?'],
    [['--distro', 'acme1', '--arch', 'aarch64'], 'Acme 1 does not exist for "aarch64"'],
    [['there.yml', '--distro', 'acme1'], 'ICT_CLI_FILE_EXISTS'],
    [['--distro', 'acme1', '--package', 'bad name'], 'no package is called "bad name"'],
    [['--distro', 'acme1', '--package', '-o'], 'no package is called "-o"'],
  ])('refuses %j and writes nothing', async (argv, text) => {
    await writeFile(join(directory, 'there.yml'), 'mine\n');
    const { status, stderr } = await init(argv);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining(text) as string]);
    expect(await readFile(join(directory, 'there.yml'), 'utf8')).toBe('mine\n');
  });
});

it('names all releases of a distribution that is named without one', async () => {
  const distributions = () => [acme, { ...acme, dist: 'acme2' }, { ...acme, dist: 'other1' }];
  const { stderr } = await ict(['init', '--distro', 'Acme'], { cwd: directory, engine: { ...engine, distributions } });
  expect(stderr.text).toContain('It is one of: acme1, acme2.\n');
});

it('a prompter on a terminal takes answers, and the usual for none', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const prompter = terminalPrompter(
    input,
    output,
    () => undefined,
    () => true,
  );
  const signal = new AbortController().signal;
  const first = prompter.ask('Name', 'x', signal);
  input.write(' y \n');
  expect(await first).toBe('y');
  const second = prompter.ask('Name', 'x', signal);
  input.write('\n');
  expect(await second).toBe('x');
  expect(String(output.read())).toContain('Name [x]: ');
});

it('a prompter says so when its input ends before the answer', async () => {
  const input = new PassThrough();
  const answer = terminalPrompter(
    input,
    new PassThrough(),
    () => undefined,
    () => true,
  ).ask('Name', 'x', new AbortController().signal);
  input.end('half');
  await expect(answer).rejects.toMatchObject({ code: 'ICT_CLI_INPUT' });
});

it('a prompter takes Ctrl-C for an interruption, which the terminal makes no signal of', async () => {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const stopped = new AbortController();
  const stop = (signal: string) => stopped.abort(new Error(signal));
  const answer = terminalPrompter(input, output, stop, () => true).ask('Name', 'x', stopped.signal);
  input.write('\u0003');
  await expect(answer).rejects.toMatchObject({ cause: { message: 'SIGINT' } });
});

it('a prompter takes the end of a terminal for the signal that follows', async () => {
  const input = new PassThrough();
  const stopped = new AbortController();
  const stop = (signal: string) => stopped.abort(new Error(signal));
  const answer = terminalPrompter(input, new PassThrough(), stop, () => false).ask('Name', 'x', stopped.signal);
  input.end();
  await expect(answer).rejects.toMatchObject({ cause: { message: 'SIGHUP' } });
});

describe('templates', () => {
  it('lists those that are shipped, all of which are valid', async () => {
    const { status, stdout } = await ict(['templates', '--json']);
    expect(status).toBe(0);
    const { templates } = JSON.parse(stdout.text) as { templates: readonly { name: string; description: string }[] };
    expect(templates.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['debian12-x86_64-minimal-raw', 'debian13-x86_64-minimal-raw']),
    );
    expect(templates.every(({ description }) => description !== '')).toBe(true);
  });

  it('searches name, target and metadata; 1 when nothing fits', async () => {
    const { stdout } = await ict(['templates', 'SSH', 'debian12']);
    expect(stdout.lines).toEqual([
      expect.stringMatching(
        /^debian12-x86_64-minimal-raw {2}debian12 x86_64 raw {2}\/\S+\/debian12-x86_64-minimal-raw\.yml {2}\S/,
      ) as string,
    ]);
    const [, , place = ''] = stdout.lines[0]?.split('  ') ?? [];
    expect(await readFile(place, 'utf8')).toContain('dist: debian12');
    const none = await ict(['templates', 'no-such-thing']);
    expect([none.status, none.stdout.text]).toEqual([1, '']);
  });

  it('a damaged one is an error, a missing directory is none', async () => {
    await writeFile(join(directory, 'bad.yml'), 'image: 1\n');
    await expect(shippedTemplates(directory)).rejects.toMatchObject({ code: 'ICT_TEMPLATE_INVALID' });
    expect(await shippedTemplates(join(directory, 'none'))).toEqual([]);
  });

  it('needs every word', async () => {
    const [one] = await shippedTemplates();
    expect(one && [matchesWords(one, []), matchesWords(one, ['debian', 'nope'])]).toEqual([true, false]);
  });
});

it('complete lists distributions, templates and built images', async () => {
  expect((await ict(['complete', 'distributions'], { engine })).stdout.text).toBe('acme1\n');
  expect((await ict(['complete', 'templates'])).stdout.lines).toContain('debian13-x86_64-minimal-raw');
  const build = join(directory, 'acme-acme1-x86_64', 'imagebuild', 'my image');
  await mkdir(build, { recursive: true });
  for (const name of ['a.raw', 'a.spdx.json', 'b.qcow2']) await writeFile(join(build, name), '');
  const cacheDir = join(directory, 'cache');
  const cache = await openCache({ cacheDir, clock: () => 0 });
  const { digest, sizeBytes } = await cache.blobs.putBytes(Buffer.from('disk'));
  const artifact = { name: 'c.raw', type: 'raw', digest, sizeBytes, source: (await cache.blobs.path(digest)) as string };
  await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map([['c.lock.yml', Buffer.from('')]]) }, 'ict');
  const key = cache.images.key({ a: 1 });
  // The directories are those of the configuration.
  await writeFile(join(directory, 'image-composer-tool.yml'), `work_dir: .\ncache_dir: cache\n`);
  const answer = async (kind: string) => (await ict(['complete', kind], { cwd: directory })).stdout.lines;
  expect(await answer('images')).toEqual([join(build, 'a.raw'), join(build, 'b.qcow2'), join(cacheDir, 'imageCache', key, 'c.raw')]);
  expect(await answer('kept-images')).toEqual([key.slice(0, 12)]);
  await writeFile(join(directory, 'image-composer-tool.yml'), `work_dir: none\ncache_dir: none\n`);
  expect([await answer('images'), await answer('kept-images')]).toEqual([[], []]);
});

it('complete lists packages of a template or a target, of the image where that is meant, without the network', async () => {
  const asked: unknown[] = [];
  const names = { all: ['jq', 'jqp', 'vim'], locked: ['jq', 'libc6'] };
  const script = { cwd: directory, engine: { packageNames: async (of: unknown) => (asked.push(of), names) } };
  const log = join(directory, 'build.log');
  await writeFile(log, 'of a build');
  const answer = async (...argv: readonly string[]) => (await ict(['complete', ...argv, '--log-file', log], script)).stdout.lines;
  expect(await answer('packages', 'jq', 't.yml')).toEqual(['jq', 'jqp']);
  expect(await answer('locked-packages', '', 'a.yaml')).toEqual(['jq', 'libc6']);
  expect(await answer('packages', '', 'acme-acme1-x86_64')).toEqual(['jq', 'jqp', 'vim']);
  expect(await answer('packages', 'jq')).toEqual([]);
  expect(asked).toEqual([{ template: join(directory, 't.yml') }, { template: join(directory, 'a.yaml') }, { target: 'acme-acme1-x86_64' }]);
  expect((await ict(['complete', 'packages', '', 't.yml'], script)).options?.offline).toBe(true);
  const unlocked = { ...script, engine: { packageNames: async () => ({ ...names, locked: [] }) } };
  expect((await ict(['complete', 'locked-packages', 'v', 't.yml'], unlocked)).stdout.lines).toEqual(['vim']);
  expect(await readFile(log, 'utf8')).toBe('of a build'); // a key that is pressed replaces none
});
