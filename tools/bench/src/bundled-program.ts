import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import type { Plugin } from 'rolldown';
import { WORKSPACE } from './workspace.js';

/** In the package, so that what stays out of bundles is found from there. */
const DIRECTORY = fileURLToPath(new URL('./bundled', import.meta.url));

/** Loaded when needed from where they lie, as by the command that is shipped. */
const LEFT_OUT = ['openpgp', 'piscina'];

/** Makes the plugin by which the bundle of the command takes modules of Node: an `import` of one has Node read all its exports, and load more for it. */
const BUILTINS = pathToFileURL(join(WORKSPACE, 'packages', 'cli', 'scripts', 'node-builtins.mjs')).href;

/**
 * A program of this package in few files, as the command is shipped: Node takes longer to find and link modules than to run them.
 *
 * @param name of its compiled module, without `.js`.
 * @param threads modules that run in threads of their own, as URLs by the names under which the program starts them.
 * @returns absolute path of its entry.
 */
export async function bundledProgram(name: string, threads: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = join(DIRECTORY, name);
  const files = Object.entries({ [name]: new URL(`./${name}.js`, import.meta.url).href, ...threads });
  const input = Object.fromEntries(files.map(([entry, url]) => [entry, fileURLToPath(url)]));
  const { nodeBuiltins } = (await import(BUILTINS)) as { readonly nodeBuiltins: () => Plugin };
  const bundle = await rolldown({ input, platform: 'node', tsconfig: false, external: LEFT_OUT, plugins: [nodeBuiltins()] });
  await bundle.write({ dir, format: 'esm', entryFileNames: '[name].js' });
  await bundle.close();
  return join(dir, `${name}.js`);
}
