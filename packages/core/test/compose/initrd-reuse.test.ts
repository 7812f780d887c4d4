import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InitrdScope, Json, LayerRef, TreeRef } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { layerRef, makeManifest, type LayerEntry, type LayerManifest } from '@ict/sandbox';
import { keptInitrd, makerWords, rememberMaker, shapingChange } from '../../src/compose/initrd-reuse.js';
import type { StepSibling } from '../../src/steps.js';

const scope: InitrdScope = {
  maker: ['/usr/share/maker', '/etc/maker.conf', '/etc/absent'],
  unread: ['/srv/**', '/usr/share/doc/**', '/etc/motd'],
  readByName: ['/usr/bin/*', '/usr/lib/*-linux-*/lib*.so*', '/usr/share/**'],
  uuidsApart: ['/etc/fstab'],
};

const TEXT = `# copies /srv when told to
copy_exec /usr/bin/nano
cp -a "\${DESTDIR}"/srv/keys/ here
for lib in /usr/lib/*-linux-gnu/libgcc_s.so.[1-9]; do copy_exec "$lib"; done
case "$x" in *) theme=plymouth;; esac
`;
const words = makerWords(TEXT);

type Parts = Partial<Omit<LayerEntry, 'path' | 'digest'>> & { readonly text?: string };

function entry(path: string, { text = 'x', ...parts }: Parts = {}): LayerEntry {
  const common = { path, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 };
  const content = (parts.type ?? 'file') === 'file' ? { digest: digestOf(text), sizeBytes: text.length } : {};
  return { ...common, type: 'file', ...content, ...parts };
}
const directory = (path: string, parts: Parts = {}): LayerEntry => entry(path, { mode: 0o755, ...parts, type: 'directory' });
const manifestOf = (entries: readonly LayerEntry[]): LayerManifest => makeManifest([directory('/'), ...entries]);
const whiteout = (path: string): LayerEntry => entry(path, { type: 'character', mode: 0, mtimeSeconds: 0, whiteout: true });

describe('makerWords', () => {
  it('takes paths and names from code, and none from comments or bare wildcards', () => {
    expect(words.paths).toEqual(['/libgcc_s.so.', '/srv/keys', '/usr/bin/nano', '/usr/lib']);
    expect(words.names).toEqual(expect.arrayContaining(['nano', 'plymouth', 'libgcc_s.so.[1-9]']));
    for (const name of ['*', 'copies', 'told']) expect(words.names).not.toContain(name);
  });
});

describe('shapingChange', () => {
  const change = (
    before: readonly LayerEntry[],
    after: readonly LayerEntry[],
    lower: readonly string[] = [],
    touched: readonly string[] = [],
  ) =>
    shapingChange(scope, words, {
      before: { directory: '/absent', manifest: manifestOf(before) },
      after: { directory: '/absent', manifest: manifestOf(after) },
      lower: new Set(lower),
      touched: new Set(touched),
    });
  const usr = ['/usr', '/usr/bin', '/usr/share'].map((path) => directory(path));

  it.each<[string, readonly LayerEntry[], readonly LayerEntry[]]>([
    ['nothing', usr, usr],
    ['a new file where nothing is read, with its directories', [], [directory('/srv'), directory('/srv/www'), entry('/srv/www/a')]],
    ['another content there', [entry('/srv/a')], [entry('/srv/a', { text: 'y' })]],
    ['a file less there', [directory('/srv'), entry('/srv/a')], [directory('/srv'), whiteout('/srv/a')]],
    ['one file outside of globs', [entry('/etc/motd')], [entry('/etc/motd', { text: 'y' })]],
    ['an empty directory there', [], [directory('/srv/empty')]],
    ['a new program', usr, [...usr, entry('/usr/bin/jq')]],
    ['a new library', [], [entry('/usr/lib/x86_64-linux-gnu/libjq.so.1', { type: 'symlink', linkTarget: 'libjq.so.1.0' })]],
    [
      'times of directories above',
      usr,
      [...usr.map((dir) => ({ ...dir, mtimeSeconds: 2 })), entry('/usr/bin/jq'), entry('/usr/share/jq/a')],
    ],
  ])('finds none in %s', async (_what, before, after) => {
    expect(await change(before, after)).toBeUndefined();
  });

  it.each<[string, readonly LayerEntry[], readonly LayerEntry[], string]>([
    ['a file anywhere else', [], [entry('/etc/modprobe.d/a.conf')], '/etc/modprobe.d/a.conf changed'],
    ['a place that the maker names', [], [entry('/srv/keys/a')], '/srv/keys/a changed, and its maker names /srv/keys'],
    ['a program that the maker names', [], [entry('/usr/bin/nano')], '/usr/bin/nano is new, and its maker names nano'],
    [
      'a library that the maker names by a pattern',
      [],
      [entry('/usr/lib/x86_64-linux-gnu/libgcc_s.so.1')],
      '/usr/lib/x86_64-linux-gnu/libgcc_s.so.1 is new, and its maker names libgcc_s.so.1',
    ],
    [
      'data of something that the maker names',
      [],
      [entry('/usr/share/plymouth/a')],
      '/usr/share/plymouth/a is new, and its maker names plymouth',
    ],
    ['another content of a program', [entry('/usr/bin/jq')], [entry('/usr/bin/jq', { text: 'y' })], '/usr/bin/jq changed'],
    ['a program less', [entry('/usr/bin/jq')], [whiteout('/usr/bin/jq')], '/usr/bin/jq changed'],
    ['a deeper place than the glob', [], [entry('/usr/bin/sub/jq')], '/usr/bin/sub/jq changed'],
    ['a directory that hides what is below', [directory('/srv')], [directory('/srv', { opaque: true }), entry('/etc/x')], '/etc/x changed'],
    ['a directory that hides a whole place', [directory('/usr')], [directory('/usr', { opaque: true })], '/usr changed'],
    ['the mode of a directory alone', [directory('/etc')], [directory('/etc', { mode: 0o700 })], '/etc changed'],
    ['a file whose UUIDs cannot be compared', [entry('/etc/fstab')], [entry('/etc/fstab', { text: 'y' })], '/etc/fstab changed'],
  ])('finds %s', async (_what, before, after, reason) => {
    expect(await change(before, after)).toBe(reason);
  });

  it('takes a file that covers one of a lower layer for changed, not for new', async () => {
    expect(await change([], [entry('/usr/bin/jq')], ['/usr/bin/jq'])).toBe('/usr/bin/jq changed');
  });

  it('finds what the layer of the initrd repeats', async () => {
    const www = [directory('/srv'), entry('/srv/a')];
    expect(await change([], www, [], ['/srv'])).toBe('/srv changed, which the layer of the initrd repeats');
  });
});

describe('keptInitrd', () => {
  let base: string;
  beforeAll(async () => void (base = await mkdtemp(join(tmpdir(), 'initrd-reuse-'))));
  afterAll(() => rm(base, { recursive: true, force: true }));

  const initrd = manifestOf([directory('/boot'), entry('/boot/initrd')]);

  /** Looks for an initrd for `after`, when one of `before` is stored. */
  async function look(
    before: readonly LayerManifest[],
    after: readonly LayerManifest[],
    parts: { readonly differences?: readonly string[]; readonly gone?: LayerManifest; readonly forgotten?: boolean } = {},
    damaged: ReadonlyMap<string, LayerManifest> = new Map(),
  ) {
    await using ctx = fakeContext();
    const below: TreeRef = { layers: after.map(layerRef) };
    const others: TreeRef = { layers: before.map(layerRef) };
    const tree = memoryTree({ files: { '/usr/share/maker/hook': TEXT, '/etc/maker.conf': 'cp /usr/bin/from-conf' } });
    if (parts.forgotten !== true) await rememberMaker(scope, others, tree, ctx);
    async function* siblings(): AsyncGenerator<StepSibling> {
      const key = { below: others.layers.map(({ digest }) => digest) };
      yield { key, output: { ...layerRef(initrd) } as Json, differences: parts.differences ?? ['below[0]'] };
    }
    const all = [...before, ...after, initrd];
    const stored = async ({ digest }: Pick<LayerRef, 'digest'>) => {
      const manifest = damaged.get(digest) ?? all.find((one) => one.digest === digest);
      return manifest === undefined || manifest === parts.gone ? undefined : { directory: base, manifest };
    };
    const has = async (layer: LayerRef) => (await stored(layer)) !== undefined;
    const kept = await keptInitrd(scope, below, siblings(), { has, stored }, ctx);
    return {
      kept: kept?.digest,
      forNext: await ctx.memo.get(
        'initrd-maker',
        below.layers.map(({ digest }) => digest),
      ),
    };
  }

  const plain = manifestOf([entry('/etc/a')]);
  const more = manifestOf([entry('/etc/a'), entry('/srv/b')]);

  it('keeps the initrd of a tree that differs in what is not read, and remembers the maker for the next', async () => {
    const { kept, forNext } = await look([plain], [more]);
    expect(kept).toBe(initrd.digest);
    expect(forNext).toMatchObject({ names: expect.arrayContaining(['nano', 'from-conf']) });
  });

  it.each<[string, Parameters<typeof look>]>([
    ['what differs is read', [[plain], [manifestOf([entry('/etc/b')])]]],
    ['the maker names what is new', [[plain], [manifestOf([entry('/etc/a'), entry('/usr/bin/from-conf')])]]],
    ['anything else in its key differs', [[plain], [more], { differences: ['below[0]', 'epochSeconds'] }]],
    ['the trees have another number of layers', [[plain], [more, plain]]],
    ['the words of its maker were forgotten', [[plain], [more], { forgotten: true }]],
    ['the earlier initrd is gone', [[plain], [more], { gone: initrd }]],
    ['a layer below the earlier one is gone', [[plain], [more], { gone: plain }]],
    [
      'a new file covers one further down',
      [
        [manifestOf([entry('/usr/bin/jq')]), plain],
        [manifestOf([entry('/usr/bin/jq')]), manifestOf([entry('/etc/a'), entry('/usr/bin/jq')])],
      ],
    ],
    [
      'the list of a layer below the earlier one was altered',
      [[plain], [more], {}, new Map([[plain.digest, { ...plain, entries: more.entries }]])],
    ],
  ])('makes a new one when %s', async (_what, parameters) => {
    expect((await look(...parameters)).kept).toBeUndefined();
  });

  it('compares a file of UUIDs without them, by bytes that are what the list says', async () => {
    const fstab = (uuid: string, type = 'ext4') => `UUID=${uuid} / ${type} defaults 0 1\nUUID=1234-ABCD /boot/efi vfat umask=0077 0 2\n`;
    const [one, other] = ['7d444840-9dc0-11d1-b245-5ffdce74fad2', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'];
    const compare = async (was: string, is: string, listed = is): Promise<string | undefined> => {
      const layers = [];
      for (const [text, list] of [
        [was, was],
        [is, listed],
      ] as const) {
        const place = await mkdtemp(join(base, 'layer-'));
        await writeFile(join(place, 'fstab'), text);
        layers.push({ directory: place, manifest: manifestOf([entry('/fstab', { text: list })]) });
      }
      const [before, after] = layers;
      return shapingChange({ ...scope, uuidsApart: ['/fstab'] }, words, {
        before: before!,
        after: after!,
        lower: new Set(),
        touched: new Set(),
      });
    };
    expect(await compare(fstab(one), fstab(other))).toBeUndefined();
    expect(await compare(fstab(one), fstab(other, 'xfs'))).toBe('/fstab changed');
    expect(await compare(fstab(one), fstab(other), 'something else')).toBe('/fstab changed');
  });
});
