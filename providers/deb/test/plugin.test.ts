import { existsSync, readFileSync } from 'node:fs';
import type { PluginManifest } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import plugin from '../src/plugin.js';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly ict: PluginManifest;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
};
const source = (built: string): URL => new URL(built.replace(/^\.\/dist\/(.*)\.js$/, '../src/$1.ts'), import.meta.url);

it('provides the ecosystems that its manifest names', () => {
  expect(plugin.apiVersion).toBe(manifest.ict.apiVersion);
  expect(plugin.providers?.map(({ ecosystem }) => ecosystem)).toEqual(manifest.ict.ecosystems);
});

it('names files that are there and are published', () => {
  const built = [manifest.ict.plugin ?? '', ...Object.values(manifest.exports).map((entry) => entry.default)];
  expect(built.filter((file) => !existsSync(source(file)))).toEqual([]);
  expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'distros', 'keyrings']));
});

it('wires file names', () => {
  expect(plugin.providers?.[0].fileName({ name: 'a', version: '1:2', arch: 'all' } as never)).toBe('a_1%3a2_all.deb');
});
