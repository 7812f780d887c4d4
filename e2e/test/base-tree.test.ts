import { existsSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { artifactOf, build, forgetUponBase, ict, Mini, sound, type BuildPlaces, type IctResult } from '../src/index.js';

let mini: Mini;
let places: BuildPlaces;
let work: string;
let digest: string;

/** The first image, in its directories: of what later tests left there, the base tree stays and is taken, or is made anew. */
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'base-tree');
  places = await mini.places();
  work = join(places.work, 'mini-mini1-x86_64');
  digest = artifactOf(await sound(mini.build(places)), 'raw').digest;
});
afterAll(() => mini.close());
beforeEach(async () => {
  await forgetUponBase(places);
  expect(artifactOf(await sound(mini.build(places)), 'raw').digest).toBe(digest);
});

/** A build that needs the base tree again: one more library on top of it. */
async function buildOnTop(): Promise<IctResult> {
  const template = await mini.template({ system: { packages: ['mini-service', 'libudev1'] } });
  const result = await mini.buildTemplate(template, places);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

function hits(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'step.hit' ? [event.step] : []));
}

function warnings(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
}

describe('the base tree', () => {
  it('is reused by another image whose base packages are the same', async () => {
    const result = await buildOnTop();
    expect(hits(result)).toContain('ict.base');
    expect(hits(result)).not.toContain('ict.packages');
    expect(warnings(result)).toEqual([]);
  });

  it('is not used when a file in it was changed, even though the directory exists', async () => {
    await appendFile(join(work, 'chrootenv', 'etc', 'os-release'), 'TAMPERED=yes\n');
    const result = await buildOnTop();
    expect(warnings(result)).toContain('ICT_LAYER_DAMAGED');
    const clean = await mini.places();
    const other = await mini.buildTemplate(await mini.template({ system: { packages: ['mini-service', 'libudev1'] } }), clean);
    expect(artifactOf(result, 'raw').digest).toBe(artifactOf(other, 'raw').digest);
  });

  it('comes back from its snapshot when the directory was removed', async () => {
    await rm(join(work, 'chrootenv'), { recursive: true });
    const result = await buildOnTop();
    expect(hits(result)).toContain('ict.base');
    expect(result.events.filter((event) => event.type === 'install.progress' && event.phase === 'extract')).toEqual([]);
  });

  it('is built anew when directory and snapshot were removed, or the snapshot is damaged', async () => {
    await rm(join(work, 'chrootenv'), { recursive: true });
    await appendFile(join(work, 'chrootbuild', 'chrootenv.tar.gz'), 'x'.repeat(100));
    await buildOnTop();
    await rm(join(work, 'chrootenv'), { recursive: true });
    await rm(join(work, 'chrootbuild'), { recursive: true });
    const result = await buildOnTop();
    expect(hits(result)).not.toContain('ict.base');
  });

  it('is made again after verify found its snapshot damaged and took it away', async () => {
    const snapshot = join(work, 'chrootbuild', 'chrootenv.tar.gz');
    const verify = (...flags: string[]) =>
      ict(['cache', 'verify', ...flags, '--json', '--cache-dir', places.cache, '--work-dir', places.work]);
    expect((await verify()).status).toBe(0);
    await appendFile(snapshot, 'x'.repeat(100));
    const found = await verify();
    expect([found.status, JSON.parse(found.stdout)]).toMatchObject([5, { workspace: { findings: [{ kind: 'chrootbuild' }] } }]);
    expect((await verify('--repair')).status).toBe(0);
    expect(existsSync(snapshot)).toBe(false);
    await rm(join(work, 'chrootenv'), { recursive: true });
    expect(hits(await buildOnTop())).not.toContain('ict.base');
    expect(existsSync(snapshot)).toBe(true);
    expect((await verify()).status).toBe(0);
  });

  it('of another definition takes its place, and switching back hits again', async () => {
    const definition = parse(await readFile(mini.distribution.definition, 'utf8')) as { essential: { packages: string[] } };
    definition.essential.packages.push('mini-library');
    const other = join(mini.distribution.definition, '..', 'larger.yml');
    await writeFile(other, stringify(definition));
    const flags = ['--distro-file', other, ...mini.flags().slice(2)];
    const larger = await build(mini.distribution.template, places, flags);
    expect(larger.status, larger.stderr).toBe(0);
    expect(hits(larger)).not.toContain('ict.base');
    const back = await buildOnTop();
    expect(hits(back)).toContain('ict.base');
    expect(back.events.filter((event) => event.type === 'install.progress' && event.phase === 'extract')).toEqual([]);
  });

  it.each(['work', 'cache'] as const)(
    'and everything else is made again, equal, after the %s directory was removed by hand',
    async (which) => {
      await rm(places[which], { recursive: true });
      const result = await mini.build(places);
      expect(result.status, result.stderr).toBe(0);
      expect(artifactOf(result, 'raw').digest).toBe(digest);
    },
  );
});
