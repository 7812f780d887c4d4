import { describe, expect, it } from 'vitest';
import type { DeltaVerdict, InstallChange, Json, LayerRef, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { makeManifest, type LayerEntry } from '@ict/sandbox';
import { chooseWay, DeltaRefused, reviewDelta } from '../../src/compose/delta.js';
import type { StepSibling } from '../../src/steps.js';
import { digestOfAll, resolvedPackage } from '../support/sample-image.js';

const layer = (digit: string): LayerRef & Json => ({ kind: 'layer', digest: digestOfAll(digit), entries: 1, sizeBytes: 1 });
const verified = (name: string): VerifiedPackage => ({ ...resolvedPackage(name), file: `/cache/${name}` });

/** Packages by name and version, as keys hold them. */
function keyed(versions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(versions).map(([name, version]) => [`${name}:amd64`, version]));
}

interface Cached {
  readonly packages: Readonly<Record<string, string>>;
  readonly digit: string;
  readonly otherwise?: string;
}

async function choose(
  cached: readonly Cached[],
  wanted: Readonly<Record<string, string>>,
  judge?: (change: InstallChange) => DeltaVerdict,
) {
  await using ctx = fakeContext();
  const key = { installer: 1, packages: keyed(wanted) };
  async function* siblings(): AsyncGenerator<StepSibling> {
    for (const { packages, digit, otherwise } of cached) {
      const theirs = keyed(packages);
      const ids = [...new Set([...Object.keys(theirs), ...Object.keys(key.packages)])].filter((id) => theirs[id] !== key.packages[id]);
      const differences = [...(otherwise === undefined ? [] : [otherwise]), ...ids.map((id) => `packages["${id}"]`)];
      yield { key: { installer: 1, packages: theirs }, output: layer(digit), differences };
    }
  }
  const delta = judge && {
    judge: async (change: InstallChange) => judge(change),
    apply: async () => ({ kind: 'refused' as const, reason: '' }),
  };
  const layers = { has: async ({ digest }: LayerRef) => digest !== digestOfAll('0') };
  return chooseWay(Object.keys(wanted).map(verified), key, siblings(), layers, delta === undefined ? {} : { delta }, ctx);
}

const free = (): DeltaVerdict => ({ kind: 'free' });
const want = { a: '1', b: '1', c: '1', d: '1', e: '1', f: '1' };
const five = Object.fromEntries(Object.entries(want).filter(([name]) => name !== 'f'));

describe('chooseWay', () => {
  it.each<[string, readonly Cached[], string, string]>([
    [
      'the nearest layer',
      [
        { packages: five, digit: '1' },
        { packages: { a: '1', b: '1' }, digit: '2' },
      ],
      '1',
      'add f:amd64',
    ],
    [
      'the nearest layer, whatever comes first',
      [
        { packages: { a: '1' }, digit: '2' },
        { packages: five, digit: '1' },
      ],
      '1',
      'add f:amd64',
    ],
    ['a layer with another version', [{ packages: { ...want, b: '0' }, digit: '3' }], '3', 'change b:amd64'],
    ['a layer with more', [{ packages: { ...want, g: '1' }, digit: '4' }], '4', 'remove g:amd64'],
    ['all of it', [{ packages: { ...five, b: '0', g: '1' }, digit: '5' }], '5', 'add f:amd64; change b:amd64; remove g:amd64'],
  ])('begins with %s', async (_what, cached, digit, what) => {
    const way = await choose(cached, want, free);
    expect(way).toMatchObject({ kind: 'delta', reason: `from the nearest cached layer: ${what}`, start: layer(digit) });
  });

  const NOTHING_THERE = { kind: 'clean', reason: 'no cached layer of packages lies over the same base tree', overAnyBase: true };

  it.each<[string, readonly Cached[], object]>([
    ['nothing is cached', [], NOTHING_THERE],
    ['the layer is gone', [{ packages: five, digit: '0' }], NOTHING_THERE],
    ['more than packages differs', [{ packages: five, digit: '1', otherwise: 'below[0]' }], NOTHING_THERE],
    [
      'almost all would change',
      [{ packages: { x: '1' }, digit: '1' }],
      {
        kind: 'clean',
        reason: 'the nearest cached layer shares too little: add a:amd64 b:amd64 c:amd64 d:amd64 e:amd64 f:amd64; remove x:amd64',
      },
    ],
  ])('installs cleanly when %s', async (_what, cached, way) => {
    expect(await choose(cached, want, free)).toEqual(way);
  });

  it('tells versions side by side apart by what they are, whichever has the id without one', async () => {
    await using ctx = fakeContext();
    const others = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}:amd64`, '1 digest']));
    const before = { ...others, 'kernel:amd64': '2 digest', 'kernel:amd64=1': '1 digest' };
    const after = { ...others, 'kernel:amd64': '3 digest', 'kernel:amd64=2': '2 digest' };
    async function* siblings(): AsyncGenerator<StepSibling> {
      yield { key: { packages: before }, output: layer('1'), differences: ['packages["kernel:amd64"]', 'packages["kernel:amd64=1"]'] };
    }
    const packages = Object.keys(after).map((id) => ({ ...verified(id.split(':')[0]!), id }));
    const delta = { judge: async () => free(), apply: async () => ({ kind: 'refused' as const, reason: '' }) };
    const way = await chooseWay(packages, { packages: after }, siblings(), { has: async () => true }, { delta }, ctx);
    expect(way).toMatchObject({
      change: { install: [{ id: 'kernel:amd64' }], remove: [{ name: 'kernel', version: '1', arch: 'amd64' }] },
    });
  });

  it('installs cleanly, over whatever base tree, when the ecosystem knows no deltas', async () => {
    const way = { kind: 'clean', reason: 'this package ecosystem knows no deltas', overAnyBase: true };
    expect(await choose([{ packages: five, digit: '1' }], want)).toEqual(way);
  });

  it('tries the next layer when the nearest is bound to an order, and says why when all are', async () => {
    const cached = [
      { packages: five, digit: '1' },
      { packages: { ...want, g: '1', h: '1' }, digit: '2' },
    ];
    const bound = (name: string) => (change: InstallChange) =>
      change.install.some((pkg) => pkg.name === name) ? ({ kind: 'bound', reason: `${name} is bound` } as const) : free();
    expect(await choose(cached, want, bound('f'))).toMatchObject({ kind: 'delta', start: layer('2') });
    expect(await choose(cached.slice(0, 1), want, bound('f'))).toEqual({ kind: 'clean', reason: 'f is bound' });
  });

  it('says in a plan what it cannot know before the download', async () => {
    const way = await choose([{ packages: five, digit: '1' }], want, () => ({ kind: 'unknown', packages: ['f'] }));
    expect(way.reason).toBe('from the nearest cached layer: add f:amd64, unless f, not downloaded yet, must be installed in order');
  });
});

describe('reviewDelta', () => {
  const entry = (path: string, parts: Partial<LayerEntry> = {}): LayerEntry => {
    return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, ...parts };
  };
  const directory = (path: string) => entry(path, { type: 'directory' });
  const before = [directory('/'), directory('/usr'), directory('/usr/own'), entry('/usr/own/file'), entry('/usr/kept')];
  it.each<[string, readonly LayerEntry[], readonly string[], string | undefined]>([
    ['nothing', before, [], undefined],
    ['an expected file', [...before, entry('/usr/new')], ['/usr/new'], undefined],
    ['an unexpected file', [...before, entry('/etc/passwd')], ['/usr/new'], '/etc/passwd'],
    ['a changed file', [...before.slice(0, 4), entry('/usr/kept', { mode: 0o600 })], [], '/usr/kept'],
    ['a file that is gone', before.slice(0, 4), [], '/usr/kept'],
    ['a directory that is gone', before.filter(({ path }) => !path.startsWith('/usr/own')), ['/usr/own', '/usr/own/file'], undefined],
    ['a directory that stays empty', before.filter(({ path }) => path !== '/usr/own/file'), ['/usr/own/file'], '/usr/own'],
  ])('judges %s', (_what, after, expected, refused) => {
    const review = () => reviewDelta(makeManifest(before), makeManifest(after), (path) => expected.includes(path));
    if (refused === undefined) expect(review).not.toThrow();
    else expect(review).toThrow(new RegExp(`^${refused} `));
  });

  it('refuses with an error of its own', () => {
    expect(() => reviewDelta(makeManifest([]), makeManifest([entry('/x')]), () => false)).toThrow(DeltaRefused);
  });
});
