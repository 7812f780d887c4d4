import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Engine, EngineOptions } from '../../src/engine-api.js';
import { openEngine } from '../../src/engine.js';

/** The definition of toy/toy1, for plugins that tests write. */
export const TOY_DEFINITION = `apiVersion: 1
ecosystem: toy
os: toy
dist: toy1
title: Toy
architectures: [x86_64]
repositories: [{ id: main, archive: 'http://archive', keyrings: [key.pgp] }]
boot: { kernel: /boot/vmlinuz-*, initrd: /boot/initrd, makeInitrd: [mkinitramfs], loaders: {} }
tools: { packages: {} }
`;

/** What a template for {@link TOY_DEFINITION} begins with. */
export const TOY_HEAD = 'image: { name: demo, version: "1" }\ntarget: { os: toy, dist: toy1, arch: x86_64, imageType: toy }\n';

/** Code of parts that a plugin can be made of: all that the contract asks for, and nothing in it. */
export const TOY_PARTS = `const nothing = async () => undefined;
const provider = {
  ecosystem: 'toy',
  metadata: { snapshot: nothing, packages: nothing },
  resolver: { version: 1, resolve: nothing },
  verifier: { verify: nothing },
  installer: { version: 1, apply: nothing, unpack: nothing, clean: nothing },
  inventory: { list: nothing, purl: nothing },
  fileName: ({ name }) => name,
};
const format = { imageTypes: ['toy'], version: 1, check: () => [], requires: () => [], tools: () => [], prepare: nothing, build: nothing };
const exporter = { name: 'toy', extension: 'toy.json', export: () => new Uint8Array() };
`;

/** A directory that each test has anew. */
export interface Workspace {
  /** Absolute path of a file in it. */
  path(file: string): string;
  /** Writes a file, with its directories. @returns its absolute path. */
  write(file: string, text: string): Promise<string>;
}

export function eachInWorkspace(): Workspace {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ict-core-'));
  });
  afterEach(() => rm(place, { recursive: true }));
  const path = (file: string): string => join(place, file);
  return {
    path,
    write: async (file, text) => {
      await mkdir(dirname(path(file)), { recursive: true });
      await writeFile(path(file), text);
      return path(file);
    },
  };
}

/** Opens an engine whose one plugin, with {@link TOY_DEFINITION}, is this code. It fetches nothing, unless `options` say otherwise. */
export async function openToy(
  { path, write }: Workspace,
  code: string,
  emit: EngineOptions['emit'] = () => undefined,
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const ict = { apiVersion: 1, plugin: './plugin.js', ecosystems: ['toy'], imageTypes: ['toy'], distros: ['toy1.yml'] };
  await write('toy/package.json', JSON.stringify({ name: '@acme/toy', version: '1.0.0', type: 'module', ict }));
  await write('toy/plugin.js', code);
  await write('toy/toy1.yml', TOY_DEFINITION);
  await write('toy/key.pgp', '');
  return openEngine({
    cacheDir: path('cache'),
    workDir: path('work'),
    temporaryDir: path('temporary'),
    workers: 1,
    mirrors: [],
    hostSources: false,
    plugins: [path('toy')],
    distributionFiles: [],
    offline: true,
    verify: 'signature',
    storage: {
      packageCache: { enabled: true, maxSizeBytes: 1, retentionDays: 1, twins: false },
      imageCache: { enabled: true, maxCount: 1 },
    },
    emit,
    signal: new AbortController().signal,
    ...options,
  });
}
