import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, repositoryRoot, sound, stepsOf, type BuildPlaces, type IctOptions, type IctResult } from '../src/index.js';
import { asUser, makeOrdinaryUser, placesOf, removeOrdinaryUser, type OrdinaryUser } from '../src/ordinary-user.js';

/* Who builds, and what the clock says, decides nothing about what is found in a cache, nor about what an image consists of. */

const run = promisify(execFile);
const program = join(repositoryRoot, 'node_modules', '.bin', 'ict');

let mini: Mini;
/** What root builds without a trace of anybody else. */
let own: BuildPlaces;
let user: OrdinaryUser;
/** Templates: the second has a package more, the third also another host name. */
let templates: readonly [string, string, string];
let digests: readonly string[];

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'surroundings');
  user = await makeOrdinaryUser();
  own = await mini.places();
  const more = { packages: ['mini-service', 'mini-tool'] };
  templates = [
    await mini.template({}),
    await mini.template({ system: more }),
    await mini.template({ system: { ...more, hostname: 'other' } }),
  ];
  await run('chmod', ['-R', 'a+rX', mini.root]);
  const built: string[] = [];
  for (const template of templates) built.push(artifactOf(await sound(mini.buildTemplate(template, own)), 'raw').digest);
  digests = built;
});
afterAll(async () => {
  await removeOrdinaryUser(user.name);
  await mini.close();
});

function warningsOf(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
}

function downloaded(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'package.downloaded' ? [event.name] : []));
}

describe('an ordinary user, and the same one with sudo, who share cache and work directory', () => {
  let places: BuildPlaces;
  beforeAll(async () => {
    places = await placesOf(user, join(mini.root, 'shared'));
  });

  const surroundings = (sudo: boolean): IctOptions =>
    sudo
      ? { env: { HOME: places.temporary, SUDO_USER: user.name, SUDO_UID: String(user.uid), SUDO_GID: String(user.gid) } }
      : { env: { HOME: places.temporary }, command: [...asUser(user), program] };

  async function built(which: 0 | 1 | 2, who: 'plain' | 'sudo', args: readonly string[] = []): Promise<IctResult> {
    const result = await sound(mini.buildTemplate(templates[which], places, args, surroundings(who === 'sudo')));
    expect(artifactOf(result, 'raw').digest).toBe(digests[which]);
    return result;
  }

  it('take images, packages, disks and results of each other, but no tree, whose files have other owners for each of them', async () => {
    await built(0, 'plain');
    expect(stepsOf(await built(0, 'sudo'), 'step.hit')).toEqual(['ict.image']);

    const larger = await built(1, 'sudo');
    expect(downloaded(larger)).toEqual(['mini-tool']);
    expect(stepsOf(larger, 'step.hit')).toEqual(['ict.base']); // from its snapshot
    expect(stepsOf(larger, 'step.miss')).toContain('ict.packages');

    expect(stepsOf(await built(1, 'plain'), 'step.hit')).toEqual(['ict.image']);
    const other = await built(2, 'plain');
    expect(downloaded(other)).toEqual([]);
    expect(stepsOf(other, 'step.hit')).toEqual(['ict.base']);

    const again = await built(2, 'sudo', ['--no-image-cache']);
    expect(stepsOf(again, 'step.miss')).toEqual(['ict.configure']);
    expect(stepsOf(again, 'step.hit')).toContain('disk.assemble');

    const directories = ['--cache-dir', places.cache, '--work-dir', places.work];
    await sound(ict(['cache', 'clean', '--images', '--layers', ...directories], surroundings(false)));
    expect(await readdir(join(places.cache, 'imageCache'))).toEqual([]);
    expect(await readdir(join(places.cache, '.ict', 'layers-0'))).not.toEqual([]);
  });

  it('leave each other directories to write in, whoever made them: only what trees need is one user\u2019s alone', async () => {
    const shared = await placesOf(user, join(mini.root, 'root first'));
    // Not even a umask that closes everything to others makes a difference.
    const log = join(mini.root, 'root first', 'log');
    const first = await sound(mini.buildTemplate(templates[0], shared, ['--log-file', log], { ...surroundings(true), umask: '077' }));
    expect(warningsOf(first)).toEqual([]);
    const { stdout } = await run('find', [shared.cache, '-type', 'd', '-uid', '0', '-prune', '-printf', '%P\n']);
    expect(stdout.trimEnd().split('\n').sort()).toEqual(['.ict/layers', '.ict/mounts']);
    const [argv0, ...argv] = [...asUser(user), 'cmp', artifactOf(first, 'raw').path, artifactOf(first, 'raw').path] as const;
    await run(argv0 as string, argv);

    const second = await sound(mini.buildTemplate(templates[1], shared, ['--log-file', log], surroundings(false)));
    expect(artifactOf(second, 'raw').digest).toBe(digests[1]);
    expect(stepsOf(second, 'step.hit')).toEqual(['ict.base']); // from its snapshot
    expect(downloaded(second)).toEqual(['mini-tool']);
    expect(warningsOf(second)).toEqual([]);
  });

  it('do not meet in a directory that root alone may write: what to do is said before anything is fetched', async () => {
    const result = await mini.buildTemplate(templates[0], { ...places, work: own.work }, [], surroundings(false));
    expect(result.status).toBe(7);
    expect(result.stderr).toContain('ICT_HOST_DIRECTORY  directory: ');
    expect(result.stderr).toContain('--work-dir');
  });
});

describe('users of one group, and a cache directory that is the group\u2019s', () => {
  /** A group that has no name. */
  const GROUP = 64_321;
  let other: OrdinaryUser;
  let cache: string;
  beforeAll(async () => {
    other = await makeOrdinaryUser(1);
    cache = join(mini.root, 'of a group');
    await run('install', ['--directory', '--mode', '2775', '--group', String(GROUP), cache]);
  });
  afterAll(() => removeOrdinaryUser(other.name));

  const member = ({ uid, gid }: OrdinaryUser, home: string): IctOptions => ({
    command: ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--groups', String(GROUP), '--', program],
    env: { HOME: home },
    umask: '022',
  });

  it('take and remove all that the other made, and layers as archives', async () => {
    const first = { ...(await placesOf(user, join(mini.root, 'first of a group'))), cache };
    const second = { ...(await placesOf(other, join(mini.root, 'second of a group'))), cache };
    await sound(mini.buildTemplate(templates[1], first, [], member(user, first.temporary)));
    const result = await sound(mini.buildTemplate(templates[2], second, [], member(other, second.temporary)));
    expect(artifactOf(result, 'raw').digest).toBe(digests[2]);
    expect(downloaded(result)).toEqual([]);
    expect(warningsOf(result)).toEqual([]);
    expect(stepsOf(result, 'step.hit')).toEqual(['ict.base', 'ict.packages']);

    await sound(ict(['cache', 'clean', '--all', '--cache-dir', cache, '--work-dir', second.work], member(other, second.temporary)));
    const { stdout } = await run('find', [join(cache, 'imageCache'), join(cache, 'pkgCache'), join(cache, '.ict', 'blobs'), '-type', 'f']);
    expect(stdout.split('\n').filter((path) => path !== '' && !path.endsWith('chrootpkgs.dot'))).toEqual([]);
  });

  it('are told to name work directories of their own', async () => {
    const result = await mini.buildTemplate(templates[1], { cache, work: cache, temporary: cache }, [], member(user, mini.root));
    expect(result.status).toBe(7);
    expect(result.stderr).toMatch(/ICT_HOST_FILE_SYSTEM .* gives what is made in it to group 64321/);
  });
});

describe('a clock that moved', () => {
  /** Files keep the dates that they have. */
  const moved = (by: string): IctOptions => ({
    command: ['faketime', '-f', by, program],
    env: { NO_FAKE_STAT: '1', DONT_FAKE_MONOTONIC: '1' },
  });

  it.each(['-12h', '+20d'])('by %s makes no difference: every step hits, and nothing is collected', async (by) => {
    const image = await sound(mini.buildTemplate(templates[2], own, [], moved(by)));
    expect(stepsOf(image, 'step.hit')).toEqual(['ict.image']);
    const steps = await sound(mini.buildTemplate(templates[2], own, ['--no-image-cache'], moved(by)));
    expect(stepsOf(steps, 'step.miss')).toEqual([]);
    expect(downloaded(steps)).toEqual([]);
    expect(artifactOf(steps, 'raw').digest).toBe(digests[2]);
  });

  it('makes the same image of a change, and what was made then is found when the clock is right again', async () => {
    const there = await sound(
      mini.buildTemplate(templates[1], await mini.places(), ['--cache-dir', own.cache, '--no-layer-cache'], moved('-12h')),
    );
    expect(artifactOf(there, 'raw').digest).toBe(digests[1]);
    expect(stepsOf(await sound(mini.buildTemplate(templates[1], own, ['--no-image-cache'])), 'step.miss')).toEqual([]);
  });
});
