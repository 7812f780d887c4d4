import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serveArchive } from '@ict/fixtures';
import { alternate, type Contender } from './alternation.js';
import { ictBuild, mmdebstrap, requirePrograms } from './builders.js';
import { makeLocalArchive, type LocalArchive } from './local-archive.js';
import { measure } from './measurement.js';
import type { Comparison } from './report.js';
import type { Scenario, ScenarioOptions } from './scenario.js';

/**
 * The same packages from the same loopback server, made into a disk image by ict and into an ext4 image by mmdebstrap and mke2fs:
 * with nothing cached, with the packages cached, and then the rebuild of an unchanged template. With packages and their metadata cached, but no tree
 * and no answer of a resolution, also to the root tree alone, on both sides.
 */
export const cold: Scenario = async (options) => {
  await requirePrograms();
  const archive = await makeLocalArchive(options);
  const server = await serveArchive(archive.root);
  try {
    return await compare(options, archive, server.url);
  } finally {
    await server.close();
  }
};

/** Whether an event says that the root tree is made, initrd and all: the stage that makes disks begins. */
function treeMade(line: string): boolean {
  const { type, stage } = JSON.parse(line) as { readonly type?: string; readonly stage?: string };
  return type === 'stage.start' && stage === 'finalize';
}

async function compare(options: ScenarioOptions, archive: LocalArchive, url: string): Promise<readonly Comparison[]> {
  const { runs = 3, onRun, putAway, say } = options;
  const run = join(options.directory, 'run');
  const cache = join(run, 'cache');
  const ict = ictBuild(archive, run, url);
  const empty = async (): Promise<void> => {
    await putAway(run);
    await mkdir(run, { recursive: true });
  };
  const packagesOnly = async (): Promise<void> => {
    for (const name of ['work', 'temp']) await putAway(join(run, name));
    for (const name of await readdir(cache)) if (name !== 'pkgCache') await putAway(join(cache, name));
  };
  const noTrees = async (): Promise<void> => {
    const made = ['imageCache', '.ict/layers', '.ict/index/steps', '.ict/memo/resolution'].map((name) => join('cache', name));
    for (const name of ['work', 'temp', ...made]) await putAway(join(run, name));
  };
  const peer = mmdebstrap(archive, join(options.directory, 'peer'), url, putAway);
  say('with nothing cached');
  const first = await alternate([{ name: 'ict build, nothing cached', command: ict, prepare: empty }, peer], runs, onRun);
  say('with the packages cached');
  const second = await alternate([{ name: 'ict build, packages cached', command: ict, prepare: packagesOnly }, peer], runs, onRun);
  say('to the tree, with no tree cached; the first of these makes the twins of the packages');
  await noTrees();
  await measure(ict);
  // Not ended at the tree: what a killed sandbox took is never counted.
  const fromPackages: Contender = {
    name: 'ict build, packages and twins cached, to the finished disk',
    command: ict,
    milestone: { name: 'ict build, packages and twins cached, to the tree', reached: treeMade },
    prepare: noTrees,
  };
  const third = await alternate([fromPackages, mmdebstrap(archive, join(options.directory, 'peer'), url, putAway, true)], runs, onRun);
  say('unchanged');
  const fourth = await alternate(
    [
      { name: 'ict build, nothing changed', command: ict },
      { name: 'ict build --verify=full, nothing changed', command: { ...ict, argv: [...ict.argv, '--verify=full'] } },
      { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } },
    ],
    Math.max(runs, 5),
    onRun,
  );
  return [
    { title: 'Nothing cached', results: first },
    { title: 'Only the package files cached (mmdebstrap keeps none)', results: second },
    { title: 'Packages, metadata and twins cached, to the tree (mmdebstrap keeps none)', results: third },
    { title: 'The same build again, beside what a build from nothing took mmdebstrap', results: [...fourth, ...first.slice(-1)] },
  ];
}
