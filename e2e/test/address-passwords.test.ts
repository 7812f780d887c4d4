import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plan } from '@ict/core';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  build,
  filesWith,
  ict,
  Mini,
  MINI_ARCHIVE,
  MINI_DEFINITION,
  miniTemplate,
  PackageWorld,
  sound,
  worldPackage,
  type WorldEcosystem,
} from '../src/index.js';

const PASSWORD = 'planted-door-staple';

/** An archive that asks for a user and password, which stand in its address: in the definition, in a template, and in flags. */
describe.each<WorldEcosystem>(['deb', 'rpm'])('of %s packages', (ecosystem) => {
  let world: PackageWorld;
  let guarded: string;
  let keyring: string;
  /** All that commands said. */
  let said = '';

  beforeAll(async () => {
    world = await PackageWorld.start(inject('run'), `passwords-${ecosystem}`, [worldPackage('app')], ecosystem);
    world.server.demand(`someone:${PASSWORD}`);
    guarded = world.server.url.replace('//', `//someone:${PASSWORD}@`);
    keyring = join(world.directory, 'keyring.gpg');
  });
  afterAll(() => world.close());

  async function ask(status: number, args: readonly string[], run = (all: readonly string[]) => world.ict(all)): Promise<string> {
    const { stdout, stderr, ...result } = await run([...args, '--verbose']);
    said += stdout + stderr;
    expect(result.status, `${args.join(' ')}: ${stderr}`).toBe(status);
    return stdout;
  }

  async function written(name: string, text: object): Promise<string> {
    const file = join(world.directory, name, 'file.yml');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, stringify(text));
    return file;
  }

  const question = ['plan', '--target', 'mini-mini1-x86_64', '--only', 'app'];

  it('opens it with those of flags', async () => {
    const repo = ['--repo', guarded, '--repo-key', keyring];
    const plan = JSON.parse(await ask(0, [...question, ...repo, '--json'])) as Plan;
    expect(plan.repositories.map(({ archive }) => archive)).toEqual([world.server.url]);
    await ask(0, [...question, ...repo]);
    await ask(4, [...question, '--repo', guarded.replace('staple', 'stapel'), '--repo-key', keyring]);
    await ask(2, [...question, '--repo', `${guarded}:99999999`, '--repo-key', keyring]);
    await ask(2, [...question, `--repos=${guarded}`]);
  });

  it('opens it with those of a template, and of a definition whose packages are locked, searched and shown', async () => {
    const [repository] = MINI_DEFINITION.repositories;
    const { essential } = MINI_DEFINITION;
    const own = ecosystem === 'deb' ? { essential: { ...essential, packages: [] } } : { ecosystem, essential: { packages: ['mini-base'] } };
    const definition = await written('definition', {
      ...MINI_DEFINITION,
      ...own,
      dist: 'guarded1',
      quirks: {},
      repositories: [
        {
          ...repository,
          ...(ecosystem === 'deb' ? {} : { suite: undefined, components: undefined }),
          archive: guarded,
          keyrings: [keyring],
        },
      ],
    });
    const template = { ...miniTemplate({ system: { packages: ['app'] } }) };
    const target = { ...(template as { target: object }).target, dist: 'guarded1' };
    const file = await written('template', {
      ...template,
      target,
      packageRepositories: [{ codename: 'mini', url: guarded, pkey: keyring }],
    });
    const where = ['--distro-file', definition];
    await ask(0, ['lock', file, ...where]);
    expect(await readFile(file.replace('.yml', '.lock.yml'), 'utf8')).toContain(`archive: ${world.server.url}\n`);
    for (const command of [
      ['plan', file, '--json'],
      ['plan', file],
      ['why', file, 'app'],
      ['why-not', file, 'nothing'],
      ['search', file, 'app', '--json'],
      ['show', file, 'app', '--json'],
      ['graph', file],
      ['cache', 'explain', file],
      ['lock', file, '--update'],
    ]) {
      await ask(0, [...command, ...where]);
    }
    for (const command of [['validate'], ['resolve', '--full'], ['resolve', '--explain', '--json']])
      await ask(0, [...command, file, ...where], (args) => ict(args));
  });

  it('is said and written nowhere', async () => {
    const { cache, work, temporary } = world.places;
    const definitions = [join(world.directory, 'definition/file.yml'), join(world.directory, 'template/file.yml')];
    expect(said).toContain(world.server.url);
    expect(said).not.toContain('planted-door');
    expect(await filesWith('planted-door', [cache, work, temporary])).toEqual([]);
    // What the tests wrote shows that the search finds.
    const found = await filesWith('planted-door', [world.directory]);
    expect(found.map((path) => join(world.directory, path)).sort()).toEqual(definitions);
  });
});

describe('an image of packages from an archive that asks for a password', () => {
  it('holds neither it nor its user, nor do the documents beside it, the cache, and what the build said', async () => {
    const mini = await Mini.start(inject('run'), 'passwords-image');
    try {
      mini.server.demand(`someone:${PASSWORD}`);
      const definition = await readFile(mini.distribution.definition, 'utf8');
      const guarded = definition.replaceAll(MINI_ARCHIVE, mini.server.url.replace('//', `//someone:${PASSWORD}@`));
      expect(guarded).not.toBe(definition);
      // Beside the keyring, which it names.
      const file = join(dirname(mini.distribution.definition), 'guarded.yml');
      await writeFile(file, guarded);
      const places = await mini.places();
      const image = await sound(build(mini.distribution.template, places, ['--distro-file', file, '--verbose']));
      const directories = Object.values(places);
      expect(await filesWith(mini.server.url, directories)).not.toEqual([]);
      expect(await filesWith('planted-door', directories)).toEqual([]);
      expect(image.stdout + image.stderr).not.toContain('planted-door');
    } finally {
      await mini.close();
    }
  });
});
