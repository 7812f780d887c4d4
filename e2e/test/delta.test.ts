import { readFile } from 'node:fs/promises';
import { buildArchive, buildDeb } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, askRoot, Mini, miniTool, type BuildPlaces, type IctResult } from '../src/index.js';

let mini: Mini;
let places: BuildPlaces;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'delta');
  places = await mini.places();
  await compose(['mini-tool', 'mini-aid']);
});
afterAll(() => mini.close());

async function compose(packages: readonly string[], where = places, target = {}): Promise<IctResult> {
  const result = await mini.buildTemplate(await mini.template({ target, system: { packages } }), where);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

/** The ways in which the layer of packages was made, in order; the last one counts. */
function ways(result: IctResult): readonly (readonly [string, string])[] {
  return result.events.flatMap((event) => (event.type === 'install.way' ? [[event.way, event.reason] as const] : []));
}

function unpacked(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'install.progress' && event.phase === 'unpack' ? [event.name] : []));
}

/** Whether the initrd of an earlier tree was kept. */
function keptInitrd(result: IctResult): boolean {
  return result.events.some((event) => event.type === 'image.progress' && event.artifact === 'initrd' && event.action === 'keep');
}

/** Publishes mini-tool in another version, a day after everything else. */
async function publishTool(version: string): Promise<void> {
  const { spec } = mini.distribution;
  const tool = await buildDeb(miniTool(version), mini.root);
  const debs = [...spec.debs.filter((deb) => !deb.includes('mini-tool_')), tool];
  await buildArchive({ ...spec, debs, dateSeconds: spec.dateSeconds + 86_400 });
}

describe('a layer of packages', () => {
  it.each<[string, readonly string[], () => Promise<void>, readonly string[], string, boolean]>([
    ['a package less', ['mini-tool'], async () => undefined, [], 'remove mini-aid:all', false],
    ['another version', ['mini-tool'], () => publishTool('2'), ['mini-tool'], 'change mini-tool:all', false],
    ['a package more', ['mini-tool', 'mini-aid'], async () => undefined, ['mini-aid'], 'add mini-aid:all', true],
  ])('with %s is made from the nearest one, and equals a clean installation', async (_what, packages, prepare, installed, what, kept) => {
    await prepare();
    const delta = await compose(packages);
    expect(ways(delta)).toEqual([['delta', `from the nearest cached layer: ${what}`]]);
    expect(unpacked(delta)).toEqual(installed);
    // A program more reaches no initrd that does not name it, though every UUID of the image is another.
    expect(keptInitrd(delta)).toBe(kept);
    const clean = await compose(packages, await mini.places());
    expect(ways(clean)).toEqual([['clean', 'no cached layer of packages lies over the same base tree']]);
    expect(artifactOf(delta, 'raw').digest).toBe(artifactOf(clean, 'raw').digest);
  });

  it('is installed cleanly because of a script that nobody reviewed', async () => {
    expect(ways(await compose(['mini-aid', 'mini-hook']))).toEqual([['clean', 'mini-hook has a postinst that is not reviewed']]);
  });

  it('is installed cleanly when a script that stays names what comes', async () => {
    expect(ways(await compose(['mini-aid', 'mini-hook', 'mini-tool']))).toEqual([
      ['delta', 'from the nearest cached layer: add mini-tool:all'],
      ['clean', 'the postinst of mini-hook mentions mini-tool'],
    ]);
  });
});

describe('packages of a foreign architecture', () => {
  const target = { foreignArchitectures: ['i386'] };
  /** What dpkg says of a tree, without the architecture's own packages. */
  const installed = async (result: IctResult): Promise<readonly string[]> => {
    const status = await askRoot(artifactOf(result, 'raw').path, 'cat /var/lib/dpkg/status');
    const field = (stanza: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const all = status
      .split('\n\n')
      .map((stanza) => [`${field(stanza, 'Package')}:${field(stanza, 'Architecture')}`, field(stanza, 'Status')]);
    return all.filter(([id]) => id?.startsWith('mini-multi') === true || id?.endsWith(':i386') === true).map((words) => words.join(' '));
  };

  it('are installed by the dpkg of the tree, beside their siblings', async () => {
    const result = await compose(['mini-multi', 'mini-aid', 'mini-foreign'], places, target);
    expect(await installed(result)).toEqual(
      ['mini-foreign:i386', 'mini-multi:amd64', 'mini-multi:i386'].map((id) => `${id} install ok installed`),
    );
    const { path } = artifactOf(result, 'raw');
    expect(await askRoot(path, 'cat /var/lib/dpkg/arch')).toBe('amd64\ni386\n');
    expect(await askRoot(path, 'cat /usr/lib/i386-linux-gnu/mini-multi')).toBe('i386\n');
    const sbom = await readFile(path.replace(/raw$/, 'spdx.json'), 'utf8');
    for (const arch of ['amd64', 'i386']) expect(sbom).toContain(`/mini-multi@1?arch=${arch}&`);
  });

  it('are taken out of a tree as a clean installation would have left them out', async () => {
    const delta = await compose(['mini-multi', 'mini-aid'], places, target);
    expect(ways(delta)).toEqual([['delta', 'from the nearest cached layer: remove mini-foreign:i386 mini-multi:i386']]);
    expect(await installed(delta)).toEqual(['mini-multi:amd64 install ok installed']);
    const clean = await compose(['mini-multi', 'mini-aid'], await mini.places(), target);
    expect(artifactOf(delta, 'raw').digest).toBe(artifactOf(clean, 'raw').digest);
  });
});

describe('--audit-cache', () => {
  const audited = (result: IctResult) =>
    result.events.flatMap((event) => (event.type === 'cache.audited' ? [[event.step, event.equal]] : []));

  it('finds every layer equal to a clean one, those of deltas too', async () => {
    const file = await mini.template({ system: { packages: ['mini-tool', 'mini-aid'] } });
    const result = await mini.buildTemplate(file, places, ['--audit-cache']);
    expect(result.status, result.stderr).toBe(0);
    expect(audited(result)).toEqual([
      ['ict.base', true],
      ['ict.packages', true],
      ['ict.configure', true],
      ['ict.initrd', true],
    ]);
  });

  it('names the step and the path of a layer that is no function of its key, and drops it with the image', async () => {
    const configurations = [{ cmd: 'head -c 8 /dev/urandom > /random' }];
    const file = await mini.template({ system: { packages: ['mini-tool'], configurations } });
    expect((await mini.buildTemplate(file, places)).status).toBe(0);
    const result = await mini.buildTemplate(file, places, ['--audit-cache']);
    expect(result.status).toBe(5);
    expect(audited(result).at(-1)).toEqual(['ict.configure', false]);
    const failed = result.events.find((event) => event.type === 'build.failed');
    expect(failed?.type === 'build.failed' ? failed.error : undefined).toMatchObject({
      code: 'ICT_CACHE_AUDIT',
      facts: { step: 'ict.configure', paths: ['/random'] },
    });
    const again = await mini.buildTemplate(file, places);
    const missed = again.events.flatMap((event) => (event.type === 'step.miss' ? [event.step] : []));
    expect(missed).toEqual(expect.arrayContaining(['ict.image', 'ict.configure']));
  });
});
