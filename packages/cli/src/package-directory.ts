import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Directory of an installed package, whether or not its `exports` show its package.json: the one that Node would find from `base`. Looks at
 * the file system only, since `findPackageJSON` of Node takes half a millisecond each time.
 *
 * @param base absolute directory.
 * @returns undefined when it is not installed; the path may lead through links.
 */
export function packageDirectory(name: string, base: string): string | undefined {
  const candidate = join(base, 'node_modules', name);
  if (existsSync(join(candidate, 'package.json'))) return candidate;
  const parent = dirname(base);
  return parent === base ? undefined : packageDirectory(name, parent);
}
