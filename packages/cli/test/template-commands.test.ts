import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { Engine, ResolvedTemplate, ValidateOptions } from '@ict/core';
import { templateError } from '@ict/template';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { githubAnnotations } from '../src/views/github-annotations.js';
import { readStandardInput } from '../src/standard-input.js';
import { ict, Signals } from './fixture.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-cli-'));
  for (const name of ['a.yml', 'b.yml', 'c.txt']) await writeFile(join(directory, name), '');
});
afterAll(() => rm(directory, { recursive: true }));

const problem = {
  code: 'ICT_DOCUMENT_UNKNOWN_KEY',
  message: 'unknown key "pakcages"',
  hint: 'Did you mean "packages"?',
  severity: 'error',
  position: { file: 'a.yml', line: 4, column: 3 },
  snippet: '  pakcages:\n  ^',
} as const;

/** An engine that finds these templates faulty, cannot read `gone.yml`, and notes what it is asked. */
function judge(...faulty: string[]): { readonly engine: Partial<Engine>; readonly asked: [string, ValidateOptions | undefined][] } {
  const asked: [string, ValidateOptions | undefined][] = [];
  const validate: Engine['validate'] = async (template, options) => {
    asked.push([template, options]);
    if (template === 'gone.yml') throw templateError('ICT_TEMPLATE_UNREADABLE', { message: 'cannot read gone.yml: it does not exist' });
    return { problems: faulty.includes(template) ? [problem] : [], warnings: [] };
  };
  return { engine: { validate }, asked };
}

describe('validate', () => {
  it('reads definitions and variables of the command line, and stays offline', async () => {
    const argv = ['validate', 'a.yml', '--distro-file', 'acme.yml', '--var', 'A=1', '--var', 'B=x=y'];
    const { options, status } = await ict(argv, { cwd: directory, ...judge(), env: { ICT_VAR_C: '3' } });
    expect([status, options?.distributionFiles, options?.offline]).toEqual([0, [join(directory, 'acme.yml')], true]);
    expect(options?.variables?.given).toEqual(
      new Map([
        ['A', '1'],
        ['B', 'x=y'],
      ]),
    );
    expect(options?.variables?.env).toMatchObject({ ICT_VAR_C: '3' });
  });

  it('prints every problem with its place, what was meant and where to read more, and is 1', async () => {
    const { status, stderr, stdout } = await ict(['validate', 'a.yml'], judge('a.yml'));
    expect(status).toBe(1);
    expect(stderr.text).toBe(
      'error ICT_DOCUMENT_UNKNOWN_KEY  unknown key "pakcages"\n  at a.yml:4:3\n  |   pakcages:\n  |   ^\n  hint: Did you mean "packages"?\n  more: docs/errors/ICT_DOCUMENT_UNKNOWN_KEY.md\na.yml: 1 problem\n',
    );
    expect(stdout.text).toBe('');
  });

  it('goes on after a faulty template and one that cannot be read, and is 2', async () => {
    const { asked, engine } = judge('a.yml');
    const { status, stdout, stderr } = await ict(['validate', 'gone.yml', 'a.yml', 'b.yml'], { engine });
    expect([status, stdout.text]).toEqual([2, 'b.yml is valid\n']);
    expect(asked.map(([template]) => template)).toEqual(['gone.yml', 'a.yml', 'b.yml']);
    expect(stderr.text).toContain('ICT_TEMPLATE_UNREADABLE');
    expect(stderr.text).toContain('a.yml: 1 problem');
  });

  it('expands patterns, each file once', async () => {
    const { asked, engine } = judge();
    expect((await ict(['validate', 'b.yml', '*.yml'], { cwd: directory, engine })).status).toBe(0);
    expect(asked.map(([template]) => template)).toEqual(['b.yml', 'a.yml']);
  });

  it('takes no locks for what a pattern matches', async () => {
    await writeFile(join(directory, 'a.lock.yml'), 'lockVersion: 1\n');
    const { asked, engine } = judge();
    await ict(['validate', '*.yml'], { cwd: directory, engine });
    await rm(join(directory, 'a.lock.yml'));
    expect(asked.map(([template]) => template)).toEqual(['a.yml', 'b.yml']);
  });

  it('goes on after a pattern that matches nothing, and is 2', async () => {
    const { asked, engine } = judge();
    const { status, stdout, stderr } = await ict(['validate', '*.json', 'a.yml'], { cwd: directory, engine });
    expect([status, stdout.text, asked.length]).toEqual([2, 'a.yml is valid\n', 1]);
    expect(stderr.text).toContain('ICT_CLI_NO_TEMPLATE');
  });

  it('is 2 when the metadata that --packages asks is not in the cache, and still judges the other files', async () => {
    const unread = { code: 'ICT_METADATA_NOT_CACHED', kind: 'offline', message: 'not in the cache', facts: {}, problems: [] } as const;
    const validate: Engine['validate'] = async (template) =>
      template === 'a.yml' ? { problems: [], warnings: [], unread } : { problems: [problem], warnings: [] };
    const { status, stdout, stderr } = await ict(['validate', '--packages', 'a.yml', 'b.yml'], { engine: { validate } });
    expect([status, stdout.text]).toEqual([2, '']);
    expect(stderr.text).toContain('ICT_METADATA_NOT_CACHED');
    expect(stderr.text).toContain('b.yml: 1 problem\n');
    const json = await ict(['validate', '--packages', 'a.yml', '--json'], { engine: { validate } });
    expect(JSON.parse(json.stdout.text)).toMatchObject({
      valid: false,
      templates: [{ template: 'a.yml', valid: false, problems: [], error: { ...unread, page: 'docs/errors/ICT_METADATA_NOT_CACHED.md' } }],
    });
  });

  it('reads standard input for -', async () => {
    const { asked, engine } = judge();
    const { stdout } = await ict(['validate', '-'], { engine, input: 'image: {}\n' });
    expect(stdout.text).toBe('- is valid\n');
    expect(asked[0]).toEqual(['-', { strict: false, packages: false, text: 'image: {}\n' }]);
  });

  it('hands over --strict and --packages', async () => {
    const { asked, engine } = judge();
    await ict(['validate', 'a.yml', '--strict', '--packages'], { engine });
    expect(asked[0]?.[1]).toEqual({ strict: true, packages: true });
  });

  it('is one document with --json', async () => {
    const { status, stdout } = await ict(['validate', 'a.yml', 'b.yml', '--json'], judge('a.yml'));
    expect(status).toBe(1);
    const shown = { ...problem, page: 'docs/errors/ICT_DOCUMENT_UNKNOWN_KEY.md' };
    expect(JSON.parse(stdout.text)).toEqual({
      valid: false,
      problems: [shown],
      warnings: [],
      templates: [
        { template: 'a.yml', valid: false, problems: [shown], warnings: [] },
        { template: 'b.yml', valid: true, problems: [], warnings: [] },
      ],
    });
  });

  it('annotates for GitHub', async () => {
    const { status, stdout } = await ict(['validate', 'a.yml', '--format', 'github'], judge('a.yml'));
    expect([status, stdout.text]).toEqual([
      1,
      '::error file=a.yml,line=4,col=3,title=ICT_DOCUMENT_UNKNOWN_KEY::unknown key "pakcages"%0ADid you mean "packages"?\n',
    ]);
  });

  it('does not annotate and print a document at once', async () => {
    const { status, stdout } = await ict(['validate', 'a.yml', '--format', 'github', '--json'], judge('a.yml'));
    expect([status, JSON.parse(stdout.text)]).toMatchObject([2, { error: { code: 'ICT_CLI_USAGE', hint: 'Give one of them.' } }]);
  });

  it.each([
    ['gone.yml', '::error file=gone.yml,title=ICT_TEMPLATE_UNREADABLE::cannot read gone.yml: it does not exist\n'],
    ['*.json', '::error file=*.json,title=ICT_CLI_NO_TEMPLATE::no template matches *.json%0ACorrect the pattern.\n'],
  ])('annotates %s, which cannot be read', async (template, expected) => {
    const { status, stdout } = await ict(['validate', template, '--format', 'github'], judge());
    expect([status, stdout.text]).toEqual([2, expected]);
  });

  it('looks at no further template after a signal', async () => {
    const { asked, engine } = judge();
    const validate: Engine['validate'] = async (template, options) => {
      signals.send('SIGTERM');
      return (engine.validate as Engine['validate'])(template, options);
    };
    const signals = new Signals();
    const { status } = await ict(['validate', 'a.yml', 'b.yml'], { engine: { validate } }, signals);
    expect([status, asked.length]).toEqual([143, 1]);
  });

  it('refuses --var that is not NAME=VALUE', async () => {
    const { status, stderr } = await ict(['validate', 'a.yml', '--var', 'A'], judge());
    expect([status, stderr.text.includes('ICT_CLI_FLAG_INVALID')]).toEqual([2, true]);
  });
});

it('escapes what would end an annotation or its properties', () => {
  const position = { file: 'a,b:c%.yml', line: 1, column: 2 };
  const text = githubAnnotations([{ code: 'X', message: '100%\nnext\r', severity: 'warning', position }], 'other.yml');
  expect(text).toBe('::warning file=a%2Cb%3Ac%25.yml,line=1,col=2,title=X::100%25%0Anext%0D\n');
});

describe('standard input', () => {
  const { signal } = new AbortController();
  const stream = (...chunks: (Uint8Array | string)[]) => Readable.from(chunks, { objectMode: true });
  it('is put together from its chunks', async () => {
    expect(await readStandardInput(stream('ä'.slice(0), Buffer.from('ö').subarray(0, 1), Buffer.from('ö').subarray(1)), signal)).toBe('äö');
  });
  it.each([
    ['not UTF-8', [Buffer.from([0xff])]],
    ['too long', [new Uint8Array(2 ** 20), 'x']],
  ])('%s is refused', async (_what, chunks) => {
    await expect(readStandardInput(stream(...chunks), signal)).rejects.toMatchObject({ code: 'ICT_CLI_INPUT' });
  });
  it('that nobody ends is left when a signal asks for it', async () => {
    const stopped = new AbortController();
    const endless = new PassThrough();
    const reading = readStandardInput(endless, stopped.signal);
    stopped.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(endless.destroyed).toBe(true);
  });
});

describe('resolve', () => {
  const target = { os: 'acme', dist: 'acme1', arch: 'x86_64', imageType: 'raw' } as const;
  const resolved: ResolvedTemplate = {
    problems: [],
    warnings: [],
    template: { image: { name: 'a', version: '1' }, target },
    full: { image: { name: 'a', version: '1' }, target, systemConfig: { packages: ['udev'] } },
    values: [
      { path: 'image.name', value: 'a', from: 'a.yml', position: { file: 'a.yml', line: 2, column: 9 }, rule: 'replaced as a whole' },
      { path: 'systemConfig.packages[0]', value: 'udev', from: 'defaults of acme1', rule: 'joined' },
    ],
    variables: [{ name: 'PW', secret: true, value: '<REDACTED>', source: 'command line', description: 'Password' }],
    differences: [
      { path: 'disk.size', default: '4GiB', value: '2GiB' },
      { path: 'disk.name', default: 'x' },
      { path: 'image.name', value: 'a' },
    ],
  };
  const engine: Partial<Engine> = { resolve: async () => resolved };

  it('prints the template as YAML, with the defaults when asked to', async () => {
    const { status, stdout } = await ict(['resolve', 'a.yml'], { engine });
    expect([status, stdout.text]).toEqual([
      0,
      'image:\n  name: a\n  version: "1"\ntarget:\n  os: acme\n  dist: acme1\n  arch: x86_64\n  imageType: raw\n',
    ]);
    expect((await ict(['resolve', 'a.yml', '--full'], { engine })).stdout.text).toContain('  packages:\n    - udev\n');
  });

  it('says where values come from', async () => {
    const { stdout } = await ict(['resolve', 'a.yml', '--explain'], { engine });
    expect(stdout.lines.map((line) => line.trim().replace(/ {2,}/g, '  '))).toEqual([
      'image.name  a  a.yml:2:9  replaced as a whole',
      'systemConfig.packages[0]  udev  defaults of acme1  joined',
      'Variables',
      'PW  secret  command line  Password',
    ]);
  });

  it('says what differs from the defaults', async () => {
    const { stdout } = await ict(['resolve', 'a.yml', '--diff'], { engine });
    expect(stdout.text).toBe('~ disk.size: 4GiB -> 2GiB\n- disk.name: x\n+ image.name: a\n');
  });

  it('is one document with --json', async () => {
    const { stdout } = await ict(['resolve', 'a.yml', '--json'], { engine });
    const { template, values, variables, differences, problems, warnings } = resolved;
    expect(JSON.parse(stdout.text)).toEqual({ template, values, variables, differences, problems, warnings });
  });

  it('is 1 for a template with problems, and names them', async () => {
    const faulty = { ...resolved, template: undefined, full: undefined, problems: [problem] };
    const { status, stdout, stderr } = await ict(['resolve', 'a.yml'], { engine: { resolve: async () => faulty } });
    expect([status, stdout.text]).toEqual([1, '']);
    expect(stderr.text).toContain('a.yml:4:3');
  });
});
