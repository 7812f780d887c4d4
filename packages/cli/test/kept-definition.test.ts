import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseDistribution, placeDistribution, type WrittenDistribution } from '@ict/template';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptDefinition, keptDefinitionFile } from '../src/kept-definition.js';
import { packageRoot } from '../src/module-url.js';
import { discoverPlugins } from '../src/plugin-discovery.js';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'ict-kept-'))));
afterEach(() => rm(directory, { recursive: true }));

async function keep(text: string, content: string): Promise<void> {
  const file = keptDefinitionFile(directory, text);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

describe('what was read of a definition', () => {
  it('is known by the text', async () => {
    await keep('os: one', '{ "os": "one" }');
    expect(keptDefinition(directory, 'os: one')).toEqual({ os: 'one' });
    expect(keptDefinition(directory, 'os: one\n')).toBeUndefined();
  });

  it('is not known when it is cut off', async () => {
    await keep('os: one', '{ "os": "o');
    expect(keptDefinition(directory, 'os: one')).toBeUndefined();
  });
});

describe('the definitions of the plugins that come along', async () => {
  const { definitionFiles, readManifest } = await import('@ict/core');
  const plugins = await Promise.all((await discoverPlugins(packageRoot, [])).map(readManifest));
  const files = (await Promise.all(plugins.map(definitionFiles))).flat();

  it.each(files.map((file) => [basename(file), file] as const))('%s is the same when it was kept', async (_, file) => {
    const text = await readFile(file, 'utf8');
    const { definition, written } = parseDistribution(text, file);
    expect(definition).toBeDefined();
    expect(placeDistribution(JSON.parse(JSON.stringify(written)) as WrittenDistribution, file)).toEqual(definition);
  });
});
