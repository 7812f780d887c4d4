import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AptResolver, lockedIndex } from '@ict/fixtures';
import { PackagesIndex, resolvePackages } from '@ict/provider-deb';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { brokenRelations, ict, readPlainly, realBuild, repositoryRoot, type PlainStanza } from '../src/index.js';

/** Requests over the real archive, each resolved into an empty root with and without Recommends. */
const REQUESTS = [
  'apache2',
  'bash',
  'build-essential',
  'dbus-user-session',
  'docker.io',
  'emacs-nox',
  'firefox-esr',
  'gnome',
  'libreoffice-writer',
  'linux-image-amd64',
  'mariadb-server',
  'network-manager',
  'nginx',
  'npm',
  'openjdk-21-jdk',
  'openssh-server',
  'podman',
  'postgresql',
  'qemu-system-x86',
  'rustc',
  'samba',
  'task-kde-desktop',
  'texlive',
  'xfce4',
] as const;

/** Requests for packages of two architectures, resolved into an empty root without Recommends; `!` before what has no solution. */
const TWO_ARCHITECTURES = [
  'libc6:i386',
  'zlib1g-dev:i386',
  'wine32',
  'wine wine32:i386',
  'gcc-multilib libc6-dev:i386',
  'libgl1:i386 libgl1',
  'make:i386',
  'cmake:i386',
  'firefox-esr:i386',
  'libsdl2-dev:i386',
  'openjdk-21-jdk:i386',
  '!python3 python3:i386',
  '!gimp:i386',
] as const;

/**
 * Where ours is another answer, and what only apt's has; `docs/resolution.md` says why. Only these may differ, and they must.
 */
const DIFFERENCES: Readonly<Partial<Record<(typeof REQUESTS)[number], string>>> = {
  podman: 'containernetworking-plugins',
};

let index: PackagesIndex;
let stanzas: ReadonlyMap<string, PlainStanza>;
let apt: AptResolver;

beforeAll(async () => {
  const real = await realBuild(inject('run'));
  const packages = await lockedIndex(real.places.cache, await readFile(real.lock, 'utf8'), 'main/binary-amd64/Packages');
  const bytes = await readFile(packages);
  index = PackagesIndex.parse(bytes);
  stanzas = readPlainly(bytes.toString('utf8'));
  apt = await AptResolver.create(join(inject('run'), 'apt'), [{ packages }], 'amd64');
});

describe.each([true, false])('against apt-get, over the real archive, with Recommends: %s', (recommends) => {
  it.each(REQUESTS)('%s', async (request) => {
    const seeds = [{ request, reason: 'template' }];
    const repositories = [{ id: 'trixie', suites: ['trixie'], priority: 500, index }];
    const resolution = resolvePackages({ repositories, arch: 'amd64', seeds, recommends });
    if (resolution.kind !== 'resolved') throw new Error(resolution.problems.map(({ message }) => message).join('\n'));
    const ours = resolution.closure.packages.map(({ name, version }) => `${name} ${version}`);

    const chosen = resolution.closure.packages.map(({ name }) => stanzas.get(`${name}:amd64`)!);
    expect(chosen.map(({ name, version }) => `${name} ${version}`)).toEqual(ours);
    expect(brokenRelations(chosen)).toEqual([]);

    const theirs = (await apt.choose([request], recommends)).map(({ name, version }) => `${name} ${version}`);
    expect(theirs.length).toBeGreaterThan(5);
    const only = DIFFERENCES[request];
    if (only === undefined) {
      expect([...ours].sort()).toEqual([...theirs].sort());
    } else {
      expect(ours.filter((each) => !theirs.includes(each))).toEqual([]);
      expect(theirs.filter((each) => !ours.includes(each)).map((each) => each.split(' ')[0])).toContain(only);
    }
  });
});

/** Debian's definition without its other suites: of i386 only the main index is read. @returns its path. */
async function mainSuiteOnly(directory: string): Promise<string> {
  const shipped = join(repositoryRoot, 'providers', 'deb', 'distros', 'debian13.yml');
  const definition = parse(await readFile(shipped, 'utf8')) as { repositories: { keyrings: string[] }[] };
  const [main] = definition.repositories;
  const keyrings = main!.keyrings.map((file) => resolve(dirname(shipped), file));
  const file = join(directory, 'main-suite.yml');
  await writeFile(file, stringify({ ...definition, repositories: [{ ...main, keyrings }] }));
  return file;
}

describe('against apt-get, over the real archive for amd64 and i386', () => {
  let both: PackagesIndex;
  let plain: ReadonlyMap<string, PlainStanza>;
  let oracle: AptResolver;

  beforeAll(async () => {
    const real = await realBuild(inject('run'));
    const template = join(dirname(real.template), 'two-architectures.yml');
    const text = await readFile(real.template, 'utf8');
    await writeFile(template, text.replace(/^( +)arch: x86_64$/m, '$&\n$1foreignArchitectures: [i386]').replace(/^lock:.*$/m, ''));
    const { cache, work, temporary } = real.places;
    const places = ['--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary];
    const lock = await ict(['lock', template, '--distro-file', await mainSuiteOnly(dirname(template)), ...places]);
    expect(lock.status, lock.stderr).toBe(0);
    const locked = await readFile(template.replace(/yml$/, 'lock.yml'), 'utf8');
    const indexOf = (arch: string): Promise<string> => lockedIndex(cache, locked, `main/binary-${arch}/Packages`);
    const files = [await indexOf('amd64'), await indexOf('i386')];
    const [first, second] = await Promise.all(files.map((file) => readFile(file)));
    const bytes = Buffer.concat([first!, Buffer.from('\n\n'), second!]);
    both = PackagesIndex.parse(bytes, [
      { path: 'amd64', offset: 0 },
      { path: 'i386', offset: first!.length + 2 },
    ]);
    plain = readPlainly(bytes.toString('utf8'));
    const sources = files.map((packages) => ({ packages }));
    oracle = await AptResolver.create(join(inject('run'), 'apt-two'), sources, 'amd64', '', ['i386']);
  });

  it.each(TWO_ARCHITECTURES)('%s', async (words) => {
    const requests = words.replace('!', '').split(' ');
    const resolution = resolvePackages({
      repositories: [{ id: 'trixie', suites: ['trixie'], priority: 500, index: both }],
      arch: 'amd64',
      foreign: ['i386'],
      seeds: requests.map((request) => ({ request, reason: 'template' })),
      recommends: false,
    });
    if (words.startsWith('!')) {
      expect(resolution.kind).toBe('unsolvable');
      await expect(oracle.choose(requests, false)).rejects.toThrow(/held broken packages/);
      return;
    }
    if (resolution.kind !== 'resolved') throw new Error(resolution.problems.map(({ message }) => message).join('\n'));
    const { packages } = resolution.closure;
    const theirs = await oracle.choose(requests, false);
    expect(packages.map(({ id, version }) => `${id} ${version}`)).toEqual(
      theirs.map(({ name, arch, version }) => `${name}:${arch} ${version}`),
    );
    expect(packages.some(({ arch }) => arch === 'i386')).toBe(true);
    expect(brokenRelations(packages.map(({ name, arch }) => plain.get(`${name}:${arch === 'all' ? 'amd64' : arch}`)!))).toEqual([]);
  });
});
