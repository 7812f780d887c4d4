import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshBundle } from './fresh-bundle.js';
import type { main } from './main.js';
import { packageRoot } from './module-url.js';

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
