import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { configKeys } from '@ict/template';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCommands } from '../src/commands/completion.js';
import { schemaNames } from '../src/tool-commands.js';
import { createProgram } from '../src/program.js';
import { ict } from './fixture.js';

const commands = describeCommands(createProgram(async () => undefined));
let directory: string;
let script: string;
let fish: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-completion-'));
  script = join(directory, 'ict.bash');
  await writeFile(script, (await ict(['completion', 'bash'])).stdout.text);
  fish = join(directory, 'ict.fish');
  await writeFile(fish, (await ict(['completion', 'fish'])).stdout.text);
  for (const name of ['template.yml', 'my image.yml']) await writeFile(join(directory, name), '');
});

afterAll(() => rm(directory, { recursive: true }));

/** What bash offers after these words, the last of which is being typed; `this` is shell text that stands before them. */
async function offers(this: string | void, ...words: string[]): Promise<readonly string[]> {
  const [only = []] = await allOffers([words], this ?? '');
  return only;
}

/** What bash offers for each of several lines. */
async function allOffers(lines: readonly (readonly string[])[], before = ''): Promise<readonly (readonly string[])[]> {
  const asking = lines.map((words) => {
    const quoted = ['ict', ...words].map((word) => `'${word}'`).join(' ');
    return `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; COMPREPLY=(); _ict; printf '%s\\n' "\${COMPREPLY[@]}" --end--`;
  });
  const program = [`${before}source ${script}`, ...asking].join('\n');
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', program], { cwd: directory });
  const answers = stdout.split('--end--\n').slice(0, -1);
  return answers.map((answer) => answer.split('\n').filter((line) => line !== ''));
}

/** What fish offers at the end of a line, without descriptions. */
async function fishOffers(line: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('fish', ['--no-config', '-c', `source ${fish}; complete -C ${JSON.stringify(line)}`], {
    cwd: directory,
    env: { ...process.env, HOME: directory },
  });
  return stdout.split('\n').flatMap((answer) => (answer === '' ? [] : [answer.split('\t')[0] ?? '']));
}

describe('bash', () => {
  it('offers commands', async () => {
    expect(await offers('b')).toEqual(['build', 'boot']);
  });

  it('offers flags of the command', async () => {
    expect(await offers('build', '--fro')).toEqual(['--frozen']);
    expect(await offers('validate', '--fro')).toEqual([]);
  });

  it('offers files for arguments and for flags that take one', async () => {
    expect(await offers('build', 'temp')).toEqual(['template.yml']);
    expect(await offers('build', '--lock', 'temp')).toEqual(['template.yml']);
    expect(await offers('build', 'my')).toEqual(['my image.yml']);
    expect(await offers('build', '--lock', 'my')).toEqual(['my image.yml']);
  });

  it('offers nothing where a value must follow that it does not know', async () => {
    expect(await offers('plan', '--target', '')).toEqual([]);
    expect(await offers('build', 'template.yml', '--var', '')).toEqual([]);
    expect(await offers('build', '--audit-cache', 'temp')).toEqual(['template.yml']); // here none need follow
  });

  it('offers the same behind an equals sign, which bash takes for a word', async () => {
    expect(await offers('build', '--verify', '=')).toEqual(['signature', 'full']);
    expect(await offers('build', '--verify', '=', 'f')).toEqual(['full']);
    expect(await offers('build', '--lock', '=', 'temp')).toEqual(['template.yml']);
  });

  it('offers the values of a flag or argument', async () => {
    expect(await offers('build', '--verify', '')).toEqual(['signature', 'full']);
    expect(await offers('schema', 'ev')).toEqual(['event']);
  });

  it('offers every value of every flag of every command, and none of another command', async () => {
    const valued = commands.flatMap(({ path, options }) =>
      options.flatMap(({ flags, values }) =>
        values.length === 0 ? [] : flags.map((flag) => ({ words: [...path.split(' '), flag], values })),
      ),
    );
    const asked = valued.map(({ words }) => words.filter((word) => word !== ''));
    expect(asked).toContainEqual(['graph', '--format']);
    expect(await allOffers(asked.map((words) => [...words, '']))).toEqual(valued.map(({ values }) => values));
  });

  it('asks ict for distributions, templates and images, blanks and all', async () => {
    const answers = `ict() { [ "$1" = complete ] && case $2 in distributions) printf 'debian12\\ndebian13\\nubuntu24\\n' ;; templates) echo minimal ;; images) echo '/no-such-place/my disk.raw' ;; esac; }; `;
    expect(await offers.call(answers, 'init', '--distro', 'deb')).toEqual(['debian12', 'debian13']);
    expect(await offers.call(answers, 'templates', '')).toContain('minimal');
    expect(await offers.call(answers, 'boot', '/no-such-place/')).toEqual(['/no-such-place/my disk.raw']);
  });

  it('asks ict for packages of the template or target at hand, and offers no files then', async () => {
    // Says what it was asked: the kind, what was typed, and of what.
    const answers = 'ict() { [ "$1" = complete ] && printf \'%s\\n\' "$3$2@$4"; }; ';
    expect(await offers.call(answers, 'show', 'template.yml', 'ngi')).toEqual(['ngipackages@template.yml']);
    expect(await offers.call(answers, 'why', 'template.yml', '--offline', 't')).toEqual(['tlocked-packages@template.yml']);
    expect(await offers.call(answers, 'lock', 'template.yml', '--update', 'x')).toEqual(['xlocked-packages@template.yml']);
    expect(await offers.call(answers, 'why-not', 'template.yml', 'x')).toEqual(['xpackages@template.yml']);
    expect(await offers.call(answers, 'plan', '--target', 'a-b-c', '--only', 'x')).toEqual(['xpackages@a-b-c']);
    expect(await offers.call(answers, 'why', '--lock', 'template.yml', 'template.yml', 'x')).toEqual(['xlocked-packages@template.yml']);
    expect(await offers.call(answers, 'why', '--lock', 'template.yml', 'temp')).toEqual(['template.yml']);
    expect(await offers.call(answers, 'plan', '--target', '=', 'a-b-c', '--only', 'x')).toEqual(['xpackages@a-b-c']);
    // Which template is not known yet.
    expect(await offers.call(answers, 'show', 'temp')).toEqual(['template.yml']);
  });

  it('runs nothing that stands in an answer, and expands nothing', async () => {
    const answers = `ict() { [ "$1" = complete ] && printf '%s\\n' '$(touch ran)' '\`touch ran\`' '$HOME' '*'; }; `;
    expect(await offers.call(answers, 'boot', '')).toEqual(expect.arrayContaining(['$(touch ran)', '`touch ran`', '$HOME', '*']));
    expect(await readdir(directory)).not.toContain('ran');
  });

  it('does not offer the command that scripts ask', async () => {
    expect(await offers('comple')).toEqual(['completion']);
  });

  it('knows commands of commands', async () => {
    expect(await offers('config', 's')).toEqual(['show', 'set']);
    expect(await offers('config', 'show', '--cache')).toEqual(['--cache-dir']);
  });

  it('offers settings, and no files for them', async () => {
    expect(await offers('config', 'get', 'w')).toEqual(['workers', 'work_dir']);
    expect(await offers('config', 'set', 'storage.image')).toEqual(['storage.image_cache.enabled', 'storage.image_cache.max_count']);
    expect(await offers('config', 'get', 'temp')).toEqual(['temp_dir']);
  });
});

describe('what is offered depends on the arguments before it:', () => {
  const cases: readonly (readonly [line: string, expected: readonly string[]])[] = [
    ['config set logging.level', ['debug', 'info', 'warn', 'error']],
    ['config set --user logging.level', ['debug', 'info', 'warn', 'error']],
    ['config set logging.level --log-file workers', ['debug', 'info', 'warn', 'error']],
    ['config set storage.package_cache.twins', ['true', 'false']],
    ['config set workers', []],
    ['config set workers 8', []],
    ['config set mirrors', []],
    ['config set distros one.yml', ['template.yml', 'my image.yml']],
    ['config get workers', []],
    ['schema template', []],
    ['completion bash', []],
    ['build template.yml', []],
    ['build --workers 4', ['template.yml', 'my image.yml']],
    ['validate template.yml', ['template.yml', 'my image.yml']],
    ['validate -', ['template.yml', 'my image.yml']],
    ['search template.yml', []],
    ['cache export 0123', ['template.yml', 'my image.yml']],
    ['cache nonsense', []],
  ];

  it.each(cases)('bash, %s', async (line, expected) => {
    const offered = await offers(...line.split(' '), '');
    expect(offered.filter((word) => !word.startsWith('-') && !/^ict\.(?:bash|fish|zsh)$/.test(word)).sort()).toEqual([...expected].sort());
  });

  it.each(cases)('fish, %s', async (line, expected) => {
    const offered = (await fishOffers(`ict ${line} `)).map((word) => word.replace(/\\(?= )/g, ''));
    expect(offered.filter((word) => !/^ict\.(?:bash|fish|zsh)$/.test(word)).sort()).toEqual([...expected].sort());
  });
});

describe('fish', () => {
  it('offers the values that a flag takes at this command', async () => {
    expect(await fishOffers('ict graph template.yml --format ')).toEqual(['dot', 'svg']);
    expect(await fishOffers('ict validate --format ')).toEqual(['github', 'text']);
  });

  it.each([
    ['ict config init --for', ['--force']],
    ['ict config init --dist', []],
    ['ict init --dist', ['--distro', '--distro-file']],
    ['ict config s', ['set', 'show']],
  ])('tells commands of commands from others of the same name: %s', async (line, expected) => {
    expect(await fishOffers(line)).toEqual(expected);
  });
});

it('zsh offers the values that a flag or a setting takes at this command', async () => {
  const zsh = join(directory, 'ict.zsh');
  await writeFile(zsh, (await ict(['completion', 'zsh'])).stdout.text);
  // As zsh's own bashcompinit calls such functions.
  const program = `autoload -U +X compinit; compinit -u -D; source ${zsh}
ask() {
  emulate -L sh; setopt kshglob noshglob braceexpand ksharrays
  local COMP_WORDS COMP_CWORD COMPREPLY
  COMP_WORDS=(ict "$@"); COMP_CWORD=$#; COMPREPLY=()
  _ict; echo "\${COMPREPLY[@]}"
}
ask graph template.yml --format ''; ask validate --format ''; ask config set logging.level ''`;
  const { stdout } = await promisify(execFile)('zsh', ['-f', '-c', program], { cwd: directory });
  expect(stdout).toMatch(/^dot svg\ntext github\ndebug info warn error --unset .*\n$/);
});

describe('a command takes only flags that change what it does', () => {
  const shared = ['config', 'log-level', 'log-file', 'verbose', 'quiet', 'json', 'no-color', 'version', 'help'];

  it.each([
    ['validate', ['strict', 'packages', 'format', 'cache-dir', 'var', 'distro-file', 'keyring']],
    ['resolve', ['full', 'explain', 'diff', 'var', 'distro-file', 'keyring']],
    ['doctor', ['for', 'arch', 'install', 'cache-dir', 'work-dir']],
    ['cache du', ['by', 'cache-dir', 'read-only-cache-dir', 'work-dir']],
    ['cache import', ['provider-id', 'distro-file', 'cache-dir', 'work-dir']],
    ['config show', ['origin', 'workers', 'cache-dir', 'read-only-cache-dir', 'work-dir', 'temp-dir']],
    ['version', []],
  ])('%s', (path, own) => {
    const options = commands.find((command) => command.path === path)?.options ?? [];
    const flags = options.flatMap((option) => option.flags).filter((flag) => flag.startsWith('--'));
    expect(flags).toEqual([...own, ...shared].map((name) => `--${name}`));
  });
});

it.each(['bash', 'zsh', 'fish'])('the script for %s names every command and long flag', async (shell) => {
  const { stdout } = await ict(['completion', shell]);
  for (const { path, options } of commands) {
    for (const word of path.split(' ')) expect(stdout.text).toContain(word);
    for (const flag of options.flatMap((option) => option.flags).filter((name) => name.startsWith('--'))) {
      expect(stdout.text).toContain(shell === 'fish' ? `-l ${flag.slice(2)}` : flag);
    }
  }
  for (const name of [...schemaNames, ...configKeys.keys()]) expect(stdout.text).toContain(name);
});
