import { freshBundle } from './fresh-bundle.js';
import type { main } from './main.js';
import { packageRoot } from './module-url.js';

// Not by an `import`, here and in what this imports: for one, Node reads each export of its module, and those of `fs` load all streams.
const { join } = process.getBuiltinModule('node:path');
const { pathToFileURL } = process.getBuiltinModule('node:url');

/**
 * Runs `ict` in this process, as few files when there is a fresh bundle of this code, or else as separate modules: what `bin/ict.js` calls.
 *
 * @param root directory of this package.
 */
export async function start(argv: readonly string[], root: string = packageRoot): Promise<void> {
  const bundle = freshBundle(root);
  const module = join(root, 'dist', 'main.js');
  const { main: run } = (await import(pathToFileURL(bundle?.modules.get(module) ?? module).href)) as { readonly main: typeof main };
  await run(argv, bundle);
}
