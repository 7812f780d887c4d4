import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HeldMounts } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, leftovers, Mini, repositoryRoot, stepsOf, type BuildPlaces, type IctResult } from '../src/index.js';

/*
 * Each directory that a build writes, full at several moments of it: the build says so with a code and a status that scripts know, nothing
 * that the cache has is damaged, and with room again the next build goes on from there and makes the same image.
 */

const run = promisify(execFile);
const program = join(repositoryRoot, 'node_modules', '.bin', 'ict');

let mini: Mini;
let digest: string;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'full-disks');
  digest = artifactOf(await mini.build(await mini.places()), 'raw').digest;
});
afterAll(() => mini.close());

/** What may be full: a number of files from the beginning, or of bytes once the packages are known. */
type Limit = { readonly files: number } | { readonly bytes: string };

const full: readonly (readonly [string, keyof BuildPlaces | 'output', Limit, string])[] = [
  ['the cache, while indexes are fetched', 'cache', { files: 20 }, 'ICT_(HOST|CACHE|FETCH)_DISK_FULL'],
  ['the cache, between packages', 'cache', { files: 110 }, 'ICT_CACHE_DISK_FULL'],
  ['the cache, within a package', 'cache', { bytes: '9m' }, 'ICT_(CACHE|FETCH)_DISK_FULL'],
  ['the cache, while packages are installed', 'cache', { files: 180 }, 'ICT_HOST_DISK_FULL'],
  ['the cache, while the disk is made', 'cache', { bytes: '30m' }, 'ICT_(HOST|CACHE)_DISK_FULL'],
  ['the work directory, while dpkg installs', 'work', { bytes: '50m' }, 'ICT_HOST_DISK_FULL'],
  ['the work directory, while the image is delivered', 'work', { bytes: '70m' }, 'ICT_OUTPUT_DISK_FULL'],
  ['the temporary directory', 'temporary', { files: 5 }, 'ICT_HOST_DISK_FULL'],
  ['the output, within the image', 'output', { bytes: '4m' }, 'ICT_OUTPUT_DISK_FULL'],
];

function names(result: IctResult, type: 'package.stored' | 'package.downloaded'): readonly string[] {
  return result.events.flatMap((event) => (event.type === type ? [event.name] : []));
}

function stored(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'step.stored' ? [event.step] : []));
}

describe('a disk that is full: that of', () => {
  it.concurrent.each(full)('%s', async (what, where, limit, code) => {
    const disk = join(mini.root, what);
    const places: BuildPlaces = { cache: join(disk, 'cache'), work: join(disk, 'work'), temporary: join(disk, 'temporary') };
    const [small, output] = [join(disk, where), join(disk, 'output')];
    await mkdir(disk);
    const mounts = await HeldMounts.hold(
      `mount -t tmpfs -o size=4g none "$1"\nmkdir "$1"/cache "$1"/work "$1"/temporary "$1"/output\nmount -t tmpfs -o size=3g${'files' in limit ? `,nr_inodes=${limit.files}` : ''} none "$2"`,
      ...[disk, small],
    );
    try {
      const command = mounts.inside(program);
      const remount = (options: string) => {
        const [mount, ...args] = mounts.inside('mount', '-o', `remount,${options}`, small);
        return run(mount, args);
      };
      let filled: Promise<unknown> | undefined;
      const result = await mini.build(places, ['--output', output], {
        command,
        onEvent: ({ type }) => {
          if ('bytes' in limit && type === 'resolve.done') filled ??= remount(`size=${limit.bytes}`);
        },
      });
      await filled;
      const [failed] = result.events.flatMap((event) => (event.type === 'build.failed' ? [event.error] : []));
      expect(failed?.code, result.stderr).toMatch(new RegExp(`^${code}$`));
      expect(failed?.message).toContain(small);
      expect(result.status).toBe(7);

      await remount('size=3g,nr_inodes=0');
      const verified = await ict(['cache', 'verify', '--cache-dir', places.cache], { command });
      expect(verified.status, verified.stdout + verified.stderr).toBe(0);
      const next = await mini.build(places, ['--output', output], { command });
      expect(next.status, next.stderr).toBe(0);
      expect(artifactOf(next, 'raw').digest).toBe(digest);
      expect(names(next, 'package.downloaded').filter((name) => names(result, 'package.stored').includes(name))).toEqual([]);
      expect(stepsOf(next, 'step.miss').filter((step) => stored(result).includes(step))).toEqual([]);
      const seen = { cache: mounts.seen(places.cache), work: mounts.seen(places.work), temporary: mounts.seen(places.temporary) };
      expect(await leftovers(seen)).toEqual([]);
    } finally {
      await mounts.close();
    }
  });
});
