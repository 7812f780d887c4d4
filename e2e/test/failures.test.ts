import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HeldMounts, buildArchive, createSigningKey, serveArchive, type ArchiveSpec, type Fault } from '@ict/fixtures';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, Mini, repositoryRoot, smallDisk, type BuildPlaces, type IctResult } from '../src/index.js';

const run = promisify(execFile);

let mini: Mini;
/** Directories with a finished build: what a failure must not lose. */
let warm: BuildPlaces;
let digest: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'failures');
  warm = await mini.places();
  digest = artifactOf(await mini.build(warm), 'raw').digest;
});
afterEach(() => mini.server.misbehave([]));
afterAll(() => mini.close());

/** Failures come soon: one retry, and little patience. */
const HASTY = { env: { ICT_FETCH_RETRIES: '1', ICT_FETCH_TIMEOUT_MS: '1000' } };

/** The error that a failed build reported. */
function errorOf(result: IctResult) {
  const failed = result.events.find((event) => event.type === 'build.failed');
  if (failed?.type !== 'build.failed') throw new Error(`the build did not fail: ${result.status} ${result.stderr}`);
  return failed.error;
}

/** Every code of an error: its own and those of the problems that it gathers. */
function codesOf(result: IctResult): readonly string[] {
  const error = errorOf(result);
  return [error.code, ...error.problems.map((problem) => problem.code)];
}

/** The cache still serves a whole build without a download. */
async function requireNothingLost(): Promise<void> {
  const again = await mini.build(warm, ['--no-image-cache']);
  expect(again.status, again.stderr).toBe(0);
  expect(again.events.filter((event) => event.type === 'package.stored')).toEqual([]);
  expect(artifactOf(again, 'raw').digest).toBe(digest);
}

describe('a template that cannot be built', () => {
  it('with an unknown key is refused with file, line, column and the nearest known key', async () => {
    const template = await mini.template({ system: { hostnme: 'x' } });
    const text = await readFile(template, 'utf8');
    const line = text.split('\n').findIndex((candidate) => candidate.includes('hostnme')) + 1;
    const result = await mini.buildTemplate(template, warm);
    expect(result.status).toBe(1);
    const [problem] = errorOf(result).problems;
    expect(codesOf(result)).toEqual(['ICT_TEMPLATE_INVALID', 'ICT_DOCUMENT_UNKNOWN_KEY']);
    expect(problem.position).toMatchObject({ line, column: 3 });
    expect(`${problem.message} ${problem.hint}`).toContain('hostname');
    expect(result.stderr).toContain(`template.yml:${line}:3`);
    await requireNothingLost();
  });

  it('with an unknown package is refused with the nearest names and the line that asks', async () => {
    const template = await mini.template({ system: { packages: ['mini-servce'] } });
    const result = await mini.buildTemplate(template, warm);
    expect(result.status).toBe(3);
    expect(codesOf(result)).toContain('ICT_DEB_UNKNOWN_PACKAGE');
    const text = JSON.stringify(errorOf(result));
    expect(text).toContain('mini-service');
    expect(text).toMatch(/"line":\d+/);
    await requireNothingLost();
  });

  it('with packages that exclude each other is refused with both names', async () => {
    const template = await mini.template({ system: { packages: ['mini-service', 'mini-rival'] } });
    const result = await mini.buildTemplate(template, warm);
    expect(result.status).toBe(3);
    expect(codesOf(result)).toContain('ICT_DEB_UNSATISFIABLE');
    const text = JSON.stringify(errorOf(result));
    expect(text).toContain('mini-rival');
    expect(text).toContain('mini-library');
    await requireNothingLost();
  });

  it('whose root partition is too small is refused with what is needed', async () => {
    const partitions = [
      { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '65MiB', mountPoint: '/boot/efi' },
      { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '65MiB', end: '81MiB', mountPoint: '/' },
    ];
    const result = await mini.buildTemplate(await mini.template({ disk: { partitions } }), warm);
    expect(codesOf(result)).toContain('ICT_DISK_NO_SPACE');
    expect(errorOf(result).message).toMatch(/\d+ MiB/);
    await requireNothingLost();
  });

  it('whose command fails says which, and what it printed', async () => {
    const template = await mini.template({ system: { configurations: [{ cmd: 'echo about to fail; exit 3' }] } });
    const result = await mini.buildTemplate(template, warm);
    expect(result.status).toBe(8);
    expect(codesOf(result)).toContain('ICT_COMMAND_FAILED');
    expect(JSON.stringify(errorOf(result))).toContain('about to fail');
    await requireNothingLost();
  });
});

describe('a repository that cannot be trusted', () => {
  const now = Math.floor(Date.now() / 1000);

  /** Builds, where a build succeeded before, from a copy of the archive that is signed, dated or served otherwise. */
  async function buildAgainst(
    change: Partial<ArchiveSpec>,
    {
      spoil = (text: string) => text,
      faults = [],
      args = [],
    }: { readonly spoil?: (release: string) => string; readonly faults?: readonly Fault[]; readonly args?: readonly string[] } = {},
  ): Promise<IctResult> {
    const root = join(mini.root, `archive-${Math.random().toString(36).slice(2)}`);
    const spec = { ...mini.distribution.spec, ...change, root };
    await buildArchive(spec);
    const release = join(root, 'dists', 'mini', 'InRelease');
    await writeFile(release, spoil(await readFile(release, 'utf8')));
    const server = await serveArchive(root);
    server.misbehave(faults);
    try {
      return await mini.buildTemplate(mini.distribution.template, warm, [...args, ...mini.flags(server.url).slice(2)], HASTY);
    } finally {
      await server.close();
      await rm(root, { recursive: true });
    }
  }

  it('because its signature does not fit the text', async () => {
    const result = await buildAgainst({}, { spoil: (text) => text.replace('Label: ICT', 'Label: ICT\nExtra: yes') });
    expect(result.status).toBe(5);
    expect(codesOf(result)).toEqual(['ICT_DEB_RELEASE_SIGNATURE']);
    await requireNothingLost();
  });

  it('because it has no signature', async () => {
    const result = await buildAgainst(
      {},
      {
        spoil: (text) => text.slice(text.indexOf('Origin:'), text.indexOf('-----BEGIN PGP SIGNATURE')),
      },
    );
    expect(result.status).toBe(5);
    expect(codesOf(result)).toEqual(['ICT_DEB_RELEASE_UNSIGNED']);
    await requireNothingLost();
  });

  it('because a key that the definition does not name has signed it', async () => {
    const result = await buildAgainst({ key: await createSigningKey('somebody else') });
    expect(result.status).toBe(5);
    expect(codesOf(result)).toEqual(['ICT_DEB_RELEASE_UNKNOWN_KEY']);
    expect(errorOf(result).message).toContain('its keyrings hold no such key');
    await requireNothingLost();
  });

  it('because a key has signed it that had expired, which is not called a change on its way', async () => {
    const key = await createSigningKey('renewed', 1);
    const directory = join(mini.distribution.definition, '..');
    await writeFile(join(directory, 'expired.gpg'), key.keyring);
    const definition = join(directory, 'expired.yml');
    await writeFile(definition, (await readFile(mini.distribution.definition, 'utf8')).replace('keyring.gpg', 'expired.gpg'));
    const result = await buildAgainst({ key }, { args: ['--distro-file', definition] });
    expect(result.status).toBe(5);
    expect(codesOf(result)).toEqual(['ICT_DEB_RELEASE_EXPIRED_KEY']);
    expect(errorOf(result).hint).toContain('new copy');
    await requireNothingLost();
  });

  it('because it has expired', async () => {
    const result = await buildAgainst({ dateSeconds: now - 20 * 86_400, validUntilSeconds: now - 86_400 }, {});
    expect(result.status).toBe(5);
    expect(codesOf(result)).toContain('ICT_DEB_RELEASE_EXPIRED');
    await requireNothingLost();
  });

  it('because it is another archive than the definition says', async () => {
    const result = await buildAgainst({ origin: 'Somebody' }, {});
    expect(codesOf(result)).toContain('ICT_DEB_RELEASE_MISMATCH');
    await requireNothingLost();
  });

  it('because its signed root is missing', async () => {
    const result = await buildAgainst({}, { faults: [{ path: 'Release', does: 'not-found' }] });
    expect(result.status).toBe(4);
    expect(codesOf(result)).toContain('ICT_DEB_RELEASE_MISSING');
    await requireNothingLost();
  });

  it.each([
    ['hash', 'corrupt'],
    ['size', 'truncate'],
  ] as const)('because an index has another %s than the signed root says', async (_what, does) => {
    const editIndex = (packages: string) => packages.replaceAll('Package: mini-rival', 'X-Changed: yes\nPackage: mini-rival');
    const faults = ['by-hash', 'Packages'].map((path) => ({ path, does }));
    const result = await buildAgainst({ editIndex }, { faults });
    expect(result.status).toBe(5);
    expect(codesOf(result)).toEqual(['ICT_DEB_INDEX_MISMATCH']);
    expect(errorOf(result).message).toMatch(
      /Packages\.\w+ of repository "mini", as fetched from http:\/\/\S+, is not what the signed Release file says/,
    );
    await requireNothingLost();
  });
});

describe('a package that cannot be had', () => {
  const name = 'mini-library_1.2_all.deb';
  const faults: readonly (readonly [Fault['does'], string, number])[] = [
    ['truncate', 'ICT_PACKAGE_MISMATCH', 5],
    ['corrupt', 'ICT_PACKAGE_MISMATCH', 5],
    ['not-found', 'ICT_FETCH_NOT_FOUND', 4],
    ['server-error', 'ICT_FETCH_STATUS', 4],
    ['close-early', 'ICT_FETCH_TRUNCATED', 4],
    ['redirect-circle', 'ICT_FETCH_REDIRECT', 4],
    ['stall', 'ICT_FETCH_STALLED', 4],
  ];

  /** The package cache where a build succeeded before. */
  function shelf(): string {
    return join(warm.cache, 'pkgCache', 'mini-mini1-x86_64');
  }

  /** The next build stores that package, and no other. */
  async function requireOneStored(): Promise<void> {
    const next = await mini.build(warm, ['--no-image-cache']);
    expect(next.status, next.stderr).toBe(0);
    const stored = next.events.filter((event) => event.type === 'package.stored').map((event) => event.name);
    expect(stored).toEqual(['mini-library']);
    expect(artifactOf(next, 'raw').digest).toBe(digest);
  }

  it.each(faults)(
    '(%s) fails the build, keeps the other packages, and is fetched when the server is well again',
    async (does, code, status) => {
      await rm(join(shelf(), name));
      mini.server.misbehave([{ path: 'mini-library', does }]);
      const result = await mini.build(warm, ['--no-image-cache'], HASTY);
      expect(codesOf(result)).toEqual([code]);
      expect(errorOf(result).message).toContain('mini-library');
      expect(result.status).toBe(status);
      expect(await readdir(shelf())).not.toContain(name);
      mini.server.misbehave([]);
      await requireOneStored();
    },
  );

  it('does not keep the others from being stored', async () => {
    const places = await mini.places();
    mini.server.misbehave([{ path: 'mini-library', does: 'server-error' }]);
    const result = await mini.build(places, [], HASTY);
    expect(result.status).toBe(4);
    const stored = result.events.filter((event) => event.type === 'package.stored').map((event) => event.name);
    mini.server.misbehave([]);
    const locked = await mini.build(places, ['--offline']);
    expect(locked.status).toBe(6);
    const kept = locked.events.filter((event) => event.type === 'package.cached').map((event) => event.name);
    expect(stored.length).toBeGreaterThan(0);
    expect(kept.sort()).toEqual(stored.sort());
  });

  it('because another package lies in its place, is refused, and only that cache entry is replaced', async () => {
    await rm(join(shelf(), name));
    await copyFile(join(shelf(), 'mini-kernel_6.12.1_all.deb'), join(shelf(), name));
    await requireOneStored();
  });

  it('because another package is served in its place, is refused', async () => {
    await rm(join(shelf(), name));
    const file = join(mini.distribution.archive, 'pool', 'main', name);
    const right = await readFile(file);
    await copyFile(join(mini.distribution.archive, 'pool', 'main', 'mini-rival_1_all.deb'), file);
    try {
      const result = await mini.build(warm, ['--no-image-cache'], HASTY);
      expect(codesOf(result)).toEqual(['ICT_PACKAGE_MISMATCH']);
      expect(errorOf(result).message).toContain('package mini-library 1.2 of repository "mini"');
      expect(result.status).toBe(5);
    } finally {
      await writeFile(file, right);
    }
    await requireOneStored();
  });
});

describe('a host that does not fit', () => {
  it('because the cache directory cannot be made, which is said beside what is wrong with the template', async () => {
    const blocked = join(mini.root, 'blocked');
    await writeFile(blocked, 'a file where a directory should be');
    const template = await mini.template({ system: { hostnme: 'x' } });
    const requests = mini.server.requests.length;
    const result = await mini.buildTemplate(template, { ...warm, cache: join(blocked, 'cache') });
    expect(codesOf(result)).toEqual(['ICT_TEMPLATE_INVALID', 'ICT_DOCUMENT_UNKNOWN_KEY', 'ICT_HOST_DIRECTORY']);
    expect(errorOf(result).problems[1]?.message).toBe(`directory: ${blocked}/cache cannot be made: ${blocked} is no directory`);
    expect(mini.server.requests.length).toBe(requests);
    await requireNothingLost();
  });

  it('because the cache directory lies on a read-only file system', async () => {
    const readOnly = join(mini.root, 'read-only');
    await mkdir(readOnly, { recursive: true });
    const mounts = await HeldMounts.hold('mount -t tmpfs -o ro none "$1"', readOnly);
    try {
      const command = mounts.inside(join(repositoryRoot, 'node_modules', '.bin', 'ict'));
      for (const cache of [readOnly, join(readOnly, 'cache')]) {
        const result = await mini.build({ ...warm, cache }, [], { command });
        expect(codesOf(result)).toContain('ICT_HOST_DIRECTORY');
        expect(result.status).toBe(7);
      }
    } finally {
      await mounts.close();
    }
    await requireNothingLost();
  });

  it.each([
    ['for the cache, too', (disk: string) => join(disk, 'cache')],
    ['beside a cache elsewhere', () => warm.cache],
  ])('because its disk is full, %s, and says so before anything is downloaded', async (_what, cacheOn) => {
    const disk = join(mini.root, 'small-disk');
    await mkdir(disk, { recursive: true });
    const places: BuildPlaces = { cache: cacheOn(disk), work: join(disk, 'work'), temporary: join(disk, 'temporary') };
    const mounts = await HeldMounts.hold('mount -t tmpfs -o size=24m none "$1"', disk);
    try {
      const requests = mini.server.requests.length;
      const result = await mini.build(places, [], { command: mounts.inside(join(repositoryRoot, 'node_modules', '.bin', 'ict')) });
      expect(codesOf(result)).toContain('ICT_HOST_SPACE');
      expect(result.status).toBe(7);
      expect(mini.server.requests.length).toBe(requests);
    } finally {
      await mounts.close();
    }
    await requireNothingLost();
  });
});

describe('a package that attacks the tree', () => {
  /** Where the member of the package leads, as the host sees it. */
  let target: string;
  let evil: string;

  beforeAll(async () => {
    target = join(mini.root, 'escaped');
    evil = await escapingDeb(join(mini.root, 'evil'), target);
  });

  /** Builds where a build succeeded before, from an archive that has the package as well. */
  async function buildWithEvil(template: string, args: readonly string[], deb = evil): Promise<IctResult> {
    const root = join(mini.root, 'evil-archive');
    await buildArchive({ ...mini.distribution.spec, root, debs: [...mini.distribution.spec.debs, deb] });
    const server = await serveArchive(root);
    try {
      return await mini.buildTemplate(template, warm, [...args, ...mini.flags(server.url).slice(2)]);
    } finally {
      await server.close();
    }
  }

  it('of the tools, with a member that escapes the root, is refused, and nothing is written outside', async () => {
    const definition = (await readFile(mini.distribution.definition, 'utf8')).replace('- e2fsprogs', '- e2fsprogs\n      - mini-evil');
    const file = join(mini.distribution.definition, '..', 'evil.yml');
    await writeFile(file, definition);
    const result = await buildWithEvil(await mini.template({ disk: smallDisk('Mini', '112MiB', 'ext3') }), ['--distro-file', file]);
    requireEscapeTold(result);
    await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' });
    await requireNothingLost();
  });

  it.each([
    // dpkg, whose root is the tree, finds no such directory there, or does.
    ['a directory that only the host has', () => target],
    ['a directory that the tree has as well', () => '/etc/escaped'],
  ])('of the image, with a member that escapes the root to %s, is refused, and nothing is written outside', async (_, place) => {
    const template = await mini.template({ system: { packages: ['mini-service', 'mini-evil'] } });
    const result = await buildWithEvil(template, [], await escapingDeb(join(mini.root, 'evil-of-image'), place()));
    requireEscapeTold(result);
    await expect(readFile(place())).rejects.toMatchObject({ code: 'ENOENT' });
    await requireNothingLost();
  });
});

/** File, package, repository and member are named. */
function requireEscapeTold(result: IctResult): void {
  expect(codesOf(result)).toEqual(['ICT_DEB_PACKAGE_ESCAPE']);
  expect(result.status).toBe(5);
  const { message, facts } = errorOf(result);
  expect(message).toMatch(/mini-evil_1_all\.deb from repository "mini" has the member "\S*\.\.\//);
  expect(facts).toMatchObject({ package: 'mini-evil:all', version: '1' });
}

/** Makes a package `mini-evil` whose only member climbs out of any root to `target`. */
async function escapingDeb(directory: string, target: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const made = (name: string) => join(directory, name);
  await writeFile(made('debian-binary'), '2.0\n');
  await writeFile(made('control'), 'Package: mini-evil\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n');
  await writeFile(made('payload'), 'escaped\n');
  await run('tar', ['-C', directory, '-cJf', made('control.tar.xz'), './control']);
  const climb = `../../../../../../../../../..${target}`;
  await run('tar', ['-C', directory, '-P', '-cJf', made('data.tar.xz'), `--transform=s|^payload$|${climb}|`, 'payload']);
  const deb = made('mini-evil_1_all.deb');
  await run('ar', ['rc', deb, made('debian-binary'), made('control.tar.xz'), made('data.tar.xz')]);
  return deb;
}
