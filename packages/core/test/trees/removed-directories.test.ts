import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine-api.js';
import { within } from '../../src/trees/removed-directories.js';
import { eachInWorkspace, openToy, TOY_HEAD, TOY_PARTS } from '../support/toy-plugin.js';

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

/** A toy whose provider removes its directory of temporary files, and goes on in it: when it pins, or when it is asked a question. */
const REMOVING = `import { readFile, rm } from 'node:fs/promises';
const remove = async ({ temporary }) => {
  await rm(temporary, { recursive: true });
  await readFile(temporary + '/index');
};
const root = { path: 'root', digest: 'sha256:${'1'.repeat(64)}', sizeBytes: 1, dateSeconds: 1 };
const snapshot = async (repository, _arch, ctx) => {
  if (WHEN === 'pin') await remove(ctx);
  return { repository, root, signers: ['ABCD'], indexes: [] };
};
const resolve = async ({ seeds }, ctx) => {
  if (seeds.some(({ reason }) => reason === 'why-not')) await remove(ctx);
  return { kind: 'resolved', closure: { packages: [] }, warnings: [] };
};
export default {
  apiVersion: 1,
  providers: [{ ...provider, metadata: { ...provider.metadata, snapshot }, resolver: { version: 1, resolve } }],
  formats: [format],
};`;

describe('a command that builds nothing', () => {
  const { path, write } = eachInWorkspace();

  /** Runs it with a toy that removes its directory then. */
  async function ask(when: 'pin' | 'question', command: (engine: Engine, template: string) => Promise<unknown>): Promise<unknown> {
    const engine = await openToy({ path, write }, `${TOY_PARTS}const WHEN = '${when}';\n${REMOVING}`);
    const template = await write('image.yml', TOY_HEAD);
    try {
      return await command(engine, template);
    } finally {
      await engine.close();
    }
  }

  it.each<[string, 'pin' | 'question', (engine: Engine, template: string) => Promise<unknown>]>([
    ['plan', 'pin', (engine, template) => engine.plan(template)],
    ['warm', 'pin', (engine, template) => engine.warm(template)],
    ['lock', 'pin', (engine, template) => engine.lock(template)],
    ['names of a target', 'pin', (engine) => engine.packageNames({ target: 'toy-toy1-x86_64' })],
    ['why-not', 'question', (engine, template) => engine.whyNot(template, 'bash')],
  ])('%s says what was removed, too', async (_what, when, command) => {
    await expect(ask(when, command)).rejects.toMatchObject({ code: 'ICT_DIRECTORY_REMOVED' });
  });
});
