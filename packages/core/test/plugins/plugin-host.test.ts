import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from '@ict/plugin-api';
import { parseDistribution, placeDistribution } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { PluginHost } from '../../src/plugins/plugin-host.js';
import { eachInWorkspace, TOY_PARTS } from '../support/toy-plugin.js';

const { path, write } = eachInWorkspace();

/** A definition of sample/DIST, as a plugin ships it. */
function definition(dist: string, title = 'Sample'): string {
  return `apiVersion: 1
ecosystem: sample
os: sample
dist: ${dist}
title: ${title}
architectures: [x86_64]
repositories:
  - { id: main, archive: 'http://archive', suite: stable, components: [main], keyrings: [key.pgp] }
essential: { priorities: [required], packages: [] }
boot: { kernel: /boot/vmlinuz-*, initrd: '/boot/initrd-\${kernelVersion}', makeInitrd: [mkinitramfs], loaders: {} }
tools: { packages: {} }
defaults: {}
`;
}

const CODE = `${TOY_PARTS}export default { apiVersion: 1,
  providers: [{ ...provider, ecosystem: 'sample' }], formats: [{ ...format, imageTypes: ['raw', 'iso'] }],
  exporters: [{ ...exporter, name: 'spdx', extension: 'spdx.json' }, { ...exporter, name: 'bill', extension: 'csv' }] };`;

/** A plugin package with one module and one definition. @returns its directory. */
async function plugin(name: string, ict: unknown, files: Readonly<Record<string, string>> = {}): Promise<string> {
  await write(`${name}/package.json`, JSON.stringify({ name, version: '1.2.3', type: 'module', ict }));
  for (const [file, text] of Object.entries({ 'dist/plugin.js': CODE, 'distros/one.yml': definition('one'), ...files })) {
    await write(`${name}/${file}`, text);
  }
  return path(name);
}

const everything = {
  apiVersion: 1,
  plugin: './dist/plugin.js',
  ecosystems: ['sample'],
  imageTypes: ['raw', 'iso'],
  exporters: ['spdx', 'bill'],
  distros: ['distros/*.yml'],
};

describe('PluginHost', () => {
  it('finds what plugins bring by their manifests, and hands out each part with the identity of its code', async () => {
    const host = await PluginHost.open(
      [await plugin('acme', everything, { 'distros/two.yml': definition('two'), 'distros/readme.txt': '?' })],
      [],
    );
    expect(host.imageTypes()).toEqual(['raw', 'iso']);
    expect(['one', 'two', 'three'].map((dist) => host.distribution('sample', dist)?.dist)).toEqual(['one', 'two', undefined]);
    const identity = { name: 'acme', version: '1.2.3', code: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(await host.provider('sample')).toMatchObject({ part: { ecosystem: 'sample' }, identity });
    expect(await host.format('iso')).toMatchObject({ part: { imageTypes: ['raw', 'iso'] }, identity });
    expect(await host.exporters()).toMatchObject([
      { part: { name: 'bill', extension: 'csv' }, identity },
      { part: { name: 'spdx', extension: 'spdx.json' }, identity },
    ]);
  });

  it.each([
    ['sample-ome-x86_64', 'Did you mean "sample-one-x86_64"?'],
    ['one', 'Did you mean "sample-one-x86_64"?'],
    ['fedora', 'There is sample-one-x86_64.'],
    ['', 'There is sample-one-x86_64.'],
  ])('refuses the target "%s", and says which there are', async (text, hint) => {
    const host = await PluginHost.open([await plugin('acme', everything)], []);
    expect(() => host.target(text)).toThrow(expect.objectContaining({ code: 'ICT_TARGET_UNKNOWN', hint }));
  });

  it('takes what was read of a definition before for its text, and reads all others', async () => {
    const root = await plugin('acme', everything, { 'distros/two.yml': definition('two') });
    const { written } = parseDistribution(definition('one'), '/elsewhere/one.yml');
    const known = { ...written!, title: 'Known' };
    const host = await PluginHost.open([root], [], undefined, (text) => (text === definition('one') ? known : undefined));
    expect(host.distribution('sample', 'one')).toEqual(placeDistribution(known, join(root, 'distros', 'one.yml')));
    expect(host.distribution('sample', 'two')?.title).not.toBe('Known');
  });

  it('loads code as it is told, and identifies it by its files all the same', async () => {
    const root = await plugin('acme', everything);
    const { identity } = await (await PluginHost.open([root], [])).provider('sample');
    const asked: string[] = [];
    const host = await PluginHost.open([root], [], async (file) => {
      asked.push(file);
      const { default: plugin } = (await import(pathToFileURL(file).href)) as { default: Plugin };
      return { default: { ...plugin, providers: [{ ...plugin.providers?.[0], from: 'elsewhere' }] } };
    });
    expect(await host.provider('sample')).toMatchObject({ part: { ecosystem: 'sample', from: 'elsewhere' }, identity });
    expect(asked).toEqual([join(root, 'dist', 'plugin.js')]);
  });

  it.each([
    ['beside its directory', './dist/esm/plugin.js', 'dist/shared.js'],
    ['in the package itself', './plugin.js', 'lib/shared.js'],
  ])('counts to the code of a plugin what lies %s', async (_where, entry, shared) => {
    const files = { [entry]: CODE, [shared]: 'one' };
    const read = async () => (await (await PluginHost.open([path('acme')], [])).provider('sample')).identity.code;
    await plugin('acme', { ...everything, plugin: entry }, files);
    const before = await read();
    await write(`acme/${shared}`, 'two');
    expect(await read()).not.toBe(before);
  });

  it('loads no code before a part is asked for', async () => {
    const root = await plugin('acme', everything, { 'dist/plugin.js': 'throw new Error("loaded");' });
    const host = await PluginHost.open([root], []);
    expect(host.distribution('sample', 'one')?.title).toBe('Sample');
    await expect(host.provider('sample')).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID', message: expect.stringContaining('loaded') });
  });

  it.each<[string, unknown]>([
    ['asks for another plugin API', { ...everything, apiVersion: 2 }],
    ['asks for no plugin API', {}],
    ['has no ict field', undefined],
    ['has an empty ict field', null],
    ['has an ict field of another shape', 'dist/plugin.js'],
    ['has ecosystems that are no list', { ...everything, ecosystems: 'sample' }],
    ['has a plugin that is no path', { ...everything, plugin: 5 }],
    ['has a section that is no path', { ...everything, templateSection: {} }],
    ['names a schema that is not there', { ...everything, templateSection: './none.json' }],
    ['names a schema outside', { ...everything, templateSection: '../other/schema.json' }],
    ['names a schema that is not JSON', { ...everything, templateSection: './dist/plugin.js' }],
    ['names a schema that is none of a mapping', { ...everything, templateSection: './package.json' }],
    ['names a definition that is not there', { ...everything, distros: ['distros/three.yml'] }],
    ['names a directory of definitions that is not there', { ...everything, distros: ['definitions/*.yml'] }],
    ['names definitions outside', { ...everything, distros: ['../other/*.yml'] }],
  ])('refuses a package that %s', async (_what, ict) => {
    await expect(PluginHost.open([await plugin('acme', ict)], [])).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
  });

  it.each<[string, unknown, string, string]>([
    [
      'misspells a key',
      { ...everything, ecosystems: undefined, ecosystem: ['sample'] },
      '"ict.ecosystem" is not known',
      'Did you mean "ecosystems"?',
    ],
    [
      'names nothing that it brings',
      { apiVersion: 1, plugin: './dist/plugin.js' },
      '"ict" names nothing that the plugin brings',
      '"ecosystems", "imageTypes"',
    ],
    [
      'takes a directory for a definition',
      { ...everything, distros: ['dist'] },
      'acme: a distribution definition cannot be used',
      '"ict.distros"',
    ],
  ])('refuses a package that %s, and says what is meant', async (_what, ict, message, hint) => {
    await expect(PluginHost.open([await plugin('acme', ict)], [])).rejects.toMatchObject({
      code: 'ICT_PLUGIN_INVALID',
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining(hint) as string,
    });
  });

  it('passes over keys that a later version may know', async () => {
    const host = await PluginHost.open([await plugin('acme', { ...everything, signingServices: ['acme'] })], []);
    expect(host.distribution('sample', 'one')?.dist).toBe('one');
  });

  it.each([
    ['is missing', undefined],
    ['is not JSON', '{'],
    ['is not a mapping', 'null'],
    ['has no name', '{ "version": "1", "ict": { "apiVersion": 1, "distros": [] } }'],
    ['has an empty name', '{ "name": "", "version": "1", "ict": { "apiVersion": 1, "distros": [] } }'],
    ['has an empty version', '{ "name": "acme", "version": "", "ict": { "apiVersion": 1, "distros": [] } }'],
  ])('refuses a package whose package.json %s', async (_what, text) => {
    if (text !== undefined) await write('acme/package.json', text);
    await expect(PluginHost.open([path('acme')], [])).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
  });

  it.each([
    ['leaves the package', '../evil.js'],
    ['is missing', './dist/other.js'],
    ['throws what is no error', './dist/throws.js'],
    ['has no default export', './dist/empty.js'],
    ['is of another plugin API', './dist/next.js'],
    ['does not bring what the manifest says', './dist/less.js'],
    ['lacks an exporter that the manifest names', './dist/fewer.js'],
    ['brings an exporter that the manifest leaves out', './dist/extra.js'],
    ['has another ecosystem than the manifest says', './dist/other-ecosystem.js'],
    ['makes another image type than the manifest says', './dist/other-type.js'],
  ])('refuses a plugin whose module %s', async (_what, entry) => {
    await write('evil.js', CODE);
    const modules = {
      'dist/throws.js': 'throw Object.create(null);',
      'dist/empty.js': 'export const plugin = 1;',
      'dist/next.js': 'export default { apiVersion: 2 };',
      'dist/less.js': 'export default { apiVersion: 1 };',
      'dist/fewer.js': CODE.replace(", { ...exporter, name: 'bill', extension: 'csv' }", ''),
      'dist/extra.js': CODE.replace('] };', ", { ...exporter, name: 'more', extension: 'more' }] };"),
      'dist/other-ecosystem.js': CODE.replace("'sample'", "'simple'"),
      'dist/other-type.js': CODE.replace("'raw', 'iso'", "'raw', 'img'"),
    };
    const host = await PluginHost.open([await plugin('acme', { ...everything, plugin: entry }, modules)], []);
    await expect(host.provider('sample')).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
  });

  it.each([
    ['providers', 'providers: [{ ...provider', 'providers: { ...provider', 'providers is an object, not a list'],
    ['a part', 'provider, ', 'provider, metadata: undefined, ', 'providers[0].metadata is undefined, not an object'],
    [
      'a function',
      'provider, ',
      "provider, resolver: { version: 1, resolve: 'later' }, ",
      'providers[0].resolver.resolve is "later", not a function',
    ],
    ['a version', 'format, ', 'format, version: undefined, ', 'formats[0].version is undefined, not a whole number'],
    ['a part that it need not have', 'provider, ', 'provider, catalogue: {}, ', 'providers[0].catalogue.list is undefined, not a function'],
    [
      'the name of a document',
      "'csv'",
      "'../csv'",
      'exporters[1].extension is "../csv", not the end of a file name, such as "raw.gz", and not "lock.yml"',
    ],
    ['the function of an exporter', 'exporter, ', 'exporter, export: null, ', 'exporters[0].export is null, not a function'],
  ])('refuses a plugin whose code has not the shape of the contract: %s', async (_what, sound, wrong, fault) => {
    const code = CODE.replace(sound, wrong).replace(/\}\](?=, formats)/, (end) => (wrong.startsWith('providers: {') ? '}' : end));
    const host = await PluginHost.open([await plugin('acme', everything, { 'dist/plugin.js': code })], []);
    await expect(host.provider('sample')).rejects.toMatchObject({
      code: 'ICT_PLUGIN_INVALID',
      message: `acme: in its default export, ${fault}`,
    });
  });

  it('knows nothing that no plugin claims', async () => {
    const host = await PluginHost.open([], []);
    await expect(host.provider('sample')).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
    await expect(host.format('raw')).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
    expect(await host.exporters()).toEqual([]);
  });

  it.each<[string, (host: PluginHost) => Promise<unknown>]>([
    ['provider', (host) => host.provider('sample')],
    ['format', (host) => host.format('raw')],
    ['document', (host) => host.exporters()],
  ])('refuses two plugins that claim one %s, and names both', async (_kind, ask) => {
    const code = { ...everything, distros: [] };
    const host = await PluginHost.open([await plugin('acme', code), await plugin('other', code)], []);
    await expect(ask(host)).rejects.toMatchObject({
      code: 'ICT_TARGET_CLAIMED_TWICE',
      message: expect.stringMatching(/acme and other/),
      facts: { plugins: [expect.stringMatching(/acme$/), expect.stringMatching(/other$/)] },
    });
  });

  it('refuses two exporters of one name, of which a kept image would know one', async () => {
    const bill = { apiVersion: 1, plugin: './dist/plugin.js', exporters: ['bill'] };
    const code = (extension: string) =>
      `${TOY_PARTS}export default { apiVersion: 1, exporters: [{ ...exporter, name: 'bill', extension: '${extension}' }] };`;
    const roots = ['acme', 'other'].map((name) => plugin(name, bill, { 'dist/plugin.js': code(name) }));
    const host = await PluginHost.open(await Promise.all(roots), []);
    await expect(host.exporters()).rejects.toMatchObject({
      code: 'ICT_TARGET_CLAIMED_TWICE',
      message: 'two plugins claim the exporter bill: acme and other',
    });
  });

  it('refuses two plugins of one name, and names both places', async () => {
    const code = { ...everything, distros: [] };
    const roots = [await plugin('acme', code), await plugin('other', code)];
    await write('other/package.json', JSON.stringify({ name: 'acme', version: '2.0.0', type: 'module', ict: code }));
    await expect(PluginHost.open(roots, [])).rejects.toMatchObject({
      code: 'ICT_TARGET_CLAIMED_TWICE',
      message: `two plugins claim the name acme: ${roots.join(' and ')}`,
    });
  });

  it('refuses two plugins that define one target, and names both files', async () => {
    const roots = [await plugin('acme', everything), await plugin('other', everything)];
    await expect(PluginHost.open(roots, [])).rejects.toMatchObject({
      code: 'ICT_TARGET_CLAIMED_TWICE',
      message: expect.stringMatching(/sample\/one: .*acme.*other/),
      facts: { target: 'sample/one', files: roots.map((root) => join(root, 'distros/one.yml')) },
    });
  });

  it('refuses a plugin that defines one target twice, and blames no other', async () => {
    const root = await plugin('acme', everything, { 'distros/two.yml': definition('one') });
    await expect(PluginHost.open([root], [])).rejects.toMatchObject({
      code: 'ICT_TARGET_CLAIMED_TWICE',
      message: expect.stringMatching(/^acme defines the target sample\/one twice: /) as string,
      hint: 'Remove one of the files from the plugin.',
    });
  });

  it('lets a definition that the user names replace a shipped one, the last one first', async () => {
    const root = await plugin('acme', everything);
    const files = [await write('mine.yml', definition('one', 'Mine')), await write('last.yml', definition('one', 'Last'))];
    const more = await write('more.yml', definition('two', 'More'));
    expect((await PluginHost.open([root], files.slice(0, 1))).distribution('sample', 'one')?.title).toBe('Mine');
    const host = await PluginHost.open([root], [...files, more]);
    expect(host.distribution('sample', 'one')).toMatchObject({ title: 'Last', repositories: [{ keyrings: [path('key.pgp')] }] });
    expect(host.distribution('sample', 'two')?.title).toBe('More');
  });

  it('refuses a definition that the user names and that is not there, or a FIFO', async () => {
    await expect(PluginHost.open([], [path('none.yml')])).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
    execFileSync('mkfifo', [path('fifo.yml')]);
    await expect(PluginHost.open([], [path('fifo.yml')])).rejects.toMatchObject({ code: 'ICT_PLUGIN_INVALID' });
  });

  it('reads what a plugin defines when it is asked for, and tells then what is wrong with it', async () => {
    const wrong = definition('two').replace('ecosystem: sample', 'ecosystem: 5');
    const host = await PluginHost.open([await plugin('acme', everything, { 'distros/two.yml': wrong })], []);
    expect(host.distribution('sample', 'one')?.dist).toBe('one');
    expect(() => host.distribution('sample', 'two')).toThrow(expect.objectContaining({ code: 'ICT_DISTRO_INVALID' }));
    expect(() => host.distributions()).toThrow(expect.objectContaining({ code: 'ICT_DISTRO_INVALID' }));
  });

  it.each([
    ['quotes', "os: 'sample'"],
    ['a comment', 'os: sample # by hand'],
    ['more space', 'os:   sample'],
    ['another style', '? os\n: sample'],
    ['a text that looks like it', 'title: |\n  os: other\nos: sample'],
  ])('knows the target of a definition that has %s', async (_what, os) => {
    const title = os.startsWith('title') ? '' : 'title: Sample';
    const text = definition('one').replace('title: Sample', title).replace('os: sample', os);
    const host = await PluginHost.open([await plugin('acme', everything, { 'distros/one.yml': text })], []);
    expect(host.distribution('sample', 'one')?.os).toBe('sample');
    expect(host.distribution('other', 'one')).toBeUndefined();
  });

  it.each([
    ['larger than a document may be', Buffer.alloc(2 ** 20 + 1, 'a'), 'more than 1048576 bytes'],
    ['not UTF-8', Buffer.from([0xff]), 'not UTF-8'],
    ['not there', undefined, 'does not exist'],
  ])('reads no definition that is %s', async (_what, bytes, why) => {
    const file = await write('mine.yml', '');
    await (bytes === undefined ? rm(file) : writeFile(file, bytes));
    await expect(PluginHost.open([], [file])).rejects.toMatchObject({
      code: 'ICT_PLUGIN_INVALID',
      kind: 'usage',
      message: expect.stringContaining(why) as string,
    });
  });

  it('reports at once what is wrong in a definition that the user names, with its place', async () => {
    const file = await write('mine.yml', definition('one').replace('apiVersion: 1', 'apiVersion: 7'));
    await expect(PluginHost.open([], [file])).rejects.toMatchObject({ problems: [{ position: { file, line: 1 } }] });
  });
});
