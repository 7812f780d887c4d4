import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactOf, ict, repositoryRoot, type IctOptions, type IctResult } from './ict.js';
import { readHostState, type HostState } from './host-state.js';
import { madeOnce } from './made-once.js';

/** Templates of the tests, as they lie in the clone. */
export const TEMPLATES = join(repositoryRoot, 'e2e', 'templates');

/** Directories of one build. */
export interface BuildPlaces {
  readonly cache: string;
  readonly work: string;
  readonly temporary: string;
}

export interface RealBuild {
  readonly template: string;
  readonly places: BuildPlaces;
  readonly result: IctResult;
  readonly raw: { readonly path: string; readonly digest: string };
  readonly qcow2: { readonly path: string; readonly digest: string };
  readonly lock: string;
  readonly before: HostState;
  readonly after: HostState;
}

/** Directories below `root`, made. */
export async function makePlaces(root: string): Promise<BuildPlaces> {
  const places = { cache: join(root, 'cache'), work: join(root, 'work'), temporary: join(root, 'temporary') };
  for (const directory of Object.values(places)) await mkdir(directory, { recursive: true });
  return places;
}

/** Runs `ict build --json` with these directories. */
export function build(template: string, places: BuildPlaces, args: readonly string[] = [], options: IctOptions = {}): Promise<IctResult> {
  const directories = ['--cache-dir', places.cache, '--work-dir', places.work, '--temp-dir', places.temporary];
  return ict(['build', template, '--json', ...directories, ...args], options);
}

/** Puts the Debian template with the boot marker, and what it extends and names, into `directory`. @returns its path there. */
export async function copyRealTemplate(directory: string): Promise<string> {
  await cp(TEMPLATES, directory, { recursive: true });
  const parent = 'debian13-x86_64-minimal-raw.yml';
  await cp(join(repositoryRoot, 'templates', parent), join(directory, parent));
  return join(directory, 'debian13-boot-marker.yml');
}

/** The first full build of a run, from the real archive. */
export function realBuild(run: string): Promise<RealBuild> {
  return madeOnce(run, 'real', (place) => makeRealBuild(run, place));
}

async function makeRealBuild(run: string, place: string): Promise<RealBuild> {
  const places = await makePlaces(place);
  const template = await copyRealTemplate(join(run, 'templates'));
  const before = await readHostState();
  const result = await build(template, places);
  const after = await readHostState();
  if (result.status !== 0)
    throw new Error(`ict build exited ${result.status}:\n${result.stderr.slice(-6000)}\n${result.stdout.slice(-4000)}`);
  const raw = artifactOf(result, 'raw');
  const qcow2 = artifactOf(result, 'qcow2');
  return { template, places, result, raw, qcow2, lock: raw.path.replace(/\.raw$/, '.lock.yml'), before, after };
}

/** Where the package cache keeps the real packages. */
export function realPackages(real: RealBuild): string {
  return join(real.places.cache, 'pkgCache', 'debian-debian13-x86_64');
}
