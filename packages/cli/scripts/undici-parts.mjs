import { join } from 'node:path';

/** What is used of undici, and the modules that it lies in. */
const USED = {
  Agent: './lib/dispatcher/agent',
  EnvHttpProxyAgent: './lib/dispatcher/env-http-proxy-agent',
  Pool: './lib/dispatcher/pool',
  buildConnector: './lib/core/connect',
};

/** In place of undici's main module. Proxies are asked by the methods that it gives to all dispatchers. */
const MAIN = [
  `Object.assign(require('./lib/dispatcher/dispatcher').prototype, require('./lib/api'));`,
  ...Object.entries(USED).map(([name, file]) => `exports.${name} = require('${file}');`),
].join('\n');

/** In place of HTTP/2, for which Node loads as much again. No connection speaks it: see `allowH2` in `packages/fetch`. */
const HTTP2 = `module.exports = () => { throw new Error('HTTP/2 is not part of the bundle'); };`;

/**
 * A plugin for the bundler that takes of undici what is used. Its main module loads all of it, and fetch, web sockets, caches and mocks are two
 * thirds of the time that this takes.
 *
 * @param {string} root real directory of undici.
 */
export function undiciParts(root) {
  const replacements = new Map([
    [join(root, 'index.js'), MAIN],
    [join(root, 'lib/dispatcher/client-h2.js'), HTTP2],
  ]);
  return {
    name: 'undici-parts',
    transform(code, id) {
      for (const [importing, names] of code.matchAll(/(?:\{([^{}]*)\} = await )?(?:import\(|require\(|\bfrom\s*)['"]undici['"]/g)) {
        const missing = names?.match(/[^\s,][^,]*/g)?.filter((name) => !(name.trim() in USED));
        if (missing?.length !== 0) throw new Error(`${id}: ${importing} takes what ${import.meta.url} leaves out`);
      }
      return replacements.has(id) ? { code: replacements.get(id), map: null } : null;
    },
  };
}
