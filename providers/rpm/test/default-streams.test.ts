import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseStreams } from '../src/metadata/module-streams.js';
import { createModulesReader, type Modules } from '../src/metadata/modules.js';
import { defaults, modulemd } from './module-universe.js';

/** Module, stream and what it needs, each a word; `*` before the stream makes it the default. */
type Line = readonly [string, string, string?, string?];

/** By a letter that the names of its modules begin with: modules that speak of each other only. */
const CASES: Readonly<Record<string, readonly [string, readonly Line[]]>> = {
  a: [
    'the only stream there is',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'b'],
    ],
  ],
  b: [
    'one stream of two',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'a'],
      ['n', 'b'],
    ],
  ],
  c: [
    'a chain of needs',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'a'],
      ['n', 'b', 'o: [x]'],
      ['o', 'x'],
      ['o', 'y'],
    ],
  ],
  d: [
    'a chain that ends nowhere',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'a'],
      ['n', 'b', 'o: [z]'],
      ['o', 'x'],
      ['o', 'y'],
    ],
  ],
  e: [
    'a later module with another default',
    [
      ['m', '*1', 'n: [b]'],
      ['n', '*a'],
      ['n', 'b'],
    ],
  ],
  f: [
    'an earlier module with another default',
    [
      ['m', '*a'],
      ['m', 'b'],
      ['n', '*1', 'm: [b]'],
    ],
  ],
  g: [
    'what another needs otherwise',
    [
      ['m', '*1', 'o: [a]'],
      ['n', '*1', 'o: [b]'],
      ['o', 'a'],
      ['o', 'b'],
    ],
  ],
  h: [
    'all but one stream of two',
    [
      ['m', '*1', 'n: ["-a"]'],
      ['n', 'a'],
      ['n', 'b'],
    ],
  ],
  i: [
    'contexts of which one can be',
    [
      ['m', '*1', 'n: [a]', 'c1'],
      ['m', '*1', 'n: [b]', 'c2'],
      ['n', 'b'],
    ],
  ],
  j: [
    'contexts of which one needs a default',
    [
      ['m', '*1', 'n: [a]', 'c1'],
      ['m', '*1', 'n: [b]', 'c2'],
      ['n', 'a'],
      ['n', '*b'],
    ],
  ],
  k: [
    'contexts of which one leads nowhere',
    [
      ['m', '*1', 'n: [b]', 'c1'],
      ['m', '*1', '', 'c2'],
      ['n', '*b', 'o: [z]'],
      ['o', 'x'],
    ],
  ],
  l: ['a module that is not there', [['m', '*1', 'n: [b]']]],
  m: [
    'one that needs it',
    [
      ['m', '*1', 'n: [1]'],
      ['n', '*1', 'm: [1]'],
    ],
  ],
  n: [
    'a stream that was asked for',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'a'],
      ['n', 'b'],
    ],
  ],
  o: [
    'another stream than was asked for',
    [
      ['m', '*1', 'n: [b]'],
      ['n', 'a'],
      ['n', 'b'],
    ],
  ],
};
const ASKED = ['nn:b', 'on:a'];

/** What leaves a choice, which dnf makes and we do not, as nobody asked for any of them. */
const CHOICES: typeof CASES = {
  p: [
    'any stream',
    [
      ['m', '*1', 'n: []'],
      ['n', 'a'],
      ['n', 'b'],
    ],
  ],
  q: [
    'one of two',
    [
      ['m', '*1', 'n: [b, c]'],
      ['n', 'a'],
      ['n', 'b'],
      ['n', 'c'],
    ],
  ],
};

const named = (cases: typeof CASES): readonly (readonly [string, string])[] =>
  Object.entries(cases).map(([letter, [what]]) => [what, letter]);

function documents(cases: typeof CASES): string {
  return Object.entries(cases)
    .flatMap(([letter, [, lines]]) =>
      lines.flatMap(([module, stream, requires = '', context = 'c0ffee01']) => {
        const name = `${letter}${module}`;
        const needs = requires.replace(/^\w/, `${letter}$&`);
        const build = modulemd(name, stream.replace('*', ''), { requires: needs, context, artifacts: [`${name}-0:1-1.noarch`] });
        return stream.startsWith('*') ? [defaults(name, stream.slice(1), ''), build] : [build];
      }),
    )
    .join('');
}

/** Lets dnf say which builds are active. It reports what it cannot activate as an error, and goes on. */
const PROGRAM = `
import json, sys
import dnf, dnf.module.module_base

work, asked = json.load(sys.stdin)
base = dnf.Base()
base.conf.installroot = work + '/root'
base.conf.cachedir = work + '/cache'
base.conf.persistdir = work + '/state'
base.conf.module_platform_id = 'platform:el9'
base.conf.substitutions['releasever'] = '1'
base.conf.substitutions['arch'] = base.conf.substitutions['basearch'] = 'x86_64'
base.repos.add_new_repo('test', base.conf, baseurl=['file://' + work + '/modules'], gpgcheck=False)
base.fill_sack(load_system_repo=False)
try:
    dnf.module.module_base.ModuleBase(base).enable(asked)
except dnf.exceptions.MarkingErrors as error:
    print(error, file=sys.stderr)
modules = base._moduleContainer
builds = [build for build in modules.getModulePackages() if modules.isModuleActive(build)]
print('\\n' + json.dumps([[build.getName(), build.getStream(), build.getContext()] for build in builds]))
`;

const directory = mkdtempSync(join(tmpdir(), 'ict-streams-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function read(text: string): Promise<Modules> {
  const reader = await createModulesReader('modules.yaml');
  reader.write(Buffer.from(text));
  return reader.end();
}

/** Active streams of a case. */
async function mine(cases: typeof CASES): Promise<readonly string[]> {
  const { active } = chooseStreams(await read(documents(cases)), ASKED, 'x86_64');
  return [...active].map(({ name, stream, context }) => `${name}:${stream} ${context}`).sort();
}

describe('default streams that need others', () => {
  let theirs: readonly string[];

  beforeAll(() => {
    const root = join(directory, 'modules');
    mkdirSync(root);
    execFileSync('createrepo_c', ['-q', root], { stdio: 'pipe' });
    const file = join(directory, 'modules.yaml');
    writeFileSync(file, documents({ ...CASES, ...CHOICES }));
    execFileSync('modifyrepo_c', ['--mdtype=modules', file, join(root, 'repodata')], { stdio: 'pipe' });
    const input = JSON.stringify([directory, ASKED]);
    const output = execFileSync('/usr/bin/python3', ['-c', PROGRAM], { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
    const line = output.split('\n').findLast((each) => each.startsWith('['));
    theirs = (JSON.parse(line!) as readonly (readonly [string, string, string])[])
      .map(([name, stream, context]) => `${name}:${stream} ${context}`)
      .sort();
    // The oracle is no stub.
    expect(theirs).toContain('bn:b c0ffee01');
  }, 60_000);

  it.each(named(CASES))('are active as with dnf where one needs %s', async (_what, letter) => {
    expect(await mine({ [letter]: CASES[letter]! })).toEqual(theirs.filter((build) => build.startsWith(letter)));
  });

  it('are the same beside each other', async () => {
    expect(await mine(CASES)).toEqual(theirs.filter((build) => Object.hasOwn(CASES, build[0]!)));
  });

  it.each(named(CHOICES))('are left out where they need %s, of which dnf takes the first', async (_what, letter) => {
    expect(theirs.filter((build) => build.startsWith(letter))).toHaveLength(2);
    expect(await mine({ [letter]: CHOICES[letter]! })).toEqual([]);
  });
});
