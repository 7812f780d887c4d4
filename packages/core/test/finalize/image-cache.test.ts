import { describe, expect, it } from 'vitest';
import type { ImageSpec, LayerSpec, Provider } from '@ict/plugin-api';
import { cacheUse } from '../../src/cache-use.js';
import type { CacheUse } from '../../src/engine-api.js';
import { imageInputs } from '../../src/finalize/image-cache.js';
import { digestOfAll, distribution, sampleFormat, sampleProvider, sampleSpec } from '../support/sample-image.js';

const template = (packages: boolean, images: boolean): Pick<ImageSpec, 'caches'> => ({ caches: { packages, images } });
const storage = (packages: boolean, images: boolean) => ({ packageCache: { enabled: packages }, imageCache: { enabled: images } });

describe('which caches a build uses', () => {
  const both = [true, false];
  const asked = [undefined, true, false];
  it.each(both.flatMap((config) => both.flatMap((spec) => asked.map((flag) => [config, spec, flag] as const))))(
    'configuration %s, template %s, flag %s',
    (config, spec, flag) => {
      const expected = flag ?? (config && spec);
      const flags = flag === undefined ? {} : { packages: flag };
      expect(cacheUse(flags, storage(config, true), template(spec, true))).toMatchObject({ packages: expected, images: true });
      const others = flag === undefined ? {} : { images: flag };
      expect(cacheUse(others, storage(true, config), template(true, spec))).toMatchObject({ packages: true, images: expected });
    },
  );

  it.each(['layers', 'remote'] as const)('%s, unless the flag says otherwise', (tier) => {
    const use = (flags: CacheUse): boolean => cacheUse(flags, storage(false, false), template(false, false))[tier];
    expect([use({}), use({ [tier]: true }), use({ [tier]: false })]).toEqual([true, true, false]);
  });
});

describe('what an image is kept by', () => {
  const identity = (name: string) => ({ name, version: '1' });
  const exporter = { part: { name: 'bill', extension: 'bill', export: () => new Uint8Array() }, identity: identity('exporter') };
  type Input = Parameters<typeof imageInputs>[0];
  const input = (parts: Partial<Input> = {}): Input => ({
    spec: sampleSpec(),
    distribution,
    provider: { part: sampleProvider({ installer: { version: 1 } as Provider['installer'] }), identity: identity('provider') },
    format: { part: sampleFormat(), identity: identity('format') },
    configuration: { users: [], files: [], commands: [] },
    layers: [],
    lock: digestOfAll('d'),
    seed: digestOfAll('e'),
    treeEpoch: 1,
    core: identity('core'),
    ...parts,
  });
  const text = (parts: Partial<Input> = {}, exporters = [exporter], epochSeconds = 1): string =>
    JSON.stringify(imageInputs(input(parts), exporters, epochSeconds));
  const file = (digest: string) => ({ source: '/host/a', target: '/a', mode: 0o644, digest: digestOfAll(digest) });
  const withFile = (digest: string): Partial<Input> => ({ configuration: { users: [], files: [file(digest)], commands: [] } });
  const user = (passwordHash: string) => ({ name: 'ada', passwordHash, groups: [], sudo: false, sshKeys: [] });
  const withUser = (passwordHash: string): Partial<Input> => ({
    spec: sampleSpec({ users: [user(passwordHash)] }),
    configuration: { users: [user(passwordHash)], files: [], commands: [] },
  });

  it('is not where a repository and its keys lie that the template names from its own directory', () => {
    const at = (place: string, recordedAs: string): string => {
      const own = { codename: 'x', path: `${place}/own`, url: `file://${place}/own`, recordedAs, keys: [`${place}/own.gpg`] };
      const lists = { components: [], allowPackages: [], excludePackages: [] };
      return text({ spec: { ...sampleSpec(), repositories: [{ ...own, ...lists }] } });
    };
    expect(at('/a', './own')).toBe(at('/b', './own'));
    expect(at('/a', './own')).not.toBe(at('/a', './other'));
  });

  it.each<[string, string, string]>([
    ['a package', text(), text({ spec: sampleSpec({ packages: [{ name: 'tar' }] }) })],
    ['the time of what packages make', text(), text({ treeEpoch: 2 })],
    ['the size of the disk', text(), text({ spec: { ...sampleSpec(), disk: { ...sampleSpec().disk, sizeBytes: 2048 } } })],
    ['the content of a file', text(withFile('1')), text(withFile('2'))],
    ['a password', text(withUser('$6$a$b')), text(withUser('$6$a$c'))],
    ['what is said to a plugin', text(), text({ spec: { ...sampleSpec(), sections: { acme: { source: 'a' } } } })],
    [
      'a word said to a plugin that elsewhere names a place',
      text({ spec: { ...sampleSpec(), sections: { acme: { source: 'a' } } } }),
      text({ spec: { ...sampleSpec(), sections: { acme: { source: 'b' } } } }),
    ],
    [
      'the certificate that boot files are signed for',
      text({ spec: sampleSpec({ secureBoot: { keyFile: '/db.key', certificate: 'a' } }) }),
      text({ spec: sampleSpec({ secureBoot: { keyFile: '/db.key', certificate: 'b' } }) }),
    ],
    ['the lock', text(), text({ lock: digestOfAll('f') })],
    [
      'a command of the definition',
      text(),
      text({ distribution: { ...distribution, boot: { ...distribution.boot, makeInitrd: ['dracut'] } } }),
    ],
    ['a quirk named like a place', text(), text({ distribution: { ...distribution, quirks: { source: 'other' } } })],
    ['the engine', text(), text({ core: identity('other') })],
    ['the provider', text(), text({ provider: { ...input().provider, identity: { name: 'provider', version: '2' } } })],
    [
      'the installer',
      text(),
      text({ provider: { ...input().provider, part: sampleProvider({ installer: { version: 2 } as Provider['installer'] }) } }),
    ],
    ['the format', text(), text({ format: { ...input().format, part: sampleFormat({ version: 2 }) } })],
    ['an exporter', text(), text({}, [])],
    ['the time', text(), text({}, [exporter], 2)],
  ])('changes with %s', (_what, before, after) => {
    expect(after).not.toBe(before);
  });

  it('stays the same wherever the template lies and whichever caches it wants', () => {
    const spec: ImageSpec = {
      ...sampleSpec(),
      file: '/elsewhere/template.yml',
      lockFile: '/l',
      caches: { packages: false, images: false },
    };
    const placed = { ...spec, positions: new Map([['image', { file: '/elsewhere/template.yml', line: 1, column: 1 }]]) };
    expect(text({ spec: placed })).toBe(text());
    const moved = { ...file('1'), source: '/elsewhere/a' };
    expect(text({ configuration: { users: [], files: [moved], commands: [] } })).toBe(text(withFile('1')));
    const signed = (keyFile: string): string => text({ spec: sampleSpec({ secureBoot: { keyFile, certificate: 'a' } }) });
    expect(signed('/elsewhere/db.key')).toBe(signed('/db.key'));
  });

  it('has a digest for each secret', () => {
    const secret = 'hunter2-hunter2';
    const spec = { ...sampleSpec({ kernel: { cmdline: `token=${secret}`, packages: [] } }), secrets: [secret] };
    const other = { ...sampleSpec({ kernel: { cmdline: 'token=other', packages: [] } }), secrets: ['other'] };
    expect(text({ spec })).not.toContain(secret);
    expect(text({ spec })).not.toBe(text({ spec: other }));
    expect(text(withUser('$6$salt$hash'))).not.toContain('$6$salt$hash');
  });

  describe('with layers', () => {
    const plain: LayerSpec = {
      name: 'app',
      run: ['make'],
      files: [],
      types: { launch: true, build: false, cache: false },
      env: {},
      inputs: [{ source: '/host/src', name: 'src' }],
      cacheMounts: [],
      network: false,
      metadata: {},
      invalidateOn: { packages: [], values: {} },
    };
    const layered = (change: Partial<LayerSpec> = {}, content = '644 sha256:1'): Partial<Input> => {
      const spec = { ...plain, ...change };
      return { spec: { ...sampleSpec(), layers: [spec] }, layers: [{ spec, files: [], inputs: { 'src/a': content } }] };
    };

    it.each<[string, Partial<Input>]>([
      ['the content of an input', layered({}, '644 sha256:2')],
      ['a command', layered({ run: ['make all'] })],
      // Names of their own: never those of places, which shape nothing.
      ...['source', 'file', 'position'].flatMap((name): [string, Partial<Input>][] => [
        [`a variable called ${name}`, layered({ env: { [name]: 'a' } })],
        [`metadata called ${name}`, layered({ metadata: { [name]: 'a' } })],
        [`a value called ${name}`, layered({ invalidateOn: { packages: [], values: { [name]: 'a' } } })],
      ]),
      ['a type', layered({ types: { launch: true, build: true, cache: false } })],
      ['the network', layered({ network: true })],
      ['where a directory that outlives builds lies', layered({ cacheMounts: [{ id: 'a', target: '/a', sharing: 'shared' }] })],
      ['no layer', {}],
    ])('changes with %s', (_what, changed) => {
      expect(text(changed)).not.toBe(text(layered()));
    });

    it.each<[string, Partial<Input>]>([
      ['where its inputs lie', layered({ inputs: [{ source: '/elsewhere/src', name: 'src' }] })],
      ['its place in the template', layered({ position: { file: 'a', line: 1, column: 1 } })],
    ])('stays the same with %s', (_what, changed) => {
      expect(text(changed)).toBe(text(layered()));
    });

    it('stays the same with other directories that outlive builds in the same places', () => {
      const cacheMounts = (id: string, sharing: 'shared' | 'locked') => [
        { id, target: '/a', sharing },
        { id: 'm', target: '/b', sharing },
      ];
      const shared = text(layered({ cacheMounts: cacheMounts('a', 'shared') }));
      expect(text(layered({ cacheMounts: cacheMounts('z', 'locked').reverse() }))).toBe(shared);
    });

    it('is unknown where a command decides by what the cache holds', () => {
      const asking = layered({ types: { launch: true, build: false, cache: true }, validate: 'echo keep' });
      expect(imageInputs(input(asking), [], 1)).toBeUndefined();
      expect(imageInputs(input(layered({ validate: 'echo keep' })), [], 1)).toBeDefined();
    });
  });
});
