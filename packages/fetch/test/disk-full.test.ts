import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bench, useLoopback } from './loopback.js';

useLoopback();

describe('a full disk', () => {
  it('is named, with what is needed', () => {
    // A file system of 256 KiB in a private mount namespace, so that nothing of it outlives the child.
    const content = join(bench.root, 'content');
    writeFileSync(content, Buffer.alloc(600_000, 'x'));
    const mount = join(bench.root, 'small');
    mkdirSync(mount);
    const script = `
      import { createServer } from 'node:http';
      import { readdirSync } from 'node:fs';
      const { createFetcher } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
      const server = createServer((_request, response) => response.end(Buffer.alloc(600000, 'x'))).listen(0, '127.0.0.1', async () => {
        const results = [];
        for (const url of ['http://127.0.0.1:' + server.address().port + '/', ${JSON.stringify(pathToFileURL(content).href)}]) {
          const fetcher = createFetcher({ directory: ${JSON.stringify(mount)}, temporary: ${JSON.stringify(join(mount, 't'))}, env: {} });
          const error = await fetcher.fetch({ url, maxBytes: 1e6, expect: { sizeBytes: 600000 } }).catch((failure) => failure);
          results.push({ code: error.code, kind: error.kind, needed: error.facts?.neededBytes });
          await fetcher.close();
        }
        console.log(JSON.stringify({ results, left: readdirSync(${JSON.stringify(join(mount, 'partial'))}) }));
        server.close();
      });`;
    const command = `mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" --input-type=module -e "$3"`;
    const { stdout, stderr } = spawnSync('unshare', [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      command,
      'sh',
      mount,
      process.execPath,
      script,
    ]);
    expect(stderr.toString()).toBe('');
    const full = { code: 'ICT_FETCH_DISK_FULL', kind: 'host', needed: 600_000 };
    expect(JSON.parse(stdout.toString())).toEqual({ results: [full, full], left: [] });
  });
});
