import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AptResolver, lockedIndex } from '@ict/fixtures';
import { PackagesIndex, resolvePackages } from '@ict/provider-deb';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { brokenRelations, readPlainly, realBuild, type PlainStanza } from '../src/index.js';

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

    const chosen = resolution.closure.packages.map(({ name }) => stanzas.get(name)!);
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
