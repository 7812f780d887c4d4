import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discoverPlugins } from '../src/plugin-discovery.js';

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'ict-plugins-')));
});

afterEach(() => rm(root, { recursive: true }));

async function install(directory: string, manifest: object): Promise<string> {
  const path = join(root, directory);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'package.json'), JSON.stringify(manifest));
  return path;
}

const ict = { apiVersion: 1, plugin: './plugin.js' };

describe('discoverPlugins', () => {
  it('finds dependencies with an ict field, and no others', async () => {
    await install('app', { name: 'app', dependencies: { plain: '1', '@acme/ict': '1' }, optionalDependencies: { absent: '1' } });
    await install('app/node_modules/plain', { name: 'plain' });
    const plugin = await install('node_modules/@acme/ict', { name: '@acme/ict', ict, exports: {} });
    expect(await discoverPlugins(join(root, 'app'), [])).toEqual([plugin]);
  });

  it('follows links to where a package lives, and names each once', async () => {
    await install('app', { name: 'app', dependencies: { linked: '1' } });
    const plugin = await install('workspace/linked', { name: 'linked', ict });
    await mkdir(join(root, 'node_modules'));
    await symlink(plugin, join(root, 'node_modules', 'linked'));
    expect(await discoverPlugins(join(root, 'app'), [{ name: './workspace/linked', base: root }])).toEqual([plugin]);
  });

  it('finds what the configuration lists, by name from its directory and by path', async () => {
    await install('app', { name: 'app' });
    const named = await install('etc/node_modules/named', { name: 'named', ict });
    const pathed = await install('etc/own', { name: 'own', ict });
    const configured = [
      { name: 'named', base: join(root, 'etc') },
      { name: pathed, base: '/' },
    ];
    expect(await discoverPlugins(join(root, 'app'), configured)).toEqual([named, pathed]);
  });

  it.each([
    ['nowhere', /npm install nowhere/],
    ['./nowhere', /Correct the path/],
    ['@acme/nowhere', /npm install @acme\/nowhere/],
    ['/nonexistent/nowhere', /Correct the path/],
    ['bad name', /correct `plugins:`/],
  ])('says that %s is not there', async (name, hint) => {
    await install('app', { name: 'app' });
    await expect(discoverPlugins(join(root, 'app'), [{ name, base: root }])).rejects.toMatchObject({
      code: 'ICT_CLI_PLUGIN_NOT_FOUND',
      hint: expect.stringMatching(hint) as string,
    });
  });

  it('misses no dependency in silence', async () => {
    await install('app', { name: 'app', dependencies: { lost: '1' } });
    await expect(discoverPlugins(join(root, 'app'), [])).rejects.toMatchObject({ code: 'ICT_CLI_PLUGIN_NOT_FOUND' });
  });
});
