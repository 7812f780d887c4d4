import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildArchive, buildDeb, type DebSpec } from '@ict/fixtures';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { artifactOf, filesWith, ict, Mini, miniTemplate, type BuildPlaces, type IctResult } from '../src/index.js';

/** May stand nowhere: the image needs no more than a hash of the one, and its build no more than the other in a variable of a command. */
const PASSWORD = 'planted-password-hunter2';
const TOKEN = 'planted-token-correct-horse';
/** Belongs into the image, and nowhere else. */
const KEY = '-----BEGIN PRIVATE KEY-----\nplanted-key-MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp\n-----END PRIVATE KEY-----\n';

let mini: Mini;
let places: BuildPlaces;
let output: string;
/** All that commands said. */
let said = '';

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'secrets');
  places = await mini.places();
  output = join(mini.root, 'output');
  const { spec } = mini.distribution;
  const accounts: DebSpec = {
    name: 'mini-accounts',
    version: '1',
    files: { '/usr/sbin/chpasswd': '#!/bin/sh\nwhile read -r line; do echo "$line" >> /etc/shadow; done\n' },
    scripts: { postinst: '#!/bin/sh\nset -e\nchmod 0755 /usr/sbin/chpasswd\n' },
  };
  await buildArchive({ ...spec, debs: [...spec.debs, await buildDeb(accounts, mini.root)] });
});
afterAll(() => mini.close());

/** A plugin with a section that may hold a secret, and an exporter that writes down the rest of it. @returns a configuration that lists it. */
async function plugin(): Promise<string> {
  const root = join(mini.root, 'plugin');
  const files: Readonly<Record<string, string>> = {
    'plugin/package.json': JSON.stringify({
      name: '@acme/audit',
      version: '1.0.0',
      type: 'module',
      ict: { apiVersion: 1, plugin: './dist/plugin.js', exporters: ['audit'], templateSection: './section.schema.json' },
    }),
    'plugin/section.schema.json': JSON.stringify({
      type: 'object',
      properties: { level: { type: 'integer', default: 3 }, token: { type: 'string' } },
      required: ['token'],
      additionalProperties: false,
    }),
    'plugin/dist/plugin.js': `export default { apiVersion: 1, exporters: [{ name: 'audit', extension: 'audit.txt',
      export: ({ spec }) => new TextEncoder().encode('level ' + spec.sections['@acme/audit'].level + ', ' + spec.sections['@acme/audit'].token.length) }] };`,
    'config.yml': stringify({ plugins: [root] }),
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(mini.root, name)), { recursive: true });
    await writeFile(join(mini.root, name), text);
  }
  return join(mini.root, 'config.yml');
}

/** A template with every kind of secret; `run` are the commands of a layer that has the token in its environment. */
async function template(run: readonly string[], more: object = {}): Promise<string> {
  const system = {
    packages: ['mini-service', 'mini-accounts'],
    users: [{ name: 'root', password: PASSWORD }],
    additionalFiles: [{ local: 'host.key', final: '/etc/host.key', mode: '0600' }],
  };
  const text = {
    variables: { TOKEN: { secret: true } },
    ...miniTemplate({ system }),
    plugins: { '@acme/audit': { token: '${TOKEN}' } },
    layers: [{ name: 'told', env: { TOKEN: '${TOKEN}' }, run }],
    ...more,
  };
  const file = await mini.template(stringify(text));
  await writeFile(join(file, '..', 'host.key'), KEY);
  return file;
}

async function command(args: readonly string[]): Promise<IctResult> {
  const result = await ict(args, { env: { ICT_VAR_TOKEN: TOKEN } });
  said += result.stdout + result.stderr;
  return result;
}

it('no secret is written or said anywhere, but for the image itself', async () => {
  const config = ['--config', await plugin()];
  const where = ['--cache-dir', places.cache, '--work-dir', places.work, '--temp-dir', places.temporary, ...mini.flags(), ...config];
  const log = ['--verbose', '--log-file', join(output, 'ict.log')];
  await mkdir(output);
  const good = await template(['echo "got $TOKEN"; echo "got $TOKEN" >&2; test -n "$TOKEN"', 'ln -s /nowhere /told']);
  const built = await command(['build', good, '--json', ...where, ...log, '--output', output]);
  expect(built.status, built.stderr).toBe(0);
  expect(built.stdout).toContain('got <REDACTED>');
  // A command that fails says its last lines in an error.
  const failed = await command(['build', await template(['echo "got $TOKEN" >&2; exit 3']), '--json', ...where, ...log]);
  expect(failed.status).toBe(8);
  expect(failed.stderr).toContain('got <REDACTED>');
  // A value that is refused is quoted, and a package of that name is not there.
  const wrong = await command([
    'build',
    await template(['true'], { lock: '${TOKEN}/x.yml', disk: { size: '${TOKEN}' } }),
    ...where,
    ...log,
  ]);
  expect(wrong.status).toBe(1);
  const absent = { ...miniTemplate({ system: { packages: ['${TOKEN}'] } }), variables: { TOKEN: { secret: true } } };
  expect((await command(['build', await mini.template(stringify(absent)), ...where, ...log])).status).toBe(3);
  for (const asking of [
    ['resolve', good, '--explain'],
    ['resolve', good, '--full', '--json'],
    ['plan', good, '--json'],
    ['validate', good],
  ]) {
    const short = asking[0] === 'plan' ? where : [...mini.flags().slice(0, 2), ...config];
    expect((await command([...asking, ...short])).status, asking.join(' ')).toBe(0);
  }
  for (const { path } of [artifactOf(built, 'raw')])
    expect(await readFile(path.replace(/\.raw$/, '.audit.txt'), 'utf8')).toBe(`level 3, ${TOKEN.length}`);

  const directories = [places.cache, places.work, places.temporary, output];
  for (const secret of [PASSWORD, TOKEN]) {
    expect(await filesWith(secret, directories)).toEqual([]);
    expect(said).not.toContain(secret);
  }
  const ofImage = /^(?:\.ict\/layers\/.*\/(?:etc\/host\.key|etc\/shadow)|\.ict\/blobs\/.*|(?:.*\/)?mini-1\.0\.raw)$/;
  const shadows = (await filesWith('root:$6$', [places.cache])).filter((path) => path.endsWith('/etc/shadow'));
  const [, hash = ''] = (await readFile(join(places.cache, shadows[0] as string), 'utf8')).split(':');
  expect(hash).toMatch(/^\$6\$/);
  for (const secret of ['planted-key-MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp', hash.trim()]) {
    const found = await filesWith(secret, directories);
    // That it is found in the image shows that the search finds.
    expect(found).toContain('mini-1.0.raw');
    expect(found.filter((path) => !ofImage.test(path))).toEqual([]);
    expect(said).not.toContain(secret);
  }
});
