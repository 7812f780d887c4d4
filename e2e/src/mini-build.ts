import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveArchive, type ArchiveServer } from '@ict/fixtures';
import { stringify } from 'yaml';
import type { IctOptions, IctResult } from './ict.js';
import { madeOnce } from './made-once.js';
import { createMiniDistribution, createMiniPackages, MINI_ARCHIVE, miniTemplate, type MiniDistribution } from './mini-distribution.js';
import { build, makePlaces, realBuild, realPackages, type BuildPlaces } from './real-build.js';

/** The miniature distribution of one test file, served on the loopback interface; its packages are those of all files of the run. */
export class Mini {
  readonly root: string;
  readonly distribution: MiniDistribution;
  readonly server: ArchiveServer;
  private count = 0;

  private constructor(root: string, distribution: MiniDistribution, server: ArchiveServer) {
    this.root = root;
    this.distribution = distribution;
    this.server = server;
  }

  /** @param run directory of the test run; @param name tells the files of a run apart. */
  static async start(run: string, name: string): Promise<Mini> {
    const debs = await madeOnce(run, 'mini-packages', async (made) => createMiniPackages(realPackages(await realBuild(run)), made));
    return Mini.of(debs, join(run, name));
  }

  /** @param debs what the distribution consists of: see {@link createMiniPackages}; @param root directory of all that belongs to it. */
  static async of(debs: readonly string[], root: string): Promise<Mini> {
    const distribution = await createMiniDistribution(debs, join(root, 'distribution'));
    return new Mini(root, distribution, await serveArchive(distribution.archive));
  }

  /** Fresh cache, work and temporary directories. */
  places(): Promise<BuildPlaces> {
    return makePlaces(join(this.root, `places-${++this.count}`));
  }

  /** Writes a variant of the template. @returns its path. */
  async template(changes: Parameters<typeof miniTemplate>[0] | string): Promise<string> {
    const directory = join(this.distribution.definition, '..', `variant-${++this.count}`);
    await mkdir(directory, { recursive: true });
    const file = join(directory, 'template.yml');
    await writeFile(file, typeof changes === 'string' ? changes : stringify(miniTemplate(changes)));
    return file;
  }

  /** Flags that every build of the miniature needs. */
  flags(url: string = this.server.url): readonly string[] {
    return ['--distro-file', this.distribution.definition, '--mirror', `${MINI_ARCHIVE}=${url}`];
  }

  build(places: BuildPlaces, args: readonly string[] = [], options: IctOptions = {}): Promise<IctResult> {
    return this.buildTemplate(this.distribution.template, places, args, options);
  }

  buildTemplate(template: string, places: BuildPlaces, args: readonly string[] = [], options: IctOptions = {}): Promise<IctResult> {
    // Several mirrors of one archive stand in for each other: one that is given is to be the only one.
    const own = args.includes('--mirror') ? this.flags().slice(0, 2) : this.flags();
    return build(template, places, [...own, ...args], options);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
