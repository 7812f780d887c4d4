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
import { piscinaThreads } from './piscina-threads.mjs';
import { thirdPartyNotice } from './third-party-notice.mjs';
import { undiciParts } from './undici-parts.mjs';

/** Third-party packages that are loaded when needed, and quicker from a chunk of the bundle than from the files that they come in. */
const TAKEN = ['undici', 'piscina'];

/** Those of them that start threads. */
const THREADS = ['piscina'];

/** Modules that run in a thread or a process of their own, by package. */
const PROGRAMS = { piscina: 'dist/worker.js', '@ict/verify': 'dist/worker.js', '@ict/sandbox': 'dist/agent.js' };

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

const programs = new Map(
  packages.list
    .filter(({ name }) => name in PROGRAMS)
    .map(({ name, root }) => [join(root, PROGRAMS[name]), `${name.replace(/.*\//, '')}-${PROGRAMS[name].replace(/.*\//, '')}`]),
);

const support = { moduleUrl: dist('module-url.js'), importLazily: dist('eager-compilation.js') };
const { plugin, left } = placedModules(packages, support, { taken: TAKEN, threads: THREADS, programs });

const rootOf = (wanted) => packages.list.find(({ name }) => name === wanted).root;
const undici = undiciParts(rootOf('undici'));
const piscina = piscinaThreads(rootOf('piscina'), programs.get(join(rootOf('piscina'), PROGRAMS.piscina)));

/** Writes the chunks of some modules, given as pairs of a module's path and the name of its chunk. @returns what was written. */
async function write(modules, codeSplitting = true) {
  const bundle = await rolldown({
    input: Object.fromEntries(modules.map(([id, chunk]) => [chunk.replace(/\.js$/, ''), id])),
    platform: 'node',
    tsconfig: false,
    preserveEntrySignatures: 'allow-extension',
    plugins: [undici, piscina, plugin, nodeBuiltins(), asciiChunks()],
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
const inMain = await write(entries.map(({ chunk, id }) => [id, chunk]));
const modulesInMain = new Map(inMain.flatMap(({ modules }) => Object.entries(modules)));
const programChunks = [];
// A program shares no chunk with the command: each would refuse the compiled code of the other, which has another setting, and write its own.
for (const [id, name] of programs) {
  const [chunk] = await write([[id, name]], false);
  const imported = modulesInMain.get(id);
  // What exports nothing runs where it is imported.
  if (imported !== undefined && (chunk.exports.length === 0 || imported.renderedExports.length > 0))
    throw new Error(`${id}, a program of its own, would run in the process of the command`);
  programChunks.push(chunk);
}

const bundled = new Set(
  [...inMain, ...programChunks]
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
