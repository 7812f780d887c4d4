import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildArchive,
  buildDeb,
  createSigningKey,
  debianPrimary,
  serveArchive,
  writeRpmMetadata,
  type ArchiveServer,
  type ArchiveSpec,
  type DebSpec,
  type SigningKey,
} from '@ict/fixtures';
import { stringify } from 'yaml';
import { ict, type IctOptions, type IctResult } from './ict.js';
import { MINI_ARCHIVE, MINI_DEFINITION, miniTemplate } from './mini-distribution.js';
import { makePlaces, type BuildPlaces } from './real-build.js';

/** Date of the first signed root, seconds since 1970; each change is a day later. */
const FIRST_DAY = 1_760_000_000;

/** A package of the world: its name, version, and control fields. */
export function worldPackage(name: string, version = '1', fields: DebSpec['fields'] = {}): DebSpec {
  return { name, version, fields };
}

/** What a template of the world needs beside what a test asks for: nothing of it can be installed, but everything resolves. */
const BACKGROUND: readonly DebSpec[] = [
  worldPackage('mini-base', '1', { Essential: 'yes' }),
  ...['mini-kernel', 'mini-loader', 'e2fsprogs'].map((name) => worldPackage(name)),
];

/** What a definition says otherwise for rpm packages: nothing in their metadata is essential, and there are no suites. */
const RPM_FACTS = {
  ecosystem: 'rpm',
  repositories: [{ id: 'mini', archive: MINI_ARCHIVE, keyrings: ['keyring.gpg'] }],
  essential: { packages: ['mini-base'] },
};

/** What an index of packages that are nowhere says of one. */
function stanzaOf({ name, version, arch = 'all', fields = {} }: DebSpec): string {
  const digest = createHash('sha256').update(`${name} ${version}`).digest('hex');
  const control = {
    Package: name,
    Version: version,
    Architecture: arch,
    Size: '1000',
    SHA256: digest,
    Description: `generated package ${name}`,
    ...fields,
  };
  return Object.entries(control).map(([key, value]) => `${key}: ${value}\n`).join(''); // prettier-ignore
}

/** What packages a world has. */
export type WorldEcosystem = 'deb' | 'rpm';

/**
 * A distribution of generated packages, served on the loopback interface: for questions and locks, which resolve and never install. It
 * needs no real package, so it is there in a moment. In a world of rpm packages they mean the same, and only the metadata is there.
 */
export class PackageWorld {
  readonly directory: string;
  readonly places: BuildPlaces;
  readonly server: ArchiveServer;
  readonly definition: string;
  readonly ecosystem: WorldEcosystem;
  private readonly key: SigningKey;
  private days = 0;
  private templates = 0;

  private constructor(ecosystem: WorldEcosystem, directory: string, places: BuildPlaces, server: ArchiveServer, key: SigningKey) {
    this.ecosystem = ecosystem;
    this.directory = directory;
    this.places = places;
    this.server = server;
    this.key = key;
    this.definition = join(directory, 'world.yml');
  }

  /** @param run directory of the test run; @param name tells the worlds of a run apart. */
  static async start(run: string, name: string, packages: readonly DebSpec[], ecosystem: WorldEcosystem = 'deb'): Promise<PackageWorld> {
    const directory = join(run, name);
    await mkdir(join(directory, 'archive'), { recursive: true });
    const key = await createSigningKey('ICT test archive');
    await writeFile(join(directory, 'keyring.gpg'), key.keyring);
    const server = await serveArchive(join(directory, 'archive'));
    const world = new PackageWorld(ecosystem, directory, await makePlaces(join(directory, 'places')), server, key);
    const own = ecosystem === 'deb' ? { essential: { priorities: ['required'], packages: [] } } : RPM_FACTS;
    await writeFile(world.definition, stringify({ ...MINI_DEFINITION, quirks: {}, ...own }));
    await world.publish(packages);
    return world;
  }

  /**
   * Publishes these packages and what every template needs; other packages are gone from then on.
   *
   * @param suite rpm repositories have one only.
   * @param editIndex has the last word on the index: `Packages`, or `primary.xml`.
   */
  async publish(packages: readonly DebSpec[], suite = 'mini', editIndex?: ArchiveSpec['editIndex']): Promise<void> {
    const specs = suite === 'mini' ? [...BACKGROUND, ...packages] : packages;
    const archive = { root: join(this.directory, 'archive'), key: this.key, dateSeconds: FIRST_DAY + this.days++ * 86_400 };
    if (this.ecosystem === 'rpm') {
      const primary = [...debianPrimary(specs.map(stanzaOf).join('\n'))].join('');
      return writeRpmMetadata({ ...archive, primary: editIndex?.(primary) ?? primary });
    }
    const made = join(this.directory, 'made');
    await mkdir(made, { recursive: true });
    const debs = await Promise.all(specs.map((spec) => buildDeb(spec, made)));
    await buildArchive({ ...archive, suite, debs, ...(editIndex === undefined ? {} : { editIndex }) });
  }

  /** A template that asks for these packages. @returns its path. */
  async template(packages: readonly string[], system: object = {}, disk?: object): Promise<string> {
    const directory = join(this.directory, `template-${++this.templates}`);
    await mkdir(directory);
    const file = join(directory, 'image.yml');
    await writeFile(file, stringify(miniTemplate({ system: { packages, ...system }, ...(disk === undefined ? {} : { disk }) })));
    return file;
  }

  /** Runs a command on this world. */
  ict(args: readonly string[], options: IctOptions = {}): Promise<IctResult> {
    const { cache, work, temporary } = this.places;
    const places = ['--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary];
    return ict([...args, ...places, '--distro-file', this.definition, '--mirror', `${MINI_ARCHIVE}=${this.server.url}`], options);
  }

  /** Runs a command that prints one document. @throws when it fails. */
  async document<T>(args: readonly string[]): Promise<T> {
    const result = await this.ict([...args, '--json']);
    if (result.status !== 0) throw new Error(`ict ${args.join(' ')} exited ${result.status}:\n${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
