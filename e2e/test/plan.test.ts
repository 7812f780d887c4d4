import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan, StepReport } from '@ict/core';
import { buildArchive, buildDeb, type DebSpec } from '@ict/fixtures';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { ict, Mini, miniTemplate, miniTool, smallDisk, type BuildPlaces, type IctResult } from '../src/index.js';

let mini: Mini;
let places: BuildPlaces;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'plan');
  places = await mini.places();
});
afterAll(() => mini.close());

type Changes = NonNullable<Parameters<typeof miniTemplate>[0]> & { readonly layers?: readonly object[] };

/** What every template of this file asks for, unless a case says otherwise. */
const PACKAGES = ['mini-service', 'mini-tool'];

/** The steps of a disk of these templates. */
const TREE = ['ict.base', 'ict.packages', 'ict.configure', 'ict.initrd'];
const DISK = [...TREE, 'disk.assemble'];

function placesFlags(): readonly string[] {
  return ['--cache-dir', places.cache, '--work-dir', places.work, '--temp-dir', places.temporary];
}

async function plan(template: string): Promise<Plan> {
  const { status, stdout, stderr } = await ict(['plan', template, '--json', ...placesFlags(), ...mini.flags()]);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Plan;
}

type StepDone = Pick<StepReport, 'type' | 'key' | 'hit' | 'reason'>;

/** What a build did with each step, in its order. */
function stepsDone(result: IctResult): readonly StepDone[] {
  return result.events.flatMap((event): readonly StepDone[] => {
    if (event.type === 'step.hit') return [{ type: event.step, key: event.key, hit: true, reason: '' }];
    return event.type === 'step.miss' ? [{ type: event.step, key: event.key, hit: false, reason: event.reason }] : [];
  });
}

interface Outcome {
  /** What the build did with its steps. */
  readonly hits: readonly string[];
  readonly made: readonly string[];
  /** How the plan said that packages would be installed. */
  readonly install: string | undefined;
  /** Of the steps that the plan left open: those that were found. */
  readonly foundAgain: readonly string[];
  readonly plan: Plan;
}

/** Plans, builds, and holds the one against the other. @param prepare is done before, with the template */
async function planAndBuild({ layers, ...changes }: Changes = {}, prepare?: (template: string) => Promise<void>): Promise<Outcome> {
  const text = miniTemplate({ ...changes, system: { packages: PACKAGES, ...changes.system } });
  const template = await mini.template(stringify({ ...text, ...(layers === undefined ? {} : { layers }) }));
  await prepare?.(template);
  const planned = await plan(template);
  const result = await mini.buildTemplate(template, places);
  expect(result.status, result.stderr).toBe(0);
  const done = stepsDone(result);
  const [image] = planned.steps;
  const expected = image?.hit === true ? [image] : planned.steps;
  expect(done.map(({ type }) => type)).toEqual(expected.map(({ type }) => type));
  for (const [index, { type, key, hit, reason, waitsFor }] of expected.entries()) {
    const built = done[index];
    if (key !== undefined) expect(built).toEqual({ type, key, hit, reason });
    else if (waitsFor === undefined) expect(built).toMatchObject({ type, hit: false });
    else expect([hit, reason]).toEqual([false, `depends on what ${waitsFor} makes`]);
  }
  const downloaded = result.events.flatMap((event) => (event.type === 'package.downloaded' ? [event] : []));
  const missing = image?.hit === true ? [] : planned.packages.filter(({ cached }) => !cached);
  expect(downloaded.map(({ name }) => name).toSorted()).toEqual(missing.map(({ name }) => name).toSorted());
  expect(planned.fetchBytes).toBe(downloaded.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  expectWay(planned, result);
  const install = planned.steps.find((step) => step.install !== undefined)?.install;
  const foundAgain = expected.filter(({ waitsFor }, index) => waitsFor !== undefined && done[index]?.hit === true);
  return {
    hits: done.filter(({ hit }) => hit).map(({ type }) => type),
    made: done.filter(({ hit }) => !hit).map(({ type }) => type),
    install: install && `${install.way}: ${install.reason}`,
    foundAgain: foundAgain.map(({ type }) => type),
    plan: planned,
  };
}

/** The build installs packages in the way that the plan says, for the reason that it gives; what the plan could not know stands after `unless`. */
function expectWay({ steps }: Plan, { events }: IctResult): void {
  const [said] = steps.flatMap(({ install }) => (install === undefined ? [] : [install]));
  const ways = events.flatMap((event) => (event.type === 'install.way' ? [event] : []));
  const [way] = ways;
  expect(way === undefined, 'packages are installed when the plan says how').toBe(said === undefined);
  if (way === undefined || said === undefined) return;
  const [reason, exception] = said.reason.split(', unless ');
  if (way.way === said.way) expect(way.reason).toBe(reason);
  else expect(exception, `${way.way}: ${way.reason}, where the plan said ${said.way}`).toBeDefined();
}

/** Publishes other versions of packages, at the same date as everything else. */
async function publish(...specs: readonly DebSpec[]): Promise<void> {
  const { spec } = mini.distribution;
  const others = spec.debs.filter((deb) => !specs.some(({ name }) => deb.includes(`/${name}_`)));
  await buildArchive({ ...spec, debs: [...others, ...(await Promise.all(specs.map((each) => buildDeb(each, mini.root))))] });
}

const NOTHING_THERE = 'clean: no cached layer of packages lies over the same base tree';

it('an empty cache: every step is listed, and made', async () => {
  const { made, hits, install, plan: planned } = await planAndBuild();
  expect([hits, made]).toEqual([[], ['ict.image', ...DISK, 'ict.inventory']]);
  expect(install).toBe(NOTHING_THERE);
  // The first two do not depend on what others make.
  expect(planned.steps.filter(({ key }) => key !== undefined).map(({ type }) => type)).toEqual(['ict.image', 'ict.base']);
});

it('nothing changed: the finished image is there, and nothing is fetched', async () => {
  const { made, hits, install, plan: planned } = await planAndBuild();
  expect([hits, made, install]).toEqual([['ict.image'], [], undefined]);
  expect(planned.steps.every(({ hit }) => hit)).toBe(true);
});

it('another hostname: the configuration, and what lies over it', async () => {
  const { made, hits, install } = await planAndBuild({ system: { hostname: 'other' } });
  expect([hits, install]).toEqual([['ict.base', 'ict.packages'], undefined]);
  expect(made).toEqual(expect.arrayContaining(['ict.configure', 'disk.assemble']));
});

it('a file more: the same', async () => {
  const source = join(mini.root, 'motd');
  await writeFile(source, 'hello\n');
  const { hits, install } = await planAndBuild({ system: { additionalFiles: [{ local: source, final: '/etc/motd' }] } });
  expect([hits, install]).toEqual([['ict.base', 'ict.packages'], undefined]);
});

it('another form of the artifact: the disk is the one of before, and is compressed', async () => {
  const disk = { ...smallDisk('Mini', '112MiB'), artifacts: [{ type: 'raw', compression: 'gz' }] };
  const { made, hits, foundAgain, install } = await planAndBuild({ disk });
  expect([made, foundAgain, install]).toEqual([['ict.image', 'disk.compress'], [], undefined]);
  expect(hits).toEqual([...TREE, 'disk.assemble', 'ict.inventory']);
});

it('another image type: its packages, and its own steps', async () => {
  const disk = { partitions: [], artifacts: [{ type: 'tar', compression: 'gz' }] };
  const { made, install } = await planAndBuild({ target: { imageType: 'wsl2' }, disk, system: { kernel: undefined } });
  expect(made).toEqual(expect.arrayContaining(['ict.configure', 'wsl.assemble', 'wsl.compress']));
  expect(install).toMatch(/^delta: from the nearest cached layer: remove /);
});

it('a package more: a delta, unless what is not downloaded yet speaks against it', async () => {
  const delta = await planAndBuild({ system: { packages: [...PACKAGES, 'mini-aid'] } });
  expect(delta.hits).toEqual(['ict.base']);
  expect(delta.install).toBe(
    'delta: from the nearest cached layer: add mini-aid:all, unless mini-aid, not downloaded yet, must be installed in order',
  );
  const script = await planAndBuild({ system: { packages: [...PACKAGES, 'mini-hook'] } });
  expect(script.install).toMatch(/^delta: .*, unless mini-hook, not downloaded yet, must be installed in order$/);
  // What the cache has is judged before.
  const warm = async (template: string) => {
    const { status, stderr } = await ict(['cache', 'warm', template, ...placesFlags(), ...mini.flags()]);
    expect(status, stderr).toBe(0);
  };
  const known = await planAndBuild({ system: { packages: [...PACKAGES, 'mini-daemon'] } }, warm);
  expect(known.install).toBe('clean: mini-daemon has a postinst that is not reviewed');
});

it('another version: a delta', async () => {
  await publish(miniTool('2'));
  const { hits, install } = await planAndBuild();
  expect(hits).toEqual(['ict.base']);
  expect(install).toBe(
    'delta: from the nearest cached layer: change mini-tool:all, unless mini-tool, not downloaded yet, must be installed in order',
  );
});

it('another version of a package of the base tree: packages are installed anew over it', async () => {
  const files = {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/etc/os-release': 'ID=mini\nVERSION_ID=2\n',
    '/root/.keep': '',
    '/var/log/.keep': '',
  };
  await publish(miniTool('2'), { name: 'mini-base', version: '2', fields: { Essential: 'yes' }, files });
  const { hits, install, foundAgain } = await planAndBuild();
  expect([hits, foundAgain]).toEqual([[], []]);
  expect(install).toBe(`${NOTHING_THERE}, unless ict.base gives the same as before`);
});

it('a layer that comes out as before: what the plan left open is found', async () => {
  const layered = (run: string) => ({
    layers: [
      { name: 'app', run: [run] },
      { name: 'over', run: ['echo over > /over'] },
    ],
  });
  await planAndBuild(layered('echo app > /app'));
  const { foundAgain, made } = await planAndBuild(layered('echo app > /app; true'));
  expect(made).toEqual(['ict.image', 'ict.layer.app']);
  expect(foundAgain).toEqual(['ict.layer.over', 'ict.initrd', 'disk.assemble', 'ict.inventory']);
});
