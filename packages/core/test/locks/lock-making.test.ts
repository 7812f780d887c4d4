import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import type { Advisory, Catalogue, FavouredPackage, SystemSpec } from '@ict/plugin-api';
import { fakeContext, type FakeContext } from '@ict/plugin-testkit';
import type { LockWriteOptions } from '../../src/engine-api.js';
import { makeLock } from '../../src/locks/lock-making.js';
import { formatLock, lockPath, readLock, type Lock } from '../../src/locks/lock.js';
import { distribution, resolvedPackage, sampleFormat, sampleProvider, sampleSpec, snapshotOf } from '../support/sample-image.js';

let place: string;
let template: string;
let ctx: FakeContext;
/** Versions that the repositories offer now. */
let newest: string;
/** What the repositories say of updates; undefined: nothing, as an ecosystem without advisories. */
let advisories: readonly Advisory[] | undefined;
/** What resolutions were told to favour, in order. */
let favoured: (readonly FavouredPackage[] | undefined)[];

beforeEach(async () => {
  ctx = fakeContext();
  place = await mkdtemp(join(tmpdir(), 'ict-making-'));
  template = join(place, 'image.yml');
  newest = '1';
  favoured = [];
  advisories = undefined;
});
afterEach(async () => {
  await ctx[Symbol.asyncDispose]();
  await rm(place, { recursive: true });
});

const unasked: Catalogue = {
  list: () => Promise.reject(new Error('nothing is searched')) as never,
  describe: () => Promise.reject(new Error('nothing is shown')),
};

const notice = (id: string, ...packages: readonly (readonly [name: string, version: string])[]): Advisory => ({
  id,
  type: 'security',
  title: '',
  cves: [],
  repository: 'main',
  packages: packages.map(([name, version]) => ({ name, version, arch: 'amd64' })),
});

/** Resolves each seed to the version that is favoured, else to the newest. */
function make(options: LockWriteOptions = {}, system: Partial<SystemSpec> = {}) {
  const provider = sampleProvider({
    metadata: { snapshot: async (repository) => snapshotOf(repository), packages: () => Promise.reject(new Error('no wish')) as never },
    ...(advisories === undefined ? {} : { catalogue: { ...unasked, advisories: async () => advisories! } }),
    resolver: {
      version: 1,
      compareVersions: (a, b) => Number(a) - Number(b),
      resolve: async ({ seeds, favour }) => {
        favoured.push(favour);
        const versionOf = (name: string) => favour?.find((one) => one.name === name)?.version ?? newest;
        const packages = seeds.map(({ request }) => {
          const version = versionOf(request);
          return resolvedPackage(request, { version, digest: digestOf(`${request} ${version}`) });
        });
        return { kind: 'resolved', closure: { packages }, warnings: [] };
      },
    },
  });
  const intake = {
    spec: sampleSpec(system),
    distribution,
    credentialed: [],
    places: new Map(),
    // The identity changes with what is offered, as the digest of a signed root would: no answer comes from memory.
    provider: { part: provider, identity: { name: 'provider', version: newest } },
    format: { part: sampleFormat(), identity: { name: 'format', version: '1' } },
  };
  return makeLock(template, intake, options, {
    context: ctx,
    mirrors: { chooseMirror: (_archive, attempt) => attempt(), list: () => Promise.resolve(undefined) },
  });
}

const versions = async (file = lockPath(template)) =>
  Object.fromEntries(((await readLock(file)) as Lock).packages.map(({ name, version }) => [name, version]));

describe('makeLock', () => {
  it('writes a first lock, and leaves it alone while it is as it must be', async () => {
    expect((await make()).report).toMatchObject({ file: lockPath(template), written: true, first: true, packages: 4, tools: 1 });
    expect((await make()).report).toMatchObject({ written: false, first: false, changes: { packages: [] } });
  });

  it('without --update, or without names, moves everything to the newest, and says so', async () => {
    await make();
    newest = '2';
    expect((await make({ update: [] })).report.changes.packages.map(({ id }) => id)).toHaveLength(5);
    expect(await versions()).toEqual({ bash: '2', tar: '2', linux: '2', loader: '2' });
    newest = '3';
    expect((await make()).report.changes.packages).toHaveLength(5);
  });

  it('moves the named packages only', async () => {
    await make();
    newest = '2';
    const { report } = await make({ update: ['tar'] });
    expect(report.changes.packages).toMatchObject([{ id: 'tar:amd64', part: 'image', before: { version: '1' }, after: { version: '2' } }]);
    expect(await versions()).toEqual({ bash: '1', tar: '2', linux: '1', loader: '1' });
    expect(favoured.at(-2)).toContainEqual({ name: 'tar' });
    expect(favoured.at(-1)).toEqual([{ name: 'e2fsprogs', version: '1' }]);
  });

  it('says which advisories the changed versions fix, and which packages of them', async () => {
    await make();
    newest = '3';
    advisories = [
      notice('earlier', ['tar', '1']),
      notice('both', ['tar', '2'], ['bash', '3']),
      notice('one', ['tar', '3']),
      notice('later', ['tar', '4']),
      notice('other', ['linux', '2']),
    ];
    const { report } = await make({ update: ['tar', 'bash'] });
    expect(report.changes.advisories?.map(({ id, packages }) => [id, packages])).toEqual([
      ['one', ['tar:amd64']],
      ['both', ['bash:amd64', 'tar:amd64']],
    ]);
    // Nothing moves again.
    expect((await make({ update: ['tar', 'bash'] })).report.changes).toMatchObject({ packages: [], advisories: [] });
  });

  it('says nothing of advisories where the ecosystem has none, or there was no lock', async () => {
    advisories = [notice('one', ['tar', '2'])];
    expect((await make()).report.changes).not.toHaveProperty('advisories');
    advisories = undefined;
    newest = '2';
    expect((await make()).report.changes).not.toHaveProperty('advisories');
  });

  it('takes an id for the name in all architectures', async () => {
    await make();
    newest = '2';
    await make({ update: ['tar:amd64'] });
    expect(await versions()).toEqual({ bash: '1', tar: '2', linux: '1', loader: '1' });
  });

  it('takes the name of a package that the template has just begun to ask for', async () => {
    await make();
    newest = '2';
    await make({ update: ['curl'] }, { packages: [{ name: 'bash' }, { name: 'tar' }, { name: 'curl' }] });
    expect(await versions()).toEqual({ bash: '1', tar: '1', curl: '2', linux: '1', loader: '1' });
  });

  it('writes nothing in a dry run', async () => {
    await make();
    const before = await readFile(lockPath(template), 'utf8');
    newest = '2';
    const { report } = await make({ update: [], dryRun: true });
    expect(report).toMatchObject({ written: false, changes: { packages: { length: 5 } } });
    expect(await readFile(lockPath(template), 'utf8')).toBe(before);
  });

  it('a lock that was merged by hand is written anew', async () => {
    await make();
    const good = await readFile(lockPath(template), 'utf8');
    await writeFile(lockPath(template), good.replace('version: "1"', 'version: "0"'));
    await expect(make({ frozen: true })).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    expect((await make()).report).toMatchObject({ written: true });
    expect(await readFile(lockPath(template), 'utf8')).toBe(good);
  });

  it('--frozen checks, and asks no repository', async () => {
    await make();
    const asked = favoured.length;
    expect((await make({ frozen: true })).report).toMatchObject({ written: false, packages: 4 });
    await expect(make({ frozen: true }, { packages: [{ name: 'curl' }] })).rejects.toMatchObject({ code: 'ICT_LOCK_OUTDATED' });
    expect(favoured).toHaveLength(asked);
  });

  const changed = async (change: (text: string) => string) => {
    await make();
    await writeFile(lockPath(template), change(await readFile(lockPath(template), 'utf8')));
  };

  it.each<[string, () => Promise<unknown>, string]>([
    ['a missing lock', async () => undefined, 'ICT_LOCK_MISSING'],
    ['an unknown name', () => make(), 'ICT_LOCK_UNKNOWN_PACKAGE'],
    ['a corrupted lock', () => changed((text) => text.slice(0, 300)), 'ICT_LOCK_UNREADABLE'],
    [
      'a lock of another target',
      () => changed((text) => text.replace('sample1-x86_64', 'sample2-x86_64').replace(/^asked:\n(?: .*\n)*content:.*\n/m, '')),
      'ICT_LOCK_TARGET',
    ],
    [
      'a lock of other packages than were resolved',
      () => changed((text) => text.replace('version: "1"', 'version: "2"')),
      'ICT_LOCK_UNREADABLE',
    ],
    ['a newer lock', () => changed((text) => text.replace('lockVersion: 1', 'lockVersion: 2')), 'ICT_LOCK_NEWER'],
  ])('an update refuses %s, and asks no repository', async (_what, prepare, code) => {
    await prepare();
    const asked = favoured.length;
    await expect(make({ update: ['tra'] })).rejects.toMatchObject({ code });
    expect(favoured).toHaveLength(asked);
  });

  it('offers the nearest names for an unknown one', async () => {
    await make();
    await expect(make({ update: ['tra'] })).rejects.toMatchObject({ hint: 'Did you mean "tar"?', facts: { names: ['tra'] } });
  });

  it.each([
    ['broken', (text: string) => text.slice(0, 300)],
    ['for another target', (text: string) => text.replace('sample1-x86_64', 'sample2-x86_64')],
  ])('without --update replaces a lock that is %s', async (_what, change) => {
    await changed(change);
    expect((await make()).report).toMatchObject({ written: true, first: true });
  });

  it('without --update still does not overwrite what a newer ict wrote', async () => {
    await changed((text) => text.replace('lockVersion: 1', 'lockVersion: 2'));
    await expect(make()).rejects.toMatchObject({ code: 'ICT_LOCK_NEWER' });
  });

  it('is the same text for the same packages', async () => {
    await make();
    const file = lockPath(template);
    expect(formatLock((await readLock(file)) as Lock)).toBe(await readFile(file, 'utf8'));
  });
});

it('waits for no FIFO in the place of a lock', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ict-lock-fifo-'));
  const file = join(directory, 'a.lock.yml');
  execFileSync('mkfifo', [file]);
  await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  await rm(directory, { recursive: true });
});
