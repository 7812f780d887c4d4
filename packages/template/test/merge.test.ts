import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { mergeTemplates, type TemplateLayer } from '../src/documents/merge.js';
import type { TemplateDefaults } from '../src/schema/template.js';
import { parseTemplate } from '../src/documents/template-document.js';
import { writeTemplate } from '../src/documents/template-text.js';

const layer = (template: TemplateDefaults, title = 'x'): TemplateLayer => ({ template, directory: undefined, title });
const merge = (...templates: TemplateDefaults[]) => mergeTemplates(templates.map((one, index) => layer(one, `layer ${index}`))).template;
const system = (systemConfig: TemplateDefaults['systemConfig']): TemplateDefaults => ({ systemConfig });

describe('rules', () => {
  it.each<[string, TemplateDefaults, TemplateDefaults, unknown]>([
    ['image: whole', { image: { name: 'a', version: '1' } }, { image: { name: 'b' } }, { image: { name: 'b' } }],
    ['metadata: never inherited', { metadata: { description: 'a' } }, {}, {}],
    ['lock: never inherited', { lock: 'a' }, {}, {}],
    ['disk: whole', { disk: { name: 'a', size: '1GiB' } }, { disk: { size: '2GiB' } }, { disk: { size: '2GiB' } }],
    ['an empty disk: kept', { disk: { name: 'a' } }, { disk: {} }, { disk: { name: 'a' } }],
    [
      'packagePins: whole',
      {
        packagePins: [
          { packages: ['a'], priority: 1 },
          { packages: ['b'], priority: 2 },
        ],
      },
      { packagePins: [{ packages: ['c'], priority: 3 }] },
      { packagePins: [{ packages: ['c'], priority: 3 }] },
    ],
    [
      'baseline: whole',
      { baseline: { mode: 'create', source: { path: 'a' } } },
      { baseline: { mode: 'overlay' } },
      { baseline: { mode: 'overlay' } },
    ],
    [
      'overlayPolicy: whole',
      { overlayPolicy: { grubDefault: '0', allowDiskResize: true } },
      { overlayPolicy: { grubDefault: '1' } },
      { overlayPolicy: { grubDefault: '1' } },
    ],
    [
      'build.cache: key by key',
      { build: { cache: { use_image_cache: false } } },
      { build: { cache: { use_package_cache: true } } },
      { build: { cache: { use_image_cache: false, use_package_cache: true } } },
    ],
    [
      'repositories: by codename, url and path',
      { packageRepositories: [{ codename: 'a', url: 'u', priority: 1 }, { codename: 'b' }] },
      {
        packageRepositories: [
          { codename: 'a', url: 'u' },
          { codename: 'a', url: 'v' },
        ],
      },
      { packageRepositories: [{ codename: 'a', url: 'u' }, { codename: 'b' }, { codename: 'a', url: 'v' }] },
    ],
    ['name: the upper', system({ name: 'a', hostname: 'h' }), system({ name: 'b', hostname: '' }), system({ name: 'b', hostname: 'h' })],
    [
      'documentation: the upper, languages: whole',
      system({ documentation: false, languages: ['de', 'fr'] }),
      system({ documentation: true, languages: ['en'] }),
      system({ documentation: true, languages: ['en'] }),
    ],
    ['no languages: kept', system({ languages: ['de'] }), system({ languages: [] }), system({ languages: ['de'] })],
    [
      'packages: joined, lower first',
      system({ packages: ['a', 'b'] }),
      system({ packages: ['c', 'a'] }),
      system({ packages: ['a', 'b', 'c'] }),
    ],
    [
      'kernel: key by key, packages replaced',
      system({ kernel: { version: '1', packages: ['a', 'b'], cmdline: 'x' } }),
      system({ kernel: { packages: ['c'], cmdline: '' } }),
      system({ kernel: { version: '1', packages: ['c'], cmdline: 'x' } }),
    ],
    [
      'bootloader: key by key',
      system({ bootloader: { bootType: 'efi', provider: 'grub' } }),
      system({ bootloader: { provider: 'systemd-boot' } }),
      system({ bootloader: { bootType: 'efi', provider: 'systemd-boot' } }),
    ],
    [
      'immutability: key by key',
      system({ immutability: { enabled: true, secureBootDBKey: 'k' } }),
      system({ immutability: { enabled: false } }),
      system({ immutability: { enabled: false, secureBootDBKey: 'k' } }),
    ],
    [
      'fde: whole',
      system({ fde: { enabled: true, partitions: ['a'] } }),
      system({ fde: { enabled: false } }),
      system({ fde: { enabled: false } }),
    ],
    [
      'a system of only network or fde: counts',
      {},
      system({ network: { backend: 'netplan' }, fde: { enabled: true } }),
      system({ network: { backend: 'netplan' }, fde: { enabled: true } }),
    ],
    [
      'network: interfaces replaced',
      system({ network: { backend: 'netplan', interfaces: [{ name: 'a' }, { name: 'b' }] } }),
      system({ network: { interfaces: [{ name: 'c' }] } }),
      system({ network: { backend: 'netplan', interfaces: [{ name: 'c' }] } }),
    ],
    [
      'users: by name, groups joined, sudo the upper’s',
      system({ users: [{ name: 'a', sudo: true, groups: ['x'], shell: '/bin/sh' }, { name: 'b' }] }),
      system({ users: [{ name: 'a', groups: ['y', 'x'], sshAuthorizedKeys: ['k'] }] }),
      system({ users: [{ name: 'a', sudo: false, groups: ['x', 'y'], shell: '/bin/sh', sshAuthorizedKeys: ['k'] }, { name: 'b' }] }),
    ],
    [
      'files: by final, in place',
      system({
        additionalFiles: [
          { local: 'a', final: '/1', mode: '0600' },
          { local: 'b', final: '/2' },
        ],
      }),
      system({
        additionalFiles: [
          { local: 'c', final: '/3' },
          { local: 'd', final: '/1' },
        ],
      }),
      system({
        additionalFiles: [
          { local: 'd', final: '/1' },
          { local: 'b', final: '/2' },
          { local: 'c', final: '/3' },
        ],
      }),
    ],
    [
      'configurations: appended, doubles kept',
      system({ configurations: [{ cmd: 'a' }] }),
      system({ configurations: [{ cmd: 'a' }, { cmd: 'b' }] }),
      system({ configurations: [{ cmd: 'a' }, { cmd: 'a' }, { cmd: 'b' }] }),
    ],
    [
      'initramfs: key by key',
      system({ initramfs: { template: 'a' } }),
      system({ initramfs: { template: 'b' } }),
      system({ initramfs: { template: 'b' } }),
    ],
    [
      'target: whole',
      { target: { os: 'a', dist: 'b', arch: 'x86_64', imageType: 'raw' } },
      { target: { os: 'c' } },
      { target: { os: 'c' } },
    ],
    [
      'hostname, description and recommends: the upper',
      system({ hostname: 'a', description: 'a', recommends: true }),
      system({ hostname: 'b', recommends: false }),
      system({ hostname: 'b', description: 'a', recommends: false }),
    ],
    [
      'plugins: plugin by plugin, whole',
      { plugins: { a: { x: 1, y: 1 }, b: { x: 1 }, d: {} } },
      { plugins: { a: { y: 2 }, b: {}, c: {} } },
      { plugins: { a: { y: 2 }, b: { x: 1 }, c: {}, d: {} } },
    ],
    [
      'layers: by name, in place',
      { layers: [{ name: 'a', run: ['1'], network: true }, { name: 'b' }] },
      { layers: [{ name: 'c' }, { name: 'a', run: ['2'] }] },
      { layers: [{ name: 'a', run: ['2'] }, { name: 'b' }, { name: 'c' }] },
    ],
  ])('%s', (_rule, lower, upper, expected) => {
    expect(merge(lower, upper)).toEqual(expected);
  });
});

const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const named = words.chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({ name: fc.constant(name), groups: maybe(words), shell: maybe(fc.constantFrom('/s', '/t')), sudo: maybe(fc.boolean()) }),
    ),
  ),
);
/** Templates as they are written: without keys that hold nothing. */
const anyTemplate = fc
  .record({
    image: fc.record({ name: fc.constantFrom('i', 'j'), version: fc.constant('1') }),
    target: fc.constant({ os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' }),
    disk: maybe(fc.record({ size: fc.constantFrom('1GiB', '2GiB'), name: maybe(fc.constantFrom('x', 'y')) })),
    lock: maybe(fc.constantFrom('l', 'm')),
    metadata: maybe(fc.record({ description: fc.constantFrom('d', 'e'), keywords: maybe(words) })),
    packagePins: maybe(words.map((names) => names.map((name) => ({ packages: [name], priority: 1 })))),
    baseline: maybe(fc.record({ mode: maybe(fc.constantFrom('create', 'overlay')), source: maybe(fc.record({ path: fc.constant('p') })) })),
    overlayPolicy: maybe(fc.record({ grubDefault: maybe(fc.constant('0')), allowDiskResize: maybe(fc.boolean()) })),
    plugins: maybe(fc.dictionary(fc.constantFrom('a', '@b/c'), fc.record({ level: maybe(fc.nat(2)), words: maybe(words) }))),
    build: maybe(fc.record({ cache: fc.record({ use_image_cache: maybe(fc.boolean()), use_package_cache: maybe(fc.boolean()) }) })),
    layers: maybe(words.map((names) => names.map((name) => ({ name, run: [name] })))),
    packageRepositories: maybe(words.map((names) => names.map((codename) => ({ codename, url: 'http://a.example' })))),
    systemConfig: maybe(
      fc.record({
        name: maybe(fc.constantFrom('', 'n', 'm')),
        packages: maybe(words),
        hostname: maybe(fc.constantFrom('', 'h', 'i')),
        description: maybe(fc.constantFrom('', 'd')),
        recommends: maybe(fc.boolean()),
        initramfs: maybe(fc.record({ template: fc.constantFrom('', 't', 'u') })),
        bootloader: maybe(
          fc.record({ bootType: maybe(fc.constantFrom('efi', 'legacy')), provider: maybe(fc.constantFrom('grub', 'systemd-boot')) }),
        ),
        immutability: maybe(fc.record({ enabled: maybe(fc.boolean()), secureBootDBKey: maybe(fc.constantFrom('', 'k')) })),
        fde: maybe(fc.record({ enabled: maybe(fc.boolean()), partitions: maybe(words) })),
        network: maybe(
          fc.record({
            backend: maybe(fc.constantFrom('netplan', 'systemd-networkd')),
            interfaces: maybe(words.map((names) => names.map((name) => ({ name, dhcp4: true })))),
          }),
        ),
        kernel: maybe(fc.record({ version: maybe(fc.constantFrom('1', '2')), packages: maybe(words) })),
        users: maybe(named),
        configurations: maybe(words.map((texts) => texts.map((cmd) => ({ cmd })))),
        additionalFiles: maybe(words.map((texts) => texts.map((text) => ({ local: text, final: `/${text}` })))),
      }),
    ),
  })
  .map((template) => JSON.parse(JSON.stringify(template)) as TemplateDefaults);

describe('properties', () => {
  it('merging is associative along a chain', () => {
    fc.assert(
      fc.property(anyTemplate, anyTemplate, anyTemplate, (a, b, c) => {
        expect(merge(merge(a, b), c)).toEqual(merge(a, b, c));
        expect(merge(a, merge(b, c))).toEqual(merge(a, b, c));
      }),
    );
  });

  it('printing a merged template and reading it again changes nothing', () => {
    fc.assert(
      fc.property(anyTemplate, anyTemplate, (a, b) => {
        const merged = merge(a, b);
        const again = parseTemplate(writeTemplate(merged), 'again.yml');
        expect(again.problems).toEqual([]);
        // Lists that hold nothing are written, and say nothing.
        expect(merge(again.template as TemplateDefaults)).toEqual(merge(merged));
      }),
    );
  });

  it('the order of keys does not matter', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .map(([key, inner]) => [key, reversed(inner)] as const)
                .reverse(),
            )
          : value;
    fc.assert(
      fc.property(anyTemplate, anyTemplate, (a, b) => {
        const [one, other] = [merge(a, b), merge(reversed(a) as TemplateDefaults, reversed(b) as TemplateDefaults)];
        expect(other).toEqual(one);
        expect(parseTemplate(stringify(reversed(one)), 'x.yml').template).toEqual(parseTemplate(stringify(one), 'x.yml').template);
      }),
    );
  });
});
