import { link, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildArchive, createSigningKey, lockedIndex } from '@ict/fixtures';
import { rawOnly, withLocalRepository, withPackage } from './local-definition.js';
import { packageNames } from './lock-names.js';
import { measure } from './measurement.js';
import type { ScenarioOptions } from './scenario.js';
import { wholeIndex } from './whole-index.js';
import { DEFINITION, ICT, TEMPLATE } from './workspace.js';

/** The public address of the local archive; `--mirror` says where it really is. */
export const LOCAL_ADDRESS = 'http://archive.example/debian';
export const LOCAL_SUITE = 'trixie';

/** A package that the archive has and the image does not. It needs nothing that the image lacks. */
export const ADDED_PACKAGE = 'dosfstools';

/** Raised when the archive becomes another one: what an earlier bench left in a directory is made anew. */
const VERSION = 2;

/** A signed archive that has the packages of one image and {@link ADDED_PACKAGE}, and names all that Debian's has beside them. */
export interface LocalArchive {
  readonly root: string;
  readonly keyring: string;
  /** Definition of a distribution that reads this archive. */
  readonly definition: string;
  readonly template: string;
  /** Names of the image's packages. */
  readonly packages: readonly string[];
}

/**
 * Makes the archive out of the package cache of one `ict build`, with one package more, or takes the one that an earlier run left in `directory`.
 *
 * @throws when that build fails.
 */
export async function makeLocalArchive({ directory, firstBuild, say }: ScenarioOptions): Promise<LocalArchive> {
  const made = join(directory, 'archive');
  const parts = { root: join(made, 'debian'), keyring: join(made, 'archive.pgp'), definition: join(made, 'debian13.yml') };
  const template = join(made, 'image.yml');
  const list = join(made, `packages.${VERSION}`);
  try {
    const packages = (await readFile(list, 'utf8')).trimEnd().split('\n');
    say(`using the archive in ${made}`);
    return { ...parts, template, packages };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  const image = rawOnly(await readFile(TEMPLATE, 'utf8'));
  await writeFile(template, image);
  const first = join(directory, 'first');
  say('building once, to have the packages');
  const flags = ['--cache-dir', join(first, 'cache'), '--work-dir', join(first, 'work'), '--temp-dir', join(first, 'temp')];
  await measure({ argv: [ICT, 'build', template, ...flags, ...firstBuild] });
  const withMore = join(first, 'one-more-package.yml');
  await writeFile(withMore, withPackage(image, ADDED_PACKAGE));
  await measure({ argv: [ICT, 'cache', 'warm', withMore, ...flags, ...firstBuild] });
  const [lock] = await filesBelow(join(first, 'work'), '.lock.yml');
  if (lock === undefined) throw new Error('the first build delivered no lock file');
  const lockText = await readFile(lock, 'utf8');
  const packages = packageNames(lockText);
  const index = await readFile(await lockedIndex(join(first, 'cache'), lockText, 'main/binary-amd64/Packages'), 'utf8');
  const key = await createSigningKey('local archive');
  await writeFile(parts.keyring, key.keyring);
  const debs = await withPoolNames(await filesBelow(join(first, 'cache', 'pkgCache'), '.deb'), join(made, 'debs'));
  say(`making an archive of ${debs.length} packages`);
  const archive = { root: parts.root, suite: LOCAL_SUITE, debs, key, dateSeconds: Math.floor(Date.now() / 1000) };
  await buildArchive({ ...archive, editIndex: (own) => wholeIndex(own, index) });
  const local = { archive: LOCAL_ADDRESS, suite: LOCAL_SUITE, keyring: parts.keyring };
  await writeFile(parts.definition, withLocalRepository(await readFile(DEFINITION, 'utf8'), local));
  await rm(join(first, 'work'), { recursive: true, force: true });
  await writeFile(list, `${packages.join('\n')}\n`);
  return { ...parts, template, packages };
}

/** Links package files as an archive names them: without the epoch, which the cache keeps (`name_1%3a2.0_arch.deb`). */
async function withPoolNames(files: readonly string[], directory: string): Promise<readonly string[]> {
  await mkdir(directory);
  return Promise.all(
    files.map(async (file) => {
      const named = join(directory, basename(file).replace(/_\d+%3a/, '_'));
      await link(file, named);
      return named;
    }),
  );
}

async function filesBelow(directory: string, suffix: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith(suffix)).map((entry) => join(entry.parentPath, entry.name));
}
