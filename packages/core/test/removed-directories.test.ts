import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../src/engine.js';
import { within } from '../src/removed-directories.js';
import { eachInWorkspace, TOY_DEFINITION, TOY_HEAD } from './toy-plugin.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-removed-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const readIn = (name: string) => async () => readFileSync(join(directory, name), 'utf8');

it.each([
  ['a directory that is gone', 'gone', { own: [], shared: ['', 'gone'] }],
  ['an own directory that is gone', 'gone', { own: ['gone'], shared: [''] }],
  ['an own directory that is being removed', '', { own: [''], shared: [] }],
])('names %s', async (_what, which, { own, shared }) => {
  const named = (names: readonly string[]) => names.map((name) => join(directory, name));
  await expect(within({ own: named(own), shared: named(shared) }, readIn('gone/file'))).rejects.toMatchObject({
    code: 'ICT_DIRECTORY_REMOVED',
    facts: { directory: join(directory, which) },
    cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
  });
});

it('leaves every other failure as it is', async () => {
  const there = { own: [], shared: [directory] };
  await expect(within(there, readIn('absent'))).rejects.toMatchObject({ code: 'ENOENT' });
  const gone = { own: [join(directory, 'gone')], shared: [] };
  const other = new Error('other');
  await expect(within(gone, () => Promise.reject(other))).rejects.toBe(other);
  expect(await within(gone, async () => 'done')).toBe('done');
});

/** A toy whose provider removes its directory of temporary files, and goes on in it. */
const REMOVING = `import { readFile, rm } from 'node:fs/promises';
const snapshot = async (_repository, _arch, { temporary }) => {
  await rm(temporary, { recursive: true });
  await readFile(temporary + '/index');
};
export default {
  apiVersion: 1,
  providers: [{ ecosystem: 'toy', metadata: { snapshot } }],
  formats: [{ imageTypes: ['toy'], check: () => [], requires: () => [], tools: () => [] }],
};`;

describe('a command that builds nothing', () => {
  const { path, write } = eachInWorkspace();

  it.each(['plan', 'warm', 'lock'] as const)('%s says what was removed, too', async (command) => {
    const ict = { apiVersion: 1, plugin: './plugin.js', ecosystems: ['toy'], imageTypes: ['toy'], distros: ['toy1.yml'] };
    await write('toy/package.json', JSON.stringify({ name: '@acme/toy', version: '1.0.0', type: 'module', ict }));
    await write('toy/plugin.js', REMOVING);
    await write('toy/toy1.yml', TOY_DEFINITION);
    await write('toy/key.pgp', '');
    const template = await write('image.yml', TOY_HEAD);
    const engine = await openEngine({
      cacheDir: path('cache'),
      workDir: path('work'),
      temporaryDir: path('temporary'),
      workers: 1,
      mirrors: [],
      hostSources: false,
      plugins: [path('toy')],
      distributionFiles: [],
      offline: true,
      verify: 'signature',
      storage: {
        packageCache: { enabled: true, maxSizeBytes: 1, retentionDays: 1, twins: false },
        imageCache: { enabled: true, maxCount: 1 },
      },
      emit: () => undefined,
      signal: new AbortController().signal,
    });
    try {
      await expect(engine[command](template)).rejects.toMatchObject({ code: 'ICT_DIRECTORY_REMOVED' });
    } finally {
      await engine.close();
    }
  });
});
