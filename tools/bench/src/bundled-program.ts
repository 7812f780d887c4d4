import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import type { Plugin } from 'rolldown';
import { WORKSPACE } from './workspace.js';

/** In the package, so that what stays out of bundles is found from there. */
const DIRECTORY = fileURLToPath(new URL('./bundled', import.meta.url));

/** Loaded when needed from where it lies, as by the command that is shipped. */
const LEFT_OUT = ['openpgp'];

/** Name of the chunk with the program of piscina's threads. */
const PISCINA_WORKER = 'piscina-worker';

/**
 * What makes the bundle of the command: modules of Node are taken without an `import`, which has Node read all their exports, and load more for
 * that; and piscina starts its threads from the bundle.
 */
async function commandPlugins(piscina: string): Promise<readonly Plugin[]> {
  const load = (name: string) => import(pathToFileURL(join(WORKSPACE, 'packages', 'cli', 'scripts', name)).href);
  const { nodeBuiltins } = (await load('node-builtins.mjs')) as { readonly nodeBuiltins: () => Plugin };
  const { piscinaThreads } = (await load('piscina-threads.mjs')) as { readonly piscinaThreads: (root: string, chunk: string) => Plugin };
  return [piscinaThreads(piscina, `${PISCINA_WORKER}.js`), nodeBuiltins()];
}

/**
 * A program of this package in few files, as the command is shipped: Node takes longer to find and link modules than to run them.
 *
 * @param name of its compiled module, without `.js`.
 * @param threads modules that run in threads of their own, as URLs by the names under which the program starts them.
 * @returns absolute path of its entry.
 */
export async function bundledProgram(name: string, threads: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = join(DIRECTORY, name);
  const piscina = join(WORKSPACE, 'node_modules', 'piscina');
  const files = Object.entries({ [name]: new URL(`./${name}.js`, import.meta.url).href, ...threads });
  const input = {
    ...Object.fromEntries(files.map(([entry, url]) => [entry, fileURLToPath(url)])),
    ...(Object.keys(threads).length === 0 ? {} : { [PISCINA_WORKER]: join(piscina, 'dist', 'worker.js') }),
  };
  const plugins = [...(await commandPlugins(piscina))];
  const bundle = await rolldown({ input, platform: 'node', tsconfig: false, external: LEFT_OUT, plugins });
  await bundle.write({ dir, format: 'esm', entryFileNames: '[name].js' });
  await bundle.close();
  return join(dir, `${name}.js`);
}
