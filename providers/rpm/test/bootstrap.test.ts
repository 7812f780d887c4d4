import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop, type RpmSpec } from '@ict/fixtures';
import type { VerifiedPackage } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { AskedLibraries } from '../src/install/asked-libraries.js';
import { bootstrap, bootstrapPackages, learning, neededToStart } from '../src/install/bootstrap.js';
import type { RpmFile } from '../src/package/package-files.js';
import { elfFile } from './elf-file.js';

const verified = (name: string, requires: readonly string[] = [], file = ''): VerifiedPackage =>
  ({
    name,
    version: '1.0-1',
    arch: 'x86_64',
    id: `${name}:x86_64`,
    requires: requires.map((each) => `${each}:x86_64`),
    file,
  }) as unknown as VerifiedPackage;

describe('the packages that rpm may need to start', () => {
  const packages = [
    verified('bash', ['glibc']),
    verified('filesystem'),
    verified('glibc'),
    verified('rpm', ['bash', 'setup']),
    verified('setup'),
    verified('vim', ['glibc']),
  ];

  it('are those of the definition in its order, then rpm and all that it requires', () => {
    expect(bootstrapPackages(packages, ['setup', 'filesystem']).map(({ name }) => name)).toEqual([
      'setup',
      'filesystem',
      'bash',
      'glibc',
      'rpm',
    ]);
  });

  it('end in cycles, too', () => {
    const cycle = [verified('a', ['rpm']), verified('rpm', ['a'])];
    expect(bootstrapPackages(cycle, []).map(({ name }) => name)).toEqual(['a', 'rpm']);
  });

  it('must include rpm', () => {
    expect(() => bootstrapPackages([verified('bash')], [])).toThrow(expect.objectContaining({ code: 'ICT_RPM_NO_INSTALLER' }));
  });
});

describe('the packages that rpm does need to start', () => {
  /** Packages of libraries are called as these are. @param asks what the libraries and programs of a package need. */
  function needed(
    asks: Readonly<Record<string, readonly string[]>>,
    requires: Readonly<Record<string, readonly string[]>>,
    named = ['base'],
  ) {
    const candidates = Object.entries(requires).map(([name, others]) => ({
      ...verified(name, others),
      libraries: name.includes('.so.') ? [name] : [],
    }));
    const asked = new AskedLibraries();
    const order: string[] = [];
    const totals: number[] = [];
    for (const { candidate, more } of neededToStart(candidates, named, asked)) {
      const { name, libraries } = candidate;
      totals.push(order.push(name) + more);
      const needs = { name: libraries[0], needed: asks[name] ?? [] };
      if (libraries.length === 0) asked.addProgram(needs);
      else asked.addLibrary(name, needs);
    }
    // What is known to be needed only grows, and is all of them in the end.
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
    expect(totals.at(-1)).toBe(order.length);
    return order;
  }

  it('are of those with libraries only those of which one is asked for, and what these require', () => {
    const asks = { rpm: ['librpm.so.1'], 'librpm.so.1': ['libc.so.6'] };
    const requires = {
      base: ['awk'],
      'data-of-c': [],
      'data-of-x': [],
      'libc.so.6': ['data-of-c', 'base'],
      'librpm.so.1': ['libc.so.6'],
      'libx.so.1': ['data-of-x'],
      rpm: ['librpm.so.1', 'libx.so.1', 'tool'],
      tool: ['libx.so.1'],
      awk: [],
      unrelated: [],
    };
    expect(needed(asks, requires)).toEqual(['base', 'rpm', 'librpm.so.1', 'libc.so.6', 'data-of-c', 'tool', 'awk']);
  });

  it('are all where nothing says what rpm itself asks for', () => {
    const requires = { base: [], bash: [], 'libx.so.1': [], rpm: ['libx.so.1', 'bash'] };
    expect(needed({ base: ['libc.so.6'], bash: ['libc.so.6'] }, requires)).toEqual(['base', 'rpm', 'bash', 'libx.so.1']);
  });
});

describe('what is learned from files on their way', () => {
  it.each([
    ['a program', '/usr/bin/rpm', 1024, true],
    ['a library', '/usr/lib64/liba.so.1', 1024, true],
    ['another file', '/usr/bin/rpmbuild', 1024, false],
    ['a library that would take too much memory', '/usr/lib64/liba.so.1', 2 ** 32, false],
  ])('of %s', async (_what, path, sizeBytes, isLearned) => {
    const asked = new AskedLibraries(['liba.so.1']);
    const elf = elfFile({ name: undefined, needed: ['libc.so.6'] });
    async function* content() {
      yield elf.subarray(0, 500);
      yield elf.subarray(500);
    }
    expect(await buffer(learning(asked)({ path, sizeBytes } as RpmFile, content()))).toEqual(elf);
    expect(asked.has('libc.so.6')).toBe(isLearned);
  });
});

describe('an empty root', () => {
  const workshop = new RpmWorkshop();
  let packages: readonly VerifiedPackage[];
  beforeAll(() => {
    const program = (...needed: readonly string[]) => elfFile({ name: undefined, needed }).toString('latin1');
    const library = (name: string, ...needed: readonly string[]) => elfFile({ name, needed }).toString('latin1');
    const build = (name: string, requires: readonly string[], files: RpmSpec['files'] = {}, more: readonly string[] = []) =>
      verified(name, requires, workshop.build({ name, arch: 'x86_64', files, more }));
    const link = ['/usr/lib64/libz.so.1', '%check', 'ln -s libz.so.1.3 %{buildroot}/usr/lib64/libz.so.1'];
    packages = [
      build('glibc', [], { '/usr/lib64/libc.so.6': library('libc.so.6'), '/usr/lib64/gconv/UTF-7.so': library('UTF-7.so') }),
      build('libng', ['glibc'], { '/usr/lib64/libng.so.2': library('libng.so.2', 'libc.so.6') }),
      build('libz', ['libng'], { '/usr/lib64/libz.so.1.3': library('libz-ng.so.1', 'libng.so.2') }, link),
      build('libx', [], { '/usr/lib64/libx.so.1': library('libx.so.1', 'libc.so.6') }),
      build('rpm', ['rpm-libs', 'libx', 'libz'], { '/usr/bin/rpm': program('librpm.so.1'), '/usr/bin/rpmbuild': program('libx.so.1') }),
      build('rpm-libs', ['glibc'], { '/usr/lib64/librpm.so.1': library('librpm.so.1', 'libz.so.1', 'libc.so.6') }),
    ];
  });
  afterAll(() => workshop.close());

  it('gets what rpm takes to run', async () => {
    await using ctx = fakeContext({});
    const tree = memoryTree();
    await bootstrap(packages, [], tree, ctx);
    const there = async (path: `/${string}`) => (await tree.stat(path)) !== undefined;
    const started = [
      '/usr/bin/rpm',
      '/usr/lib64/librpm.so.1',
      '/usr/lib64/libz.so.1',
      '/usr/lib64/libng.so.2',
      '/usr/lib64/libc.so.6',
    ] as const;
    expect(await Promise.all(started.map(there))).not.toContain(false);
    expect(await Promise.all((['/usr/lib64/libx.so.1', '/usr/lib64/gconv/UTF-7.so'] as const).map(there))).not.toContain(true);
    expect(ctx.events.filter(({ type }) => type === 'install.progress')).toMatchObject(
      [
        ['rpm', 1],
        ['rpm-libs', 2],
        ['glibc', 4],
        ['libz', 4],
        ['libng', 5],
      ].map(([name, total], done) => ({ phase: 'extract', name, done, total })),
    );
  });
});
