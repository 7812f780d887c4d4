import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { parseDistribution, requireDistribution } from '@ict/template';
import { rolldown } from 'rolldown';
import { compiledStamp } from '../dist/fresh-bundle.js';
import { keptDefinitionFile } from '../dist/kept-definition.js';
import { packageRoot } from '../dist/module-url.js';
import { discoverPlugins } from '../dist/plugin-discovery.js';
import { asciiChunks } from './ascii-chunks.mjs';
import { nodeBuiltins } from './node-builtins.mjs';
import { placedModules } from './placed-modules.mjs';
import { installedPackages } from './installed-packages.mjs';
import { thirdPartyNotice } from './third-party-notice.mjs';

/** Third-party packages that are loaded when needed, and quicker from a chunk of the bundle than from the files that they come in. */
const TAKEN = ['undici'];

/** Third-party packages that start threads. */
const STARTERS = ['piscina'];

/** Modules that run in a thread, by package. */
const THREADS = { '@ict/verify': 'dist/worker.js' };

/** Modules that run in a thread or a process of their own, by package. */
const PROGRAMS = { ...THREADS, '@ict/sandbox': 'dist/agent.js' };

/**
 * Packages that programs and the command load, each in a chunk of its own: a module of such a package that only a program uses would
 * otherwise be in the program's chunk, which would run wherever that package is loaded.
 */
const SHARED = ['@ict/archive'];

/**
 * Writes `bundle`: the modules of this package, of its plugins and of what these import, in few files, because Node takes longer to find and
 * link hundreds of modules than to run them. Part of the build; `src/fresh-bundle.ts` decides at each start whether the bundle may be used.
 */
const { definitionFiles, entryOf, readManifest } = await import('@ict/core');
const directory = join(packageRoot, 'bundle');
const packages = installedPackages(packageRoot);
// Before anything is read: what is compiled meanwhile makes the bundle stale.
const stamps = packages.list.map(({ root }) => compiledStamp(root) ?? null);
const dist = (name) => join(packageRoot, 'dist', name);
const main = dist('main.js');
const plugins = await Promise.all((await discoverPlugins(packageRoot, [])).map(readManifest));
const entries = [main, ...plugins.map(entryOf)].map((file) => {
  const { index, path } = packages.locate(file);
  return { package: index, file: path, chunk: `${index === 0 ? 'main' : packages.list[index].name.replace(/.*\//, '')}.js`, id: file };
});

/** Such a table as pairs of a module's path and the name of its chunk. */
const chunksOf = (table) =>
  packages.list
    .filter(({ name }) => name in table)
    .map(({ name, root }) => [join(root, table[name]), `${name.replace(/.*\//, '')}-${table[name].replace(/.*\//, '')}`]);
const programs = new Map(chunksOf(PROGRAMS));
const threads = new Map(chunksOf(THREADS));

const support = { moduleUrl: dist('module-url.js'), importLazily: dist('eager-compilation.js') };
const shared = packages.list
  .filter(({ name }) => SHARED.includes(name))
  .map(({ name, root }) => ({ name: name.replace(/.*\//, ''), test: (id) => id.startsWith(join(root, 'dist/')) }));
const { plugin, left } = placedModules(packages, support, { taken: TAKEN, threads: STARTERS, programs });

/** Writes the chunks of some modules, given as pairs of a module's path and the name of its chunk. @returns what was written. */
async function write(modules, codeSplitting) {
  const bundle = await rolldown({
    input: Object.fromEntries(modules.map(([id, chunk]) => [chunk.replace(/\.js$/, ''), id])),
    platform: 'node',
    tsconfig: false,
    preserveEntrySignatures: 'allow-extension',
    plugins: [plugin, nodeBuiltins(), asciiChunks()],
    // How long a busy machine took is no fault of the bundle.
    checks: { bundlerTimings: false },
    onLog: (level, { message }) => {
      throw new Error(`${level} of the bundler: ${message}`);
    },
  });
  const { output } = await bundle.write({
    dir: directory,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting,
  });
  await bundle.close();
  return output;
}

// The record goes first and comes last: a bundle that is half written is none.
await rm(directory, { recursive: true, force: true });
await mkdir(directory);
const withoutThreads = [...entries.map(({ chunk, id }) => [id, chunk]), ...[...programs].filter(([id]) => !threads.has(id))];
const output = await write(withoutThreads, { includeDependenciesRecursively: false, groups: shared });
// A thread shares no chunk with the command: each would refuse the compiled code of the other, which has another setting, and write its own.
for (const thread of threads) output.push(...(await write([thread], false)));

const inMain = output.filter(({ fileName }) => ![...programs.values()].includes(fileName));
const misled = inMain.find(({ imports, dynamicImports }) =>
  [...imports, ...dynamicImports].some((name) => [...programs.values()].includes(name)),
);
if (misled !== undefined) throw new Error(`${misled.fileName} would run a program of its own in this process`);

const bundled = new Set(
  output
    .flatMap(({ moduleIds }) => moduleIds)
    .filter((id) => id.startsWith('/'))
    .map((id) => packages.locate(id).index),
);
await writeFile(join(directory, 'THIRD-PARTY.txt'), await thirdPartyNotice([...bundled].map((index) => packages.list[index])));

for (const file of (await Promise.all(plugins.map(definitionFiles))).flat()) {
  const text = await readFile(file, 'utf8');
  const kept = keptDefinitionFile(directory, text);
  await mkdir(dirname(kept), { recursive: true });
  const parsed = parseDistribution(text, file);
  requireDistribution(parsed);
  await writeFile(kept, JSON.stringify(parsed.written));
}

const needed = packages.withParents(new Set([...bundled, ...left]));
const renumbered = new Map(needed.map((index, position) => [index, position]));
const record = {
  packages: needed.map((index) => {
    const { name, version, from } = packages.list[index];
    return { name, version, from: renumbered.get(from) };
  }),
  entries: entries.map(({ package: index, file, chunk }) => ({ package: renumbered.get(index), file, chunk })),
  builtins: [...new Set(inMain.flatMap(({ imports }) => imports.filter(isBuiltin)))].sort(),
};
await writeFile(join(directory, 'checkout.json'), JSON.stringify(needed.map((index) => stamps[index])));
await writeFile(join(directory, 'record.json'), `${JSON.stringify(record, null, 2)}\n`);
