import { join, sep } from 'node:path';

/** How piscina finds the program of its threads. */
const BESIDE = `(0, node_path_1.resolve)(__dirname, 'worker.js')`;

/** Compiled code, for threads that give way to others. None of ours does. */
const NICE = '@napi-rs/nice';

/**
 * A plugin for the bundler that lets piscina start its threads from the bundle: it looks for their program beside its own module.
 *
 * @param {string} root real directory of piscina.
 * @param {string} chunk name of the chunk with that program.
 */
export function piscinaThreads(root, chunk) {
  const starts = join(root, 'dist/index.js');
  return {
    name: 'piscina-threads',
    resolveId: (source) => (source === NICE ? { id: NICE, external: true } : null),
    transform(code, id) {
      if (!id.startsWith(root + sep)) return null;
      const parts = id === starts ? code.split(BESIDE) : [code];
      if (parts.length !== (id === starts ? 2 : 1) || /\b__(?:dir|file)name\b/.test(parts.join(' ')))
        throw new Error(`${id} no longer finds its threads as ${import.meta.url} knows it`);
      const place = `require('node:url').fileURLToPath(new URL(${JSON.stringify(`./${chunk}`)}, import.meta.url))`;
      return id === starts ? { code: parts.join(place), map: null } : null;
    },
  };
}
