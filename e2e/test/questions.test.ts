import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { GraphDocument, Plan, SearchDocument, ShowDocument, Why, WhyNot } from '@ict/core';
import { ageUses, ict, PackageWorld, smallDisk, worldPackage } from '../src/index.js';

let world: PackageWorld;
let template: string;

beforeAll(async () => {
  world = await PackageWorld.start(inject('run'), 'questions', [
    worldPackage('app', '1.0', { Depends: 'middle, library', Recommends: 'extra' }),
    worldPackage('middle', '1.0', { 'Pre-Depends': 'library (>= 1)', Provides: 'plumbing' }),
    worldPackage('library', '1.0'),
    worldPackage('extra', '1.0'),
    worldPackage('rival', '1.0', { Conflicts: 'library' }),
    worldPackage('lonely', '1.0', { Depends: 'nowhere' }),
  ]);
  template = await world.template(['app'], { recommends: true });
});
afterAll(() => world.close());

const lineOf = async (text: string) => (await readFile(template, 'utf8')).split('\n').findIndex((line) => line.includes(text)) + 1;

describe('ict why', () => {
  it('leads from the line of the template to the package, in the package\u2019s own words', async () => {
    const { paths, part } = await world.document<Why>(['why', template, 'library']);
    expect(part).toBe('image');
    expect(paths).toMatchObject([
      {
        request: 'app',
        position: { file: template, line: await lineOf('- app') },
        steps: [{ from: 'app:all', to: 'library:all', kind: 'requires', relations: [{ field: 'Depends', text: 'library' }] }],
      },
    ]);
    const { paths: extra } = await world.document<Why>(['why', template, 'extra']);
    expect(extra[0].steps).toMatchObject([{ kind: 'recommends', relations: [{ field: 'Recommends', text: 'extra' }] }]);
    const written = await world.template(['app'], {}, smallDisk('World', '112MiB', 'ext3'));
    const { part: tools } = await world.document<Why>(['why', written, 'e2fsprogs']);
    expect(tools).toBe('tools');
  });

  it('finds the words again that no memory has, and answers from the lock alone where the indexes are gone, too', async () => {
    const locked = await world.template(['app'], { recommends: true });
    expect((await world.ict(['lock', locked])).status).toBe(0);
    const hidden = `${world.places.cache}/.ict`;
    await rm(`${hidden}/memo`, { recursive: true });
    const [step] = (await world.document<Why>(['why', locked, 'library', '--offline'])).paths[0].steps;
    expect(step).toMatchObject({ from: 'app:all', to: 'library:all', relations: [{ field: 'Depends', text: 'library' }] });
    await Promise.all(['memo', 'blobs', 'index'].map((name) => rm(`${hidden}/${name}`, { recursive: true })));
    const { status, stdout, stderr } = await world.ict(['why', locked, 'library', '--offline', '--json']);
    expect([status, (JSON.parse(stdout) as Why).paths[0].steps]).toMatchObject([0, [{ kind: 'requires', relations: [] }]]);
    expect(stderr).toContain('relations are told without their own words');
  });

  it('takes the version that is there, and names it to who asks for another', async () => {
    expect((await world.document<Why>(['why', template, 'library=1.0'])).package.id).toBe('library:all');
    const { status, stderr } = await world.ict(['why', template, 'library=9']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('brings library in version 1.0, not 9')]);
  });

  it('leads to the package that provides a name, and says so', async () => {
    const { package: found, provided, paths } = await world.document<Why>(['why', template, 'plumbing']);
    expect([found.id, provided]).toEqual(['middle:all', [{ package: 'middle:all', text: 'plumbing' }]]);
    expect(paths[0].steps).toMatchObject([{ from: 'app:all', to: 'middle:all' }]);
    expect((await world.ict(['why', template, 'plumbing'])).stdout).toContain('middle 1.0 (mini) provides plumbing, and is in the image:');
  });

  it('refuses a package that is not there, with the nearest name', async () => {
    const result = await world.ict(['why', template, 'libary']);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('ICT_PACKAGE_NOT_CHOSEN');
    expect(result.stderr).toContain('Did you mean "library"?');
  });
});

describe('ict why-not', () => {
  it.each<[string, WhyNot['verdict'], string]>([
    ['library', 'present', ''],
    ['library:amd64', 'present', ''],
    ['rival', 'excluded', 'rival 1.0 conflicts with library'],
    ['lonely', 'unavailable', 'nowhere'],
    ['app=9', 'unavailable', 'app version 9'],
    ['libary', 'unavailable', 'libary'],
  ])('%s: %s', async (wanted, verdict, text) => {
    const answer = await world.document<WhyNot>(['why-not', template, wanted]);
    expect(answer.verdict).toBe(verdict);
    expect(JSON.stringify(answer.problems)).toContain(text);
  });
});

describe('questions over the metadata that a lock pins', () => {
  let locked: string;
  let aside: PackageWorld;
  beforeAll(async () => {
    aside = await PackageWorld.start(inject('run'), 'questions-pinned', [
      worldPackage('app', '1.0', { Description: 'an application' }),
      worldPackage('tool', '1.0', { Depends: 'app (= 1.0)', Provides: 'helper', Description: 'a tool for the application' }),
    ]);
    locked = await aside.template(['app']);
    expect((await aside.ict(['lock', locked])).status).toBe(0);
    await aside.publish([worldPackage('app', '2.0', { Description: 'another application' })]);
  });
  afterAll(() => aside.close());

  it('search, show and why-not answer from the cache, offline, as of the lock', async () => {
    const { packages } = await aside.document<SearchDocument>(['search', locked, 'application', '--offline']);
    expect(packages.map(({ name, versions, chosen }) => [name, versions[0].version, chosen])).toEqual([
      ['app', '1.0', '1.0'],
      ['tool', '1.0', undefined],
    ]);
    const shown = await aside.document<ShowDocument>(['show', locked, 'app', '--offline']);
    expect(shown.packages).toMatchObject([{ version: '1.0', inImage: true, summary: 'an application' }]);
    expect((await aside.document<ShowDocument>(['show', locked, 'helper', '--offline'])).providers).toMatchObject([{ name: 'tool' }]);
    const whyNot = await aside.document<WhyNot>(['why-not', locked, 'tool', '--offline']);
    expect([whyNot.verdict, whyNot.brings.map(({ id }) => id)]).toEqual(['not-needed', ['tool:all']]);
  });

  it('a collection leaves what they are answered from, and what an edited template is resolved from', async () => {
    await aside.document<Plan>(['plan', await aside.template([])]);
    const { cache, work } = aside.places;
    await ageUses(cache, 2 * 3600);
    const collected = await ict(['cache', 'gc', '--cache-dir', cache, '--work-dir', work]);
    expect([collected.status, collected.stdout]).toEqual([0, expect.stringMatching(/^0 entries removed/)]);
    const edited = await aside.template(['app']);
    const { packages } = await aside.document<Plan>(['plan', edited, '--offline']);
    expect(packages.find(({ name }) => name === 'app')).toMatchObject({ version: '2.0' });
    const { packages: then } = await aside.document<ShowDocument>(['show', locked, 'app', '--offline']);
    expect(then).toMatchObject([{ version: '1.0' }]);
  });

  it('without what the cache keeps they fetch the indexes of the lock by content, and say so when those are gone', async () => {
    await rm(aside.places.cache, { recursive: true });
    const forbidden = await aside.ict(['show', locked, 'tool', '--offline']);
    expect([forbidden.status, forbidden.stderr]).toEqual([6, expect.stringContaining('ICT_FETCH_OFFLINE')]);
    const { packages } = await aside.document<ShowDocument>(['show', locked, 'tool']);
    expect(packages).toMatchObject([{ version: '1.0', inImage: false }]);
    await rm(aside.places.cache, { recursive: true });
    await rm(`${aside.directory}/archive/dists/mini/main/binary-amd64/by-hash`, { recursive: true });
    const gone = await aside.ict(['why-not', locked, 'tool']);
    expect([gone.status, gone.stderr]).toEqual([4, expect.stringContaining('ICT_METADATA_GONE')]);
  });

  it('without a lock they ask the repositories as they are now, also for a template that cannot be resolved', async () => {
    const unsolvable = await aside.template(['nowhere']);
    const { packages } = await aside.document<SearchDocument>(['search', unsolvable, 'app']);
    expect(packages.map(({ versions }) => versions[0].version)).toEqual(['2.0']);
    const unknown = await aside.ict(['show', unsolvable, 'appp']);
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('Did you mean "app"?')]);
  });
});

describe('ict graph', () => {
  it('prints the same bytes each time, with versions and kinds of edges', async () => {
    const result = await world.ict(['graph', template]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^digraph G \{\n/);
    expect(result.stdout).toContain('  "app" [label="app\\n1.0"];\n  "app" -> "extra" [style=dashed];\n  "app" -> "library";\n');
    expect((await world.ict(['graph', template])).stdout).toBe(result.stdout);
  });

  it('--reduce leaves out what other ways imply', async () => {
    const { edges, reduced } = await world.document<GraphDocument>(['graph', template, '--reduce']);
    expect(reduced).toBe(true);
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual(['app:all extra:all', 'app:all middle:all', 'middle:all library:all']);
  });

  it('--format svg draws it into a file', async () => {
    const file = `${world.directory}/graph.svg`;
    const result = await world.ict(['graph', template, '--reduce', '--format', 'svg', '--output', file]);
    expect([result.status, result.stdout], result.stderr).toEqual([0, '']);
    const svg = await readFile(file, 'utf8');
    expect(svg).toMatch(/<svg [\s\S]*<\/svg>\s*$/);
    expect([...svg.matchAll(/<title>(app.*)<\/title>/g)].map(([, title]) => title)).toEqual([
      'app',
      'app&#45;&gt;extra',
      'app&#45;&gt;middle',
    ]);
  });
});

describe('ict plan without a template', () => {
  const plan = (...args: string[]) => world.document<Plan>(['plan', '--target', 'mini-mini1-x86_64', ...args]);
  const names = ({ packages }: Plan) => packages.map(({ name }) => name);

  it('resolves just the names, into an empty root', async () => {
    const document = await plan('--only', 'middle');
    expect(names(document)).toEqual(['library', 'middle']);
    expect(document).toMatchObject({ schemaVersion: 1, target: 'mini-mini1-x86_64', steps: [], repositories: [{ id: 'mini' }] });
    expect(document.fetchBytes).toBe(document.packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    expect(names(await plan('--only', 'app', '--recommends'))).toContain('extra');
    expect(names(await plan('--only', 'app', '--no-recommends'))).not.toContain('extra');
  });

  it('counts the packages in the cache only where that is used', async () => {
    expect((await world.ict(['cache', 'warm', await world.template(['app'])])).status).toBe(0);
    const cached = ({ packages }: Plan) => packages.map((pkg) => pkg.cached);
    const args = ['plan', '--target', 'mini-mini1-x86_64', '--only', 'middle', '--json'];
    expect(cached(JSON.parse((await world.ict(args)).stdout) as Plan)).toEqual([true, true]);
    const without = JSON.parse((await world.ict(args, { env: { ICT_PACKAGE_CACHE_ENABLED: 'false' } })).stdout) as Plan;
    expect(cached(without)).toEqual([false, false]);
    expect(without.fetchBytes).toBeGreaterThan(0);
  });

  it('takes the keys of --keyring for repositories that have none, and says that it wants them', async () => {
    const file = join(world.directory, 'keyless.yml');
    const definition = await readFile(world.definition, 'utf8');
    await writeFile(file, definition.replace('dist: mini1', 'dist: keyless1').replace(/keyrings:\s*(\[[^\]]*\]|- \S+)/, 'keyrings: []'));
    const asked = ['plan', '--target', 'mini-keyless1-x86_64', '--only', 'middle', '--distro-file', file, '--json'];
    const refused = await world.ict(asked);
    expect(refused.status).toBe(2);
    expect(refused.stdout).toContain('ICT_DISTRO_KEYS_MISSING');
    const keyring = join(world.directory, 'keyring.gpg');
    const withKeys = async (...args: string[]) => names(await world.document<Plan>([...asked.slice(0, -1), ...args]));
    expect(await withKeys('--keyring', keyring)).toEqual(['library', 'middle']);
    // Of an archive in place of the definition's own, its key is enough; beside them it is not.
    const aside = ['--repo', world.server.url, '--repo-key', keyring];
    expect(await withKeys(...aside)).toEqual(['library', 'middle']);
    const keyless = await world.ict([...asked, '--repo', world.server.url]);
    expect([keyless.status, keyless.stdout]).toEqual([2, expect.stringContaining('--repo-key FILE')]);
    expect((await world.ict([...asked, '--repo', `+${world.server.url}`, '--repo-key', keyring])).status).toBe(2);
  });

  it('takes another repository instead of its own, or beside them', async () => {
    await world.publish([worldPackage('newcomer', '1', { Depends: 'library' })], 'side');
    const aside = ['--repo', world.server.url, '--suite', 'side'];
    const result = await world.ict(['plan', '--target', 'mini-mini1-x86_64', '--only', 'newcomer', ...aside, '--json']);
    expect(result.status).toBe(3);
    expect(result.stdout).toContain('library');
    const beside = (...args: string[]) => plan('--only', 'newcomer', '--repo', ...args);
    const both = await beside(`+${world.server.url}`, '--suite', 'mini', '--suite', 'side');
    expect(names(both)).toEqual(['library', 'newcomer']);
    const line = await beside(`+${world.server.url} side main`);
    expect(names(line)).toEqual(names(both));
    expect(line.repositories.map(({ id, suite, components }) => [id, suite, components])).toEqual([
      ['mini', 'mini', ['main']],
      ['repo-side', 'side', ['main']],
    ]);
  });

  it.each<[string, readonly string[], number, string]>([
    ['a target', ['--target', 'mini-mini2-x86_64', '--only', 'app'], 1, 'ICT_TARGET_UNKNOWN'],
    ['a suite', ['--target', 'mini-mini1-x86_64', '--only', 'app', '--suite', 'minni'], 1, 'ICT_REPOSITORY_UNKNOWN'],
    ['a package', ['--target', 'mini-mini1-x86_64', '--only', 'ap'], 3, 'ICT_DEB_UNKNOWN_PACKAGE'],
  ])('refuses %s that is not there', async (_what, args, status, code) => {
    const result = await world.ict(['plan', ...args, '--json']);
    expect(result.status).toBe(status);
    expect(result.stdout).toContain(code);
  });
});
