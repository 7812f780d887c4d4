import { packageDirectory } from './package-directory.js';

const { realpathSync } = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');
const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url');

/** Directory of this package. From `dist`, `src` and `bundle` the path is the same. */
export const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/**
 * URL of a file of a package as it is installed. `scripts/make-bundle.mjs` puts it where a module asks for `import.meta.url`, so that workers,
 * definitions and the code that has a digest are found beside the module, wherever npm put its package.
 *
 * @param via names of packages, each a dependency of the one before, the first of this package; none: this package itself.
 * @param file path in the last of them.
 * @throws when one of them is not installed.
 */
export function moduleUrl(via: readonly string[], file: string): string {
  const root = via.reduce((from, name) => {
    const directory = packageDirectory(name, from);
    if (directory === undefined) throw new Error(`${name} is not installed where ${from} finds it`);
    return realpathSync.native(directory);
  }, packageRoot);
  return pathToFileURL(join(root, file)).href;
}
