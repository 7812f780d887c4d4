import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AptResolver, brokenRelations, lockedIndex, newestStanzas, type PlainStanza } from '@ict/fixtures';
import { compareDebVersions, PackagesIndex, resolvePackages } from '@ict/provider-deb';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ict, realBuild, repositoryRoot } from '../src/index.js';

/** Requests over the real archive, each resolved into an empty root with and without Recommends. */
const REQUESTS = [
  'ansible',
  'apache2',
  'bash',
  'bind9',
  'build-essential',
  'chromium',
  'cloud-init',
  'cmake',
  'dbus-user-session',
  'docker.io',
  'dovecot-imapd',
  'emacs-nox',
  'firefox-esr',
  'git',
  'gnome',
  'golang',
  'grub-efi-amd64',
  'haproxy',
  'libreoffice-writer',
  'linux-image-amd64',
  'mariadb-server',
  'network-manager',
  'nginx',
  'npm',
  'openjdk-21-jdk',
  'openssh-server',
  'php-fpm',
  'podman',
  'postfix',
  'postgresql',
  'python3-django',
  'python3-numpy',
  'qemu-system-x86',
  'redis-server',
  'rustc',
  'samba',
  'systemd-boot',
  'task-kde-desktop',
  'texlive',
  'vlc',
  'wordpress',
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
  stanzas = newestStanzas(bytes.toString('utf8'), compareDebVersions);
  apt = await AptResolver.create(join(inject('run'), 'apt'), [{ packages }], 'amd64');
});

describe.each([true, false])('against apt-get, over the real archive, with Recommends: %s', (recommends) => {
  // apt-get computes for a second or more over its kept caches: several of them side by side, and ours meanwhile.
  it.concurrent.each(REQUESTS)('%s', async (request) => {
    const asked = apt.choose([request], recommends);
    const seeds = [{ request, reason: 'template' }];
    const repositories = [{ id: 'trixie', suites: ['trixie'], priority: 500, index }];
    const resolution = resolvePackages({ repositories, arch: 'amd64', seeds, recommends });
    if (resolution.kind !== 'resolved') throw new Error(resolution.problems.map(({ message }) => message).join('\n'));
    const ours = resolution.closure.packages.map(({ name, version }) => `${name} ${version}`);

    const chosen = resolution.closure.packages.map(({ name }) => stanzas.get(`${name}:amd64`)!);
    expect(chosen.map(({ name, version }) => `${name} ${version}`)).toEqual(ours);
    expect(brokenRelations(chosen, compareDebVersions)).toEqual([]);

    const theirs = (await asked).map(({ name, version }) => `${name} ${version}`);
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
    plain = newestStanzas(bytes.toString('utf8'), compareDebVersions);
    const sources = files.map((packages) => ({ packages }));
    oracle = await AptResolver.create(join(inject('run'), 'apt-two'), sources, 'amd64', '', ['i386']);
  });

  /** Our answer, and apt's, as `name:arch version`; undefined where there is none. Ours holds together. */
  async function answers(requests: readonly string[], recommends: boolean) {
    const asked = oracle.choose(requests, recommends).catch((error: Error) => error);
    const resolution = resolvePackages({
      repositories: [{ id: 'trixie', suites: ['trixie'], priority: 500, index: both }],
      arch: 'amd64',
      foreign: ['i386'],
      seeds: requests.map((request) => ({ request, reason: 'template' })),
      recommends,
    });
    const packages = resolution.kind === 'resolved' ? resolution.closure.packages : undefined;
    const chosen = packages?.map(({ name, arch }) => plain.get(`${name}:${arch === 'all' ? 'amd64' : arch}`)!);
    expect(brokenRelations(chosen ?? [], compareDebVersions)).toEqual([]);
    const choice = await asked;
    if (choice instanceof Error) expect(choice.message).toMatch(/held broken packages/);
    return {
      ours: packages?.map(({ id, version }) => `${id} ${version}`),
      theirs: choice instanceof Error ? undefined : choice.map(({ name, arch, version }) => `${name}:${arch} ${version}`),
    };
  }

  it.concurrent.each(TWO_ARCHITECTURES)('%s', async (words) => {
    const { ours, theirs } = await answers(words.replace('!', '').split(' '), false);
    expect(ours).toEqual(theirs);
    expect(ours?.some((each) => each.includes(':i386 ')) ?? false).toBe(!words.startsWith('!'));
  });

  it('vim:i386 with Recommends is another answer: of two providers we take the other', async () => {
    const { ours = [], theirs = [] } = await answers(['vim:i386'], true);
    const names = (list: readonly string[], other: readonly string[]): readonly string[] =>
      list.filter((each) => !other.includes(each)).map((each) => each.split(' ')[0]!);
    expect(names(ours, theirs)).toEqual(['vim-nox:amd64']);
    expect(names(theirs, ours)).toContain('vim-motif:amd64');
  });
});
