import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { USUAL_TIERING_BUDGET } from '../src/parser-code.js';
import { makeBench, startLoopback, type Bench, type Loopback } from './loopback.js';

const run = promisify(execFile);

let server: Loopback;
let bench: Bench;

beforeEach(async () => {
  bench = makeBench();
  server = await startLoopback();
});
afterEach(async () => {
  await server.close();
  await bench.close();
});

/** A module whose one function counts down from its argument: `(func (export "count") (param i32) (loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0))`. */
const COUNTING = 'AGFzbQEAAAABBQFgAX8AAwIBAAcJAQVjb3VudAAAChABDgADQCAAQQFrIgANAAsL';

it.each([
  ['a server', '/large', {}],
  ['a proxy', 'http://archive.invalid/large', { http_proxy: true }],
])('leaves the parser as it is made for what a build fetches from %s, and has other modules compiled well', async (_, path, variables) => {
  const url = new URL(path, server.origin).href;
  const env = Object.fromEntries(Object.keys(variables).map((name) => [name, server.origin]));
  const piece = Buffer.alloc(1024 * 1024);
  const pieces = 60;
  server.on(path, (_request, response) => {
    response.writeHead(200, { 'content-length': piece.length * pieces });
    void (async () => {
      for (let sent = 0; sent < pieces; sent++) if (!response.write(piece)) await once(response, 'drain');
      response.end();
    })();
  });
  const script = `
    const { createFetcher } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    const fetcher = createFetcher({ directory: ${JSON.stringify(bench.root)}, temporary: ${JSON.stringify(bench.root)}, env: ${JSON.stringify(env)} });
    await fetcher.fetch({ url: ${JSON.stringify(url)}, maxBytes: ${piece.length * pieces} });
    await fetcher.close();
    console.log('fetched');
    const { instance } = await WebAssembly.instantiate(Buffer.from('${COUNTING}', 'base64'));
    for (let call = 0; call < 100; call++) instance.exports.count(1_000_000);`;
  const { stdout } = await run(process.execPath, ['--trace-wasm-compilation-times', '--input-type=module', '-e', script]);
  const [fetching, counting] = stdout.split('fetched\n');
  expect(fetching).toContain('using Liftoff');
  expect(fetching).not.toContain('using TurboFan');
  expect(counting).toContain('using TurboFan');
});

it('goes back to what V8 has by itself', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  expect(options).toContain(`default: --wasm-tiering-budget=${USUAL_TIERING_BUDGET}`);
});
