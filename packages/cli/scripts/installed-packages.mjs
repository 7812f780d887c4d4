import { readFileSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { packageDirectory } from '../dist/package-directory.js';

/**
 * A package and all that it depends on, each directory once, nearest first.
 *
 * `list` has of each its name, version, real directory, and the index of a package that has it as a dependency, which comes before it.
 */
export function installedPackages(root) {
  const list = [{ ...manifestOf(root), root: realpathSync(root), from: undefined }];
  const known = new Set([list[0].root]);
  for (let from = 0; from < list.length; from++) {
    for (const name of Object.keys(list[from].dependencies).sort()) {
      const directory = packageDirectory(name, list[from].root);
      if (directory === undefined) throw new Error(`${name}, a dependency of ${list[from].name}, is not installed`);
      const real = realpathSync(directory);
      if (known.has(real)) continue;
      known.add(real);
      list.push({ ...manifestOf(real), root: real, from });
    }
  }

  /** The package that a file is in, and its path there. */
  function locate(file) {
    const index = list.reduce(
      (best, { root }, index) => (file.startsWith(root + sep) && root.length > (list[best]?.root.length ?? 0) ? index : best),
      -1,
    );
    const path = index === -1 ? '' : relative(list[index].root, file);
    if (index === -1 || path.split(sep).includes('node_modules'))
      throw new Error(`${file} is in no package that ${list[0].name} depends on`);
    return { index, path };
  }

  /** Names from a dependency of the first package to this one. */
  function wayTo(index) {
    const { name, from } = list[index];
    return from === undefined ? [] : [...wayTo(from), name];
  }

  /** Indexes, with those of the packages that each was found from, in ascending order. */
  function withParents(indexes) {
    const all = new Set();
    for (const index of indexes) for (let at = index; at !== undefined; at = list[at].from) all.add(at);
    return [...all].sort((a, b) => a - b);
  }

  return { list, locate, wayTo, withParents };
}

function manifestOf(directory) {
  const { name, version, dependencies = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return { name, version, dependencies };
}
