import { join } from 'node:path';

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
      if (id !== starts) return null;
      const [before, after, ...more] = code.split(BESIDE);
      if (after === undefined || more.length > 0) throw new Error(`${id} no longer finds its thread as ${import.meta.url} knows it`);
      const place = `require('node:url').fileURLToPath(new URL(${JSON.stringify(`./${chunk}`)}, import.meta.url))`;
      return { code: `${before}${place}${after}`, map: null };
    },
  };
}
