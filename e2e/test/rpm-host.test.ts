import { execFile } from 'node:child_process';
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { CPIO_END, cpioMember, encodeRpm, headerDigest, installableTags, serveArchive, zeros, type ArchiveServer } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  artifactOf,
  askRoot,
  build,
  createRpmDistribution,
  hidePackages,
  makePlaces,
  repositoryRoot,
  RPM_ARCHIVE,
  rpmDefinition,
  rpmTemplate,
  type BuildPlaces,
  type HiddenPackages,
  type IctOptions,
  type IctResult,
  type RpmDistribution,
} from '../src/index.js';

const run = promisify(execFile);

const MIB = 2 ** 20;
/** Tags of packages, by rpm's names. */
const TAG = { NAME: 1000, PAYLOADCOMPRESSOR: 1125 };

/** What installs, makes and checks rpm packages and repositories on this machine, with its libraries. */
const RPM_WORLD = [
  ...['rpm', 'rpm-common', 'rpm2cpio', 'librpm*', 'python3-rpm'],
  ...['dnf', 'dnf-data', 'python3-dnf', 'libdnf*', 'libsolv*'],
  ...['createrepo-c', 'libcreaterepo-c*'],
];
const PROGRAMS = ['rpm', 'rpmkeys', 'rpmdb', 'rpm2cpio', 'rpmbuild', 'dnf', 'createrepo_c'];

const root = join(inject('run'), 'rpm-host');
let distribution: RpmDistribution;
let server: ArchiveServer;
let places: BuildPlaces;
let hidden: HiddenPackages;
let first: IctResult;

/** Files of packages that nobody would make but to harm; each is as good as the others to a reader of its header. */
const SOUND = 'good\n';
const HOSTILE = {
  'mini-up': cpioMember('./../../etc/mini-escaped', SOUND),
  'mini-absolute': cpioMember('/etc/mini-escaped', SOUND),
  'mini-through': cpioMember('./etc/mini-through/../mini-escaped', SOUND),
  'mini-below': Buffer.concat([cpioMember('./etc/mini-below', '..', 0o120777), cpioMember('./etc/mini-below/mini-escaped', SOUND)]),
  'mini-other': cpioMember('./etc/mini-other', 'evil\n'),
  'mini-empty': Buffer.alloc(0),
};
const FINE = 'mini-fine';
const LARGE = 'mini-large';
const LARGE_BYTES = 4.5 * 2 ** 30;

beforeAll(async () => {
  distribution = await createRpmDistribution(inject('run'), join(root, 'distribution'));
  await publishHostile(distribution);
  server = await serveArchive(distribution.archive);
  places = await makePlaces(join(root, 'places'));
  hidden = await hidePackages(RPM_WORLD, join(root, 'hidden'));
  first = await buildHidden(distribution.template);
});
afterAll(async () => {
  await hidden.mounts.close();
  await server.close();
  distribution.workshop.close();
});

/** Builds where no program of {@link RPM_WORLD} is. */
function buildHidden(template: string, definition = distribution.definition, options: IctOptions = {}): Promise<IctResult> {
  const command = hidden.mounts.inside(join(repositoryRoot, 'node_modules', '.bin', 'ict'));
  return build(template, places, ['--distro-file', definition, '--mirror', `${RPM_ARCHIVE}=${server.url}`], { ...options, command });
}

/** Adds hostile packages to the repository, signed by its own key. */
async function publishHostile({ archive, workshop, key }: RpmDistribution): Promise<void> {
  const payloads = { ...HOSTILE, [FINE]: cpioMember(`./etc/${FINE}`, SOUND) };
  const made = Object.entries(payloads).map(([name, members]) => ({
    name,
    header: installableTags({ [`/etc/${name}`]: SOUND }),
    payload: Buffer.concat([members, CPIO_END]),
  }));
  const large = {
    name: LARGE,
    header: { ...installableTags({ [`/${LARGE}`]: { sizeBytes: LARGE_BYTES } }), [TAG.PAYLOADCOMPRESSOR]: { text: 'zstd' } },
    payload: zeros(Buffer.from('07070X00000000\0\0'), LARGE_BYTES, CPIO_END),
  };
  const files = [...made, large].map(async ({ name, header, payload }) => {
    const file = join(archive, 'Packages', `${name}-1-1.noarch.rpm`);
    await writeFile(file, encodeRpm({ header: { ...header, [TAG.NAME]: { text: name } }, payload, sign: headerDigest }));
    return file;
  });
  workshop.sign(await Promise.all(files), key);
  workshop.publish(archive, key);
}

describe('on a host without rpm, dnf and createrepo_c', () => {
  it('nobody finds them, by name or by path, nor their libraries', async () => {
    for (const name of PROGRAMS) {
      const path = join('/usr/bin', name);
      await access(path);
      for (const program of [name, path]) {
        const [nsenter, ...args] = hidden.mounts.inside(program, '--version');
        await expect(run(nsenter, args), program).rejects.toMatchObject({ stderr: expect.stringContaining('No such file') as string });
      }
    }
    const libraries = hidden.paths.filter((path) => /\/lib(?:rpm|dnf|createrepo_c)[^/]*\.so/.test(path));
    expect(libraries.length).toBeGreaterThan(5);
    for (const library of libraries) await expect(access(hidden.mounts.seen(library)), library).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('an image is built, with packages that the rpm of the tree installed', async () => {
    expect(first.status, first.stderr).toBe(0);
    const disk = artifactOf(first, 'raw').path;
    expect(await askRoot(disk, 'cat /etc/mini-service')).toBe('installed 1\n');
    expect(await askRoot(disk, 'stat /usr/bin/rpm')).toContain('Type: regular');
  });
});

describe('a signed package whose payload is not what its header says', () => {
  async function installing(name: string): Promise<IctResult> {
    return buildHidden(await rpmTemplate(distribution, `${name}.yml`, ({ systemConfig }) => void systemConfig.packages.push(name)));
  }

  it('is installed by a build when the payload is as it says', async () => {
    const result = await installing(FINE);
    expect(result.status, result.stderr).toBe(0);
    expect(await askRoot(artifactOf(result, 'raw').path, `cat /etc/${FINE}`)).toBe(SOUND);
  });

  it.each(Object.keys(HOSTILE))('is refused in a build by the rpm of the tree, and leaves nothing on the host: %s', async (name) => {
    expectRefused(await installing(name), name);
    await expectNoTrace();
  });

  it('is refused in a build before the tree has an rpm', async () => {
    const definition = await rpmDefinition(distribution, 'first.yml', ({ essential, quirks }) => {
      essential.packages.push('mini-up');
      quirks.preExtract.push('mini-up');
    });
    expectRefused(await buildHidden(distribution.template, definition), 'mini-up');
    await expectNoTrace();
  });

  function expectRefused(result: IctResult, name: string): void {
    const failed = result.events.find((event) => event.type === 'build.failed');
    if (failed?.type !== 'build.failed') throw new Error(`the build did not fail: ${result.status} ${result.stderr}`);
    expect(failed.error.code, result.stderr).toBe('ICT_RPM_PAYLOAD_INVALID');
    expect(failed.error.message).toContain(name);
    expect(result.status).toBe(5);
  }

  async function expectNoTrace(): Promise<void> {
    for (const directory of ['/', '/etc', places.temporary, places.work]) expect(await readdir(directory)).not.toContain('mini-escaped');
  }
});

describe('a signed package of some kilobytes with a file of 4.5 GB', () => {
  /** Sizes of the file between which the memory of rpm may not grow: all of it takes a minute. */
  const [FIRST, LAST] = [64 * MIB, 768 * MIB];

  it('is written by a build in constant memory, and goes with the tree when the build is cancelled', async () => {
    const template = await rpmTemplate(distribution, 'large.yml', ({ systemConfig }) => void systemConfig.packages.push(LARGE));
    const file = join(distribution.archive, 'Packages', `${LARGE}-1-1.noarch.rpm`);
    expect((await stat(file)).size).toBeLessThan(200_000);
    const memory: number[] = [];
    let cancel: () => void = () => {};
    const running = buildHidden(template, distribution.definition, { onStart: (child) => (cancel = () => void child.kill('SIGINT')) });
    let ended = false;
    void running.finally(() => (ended = true));
    while (!ended && memory.length < 2) {
      const rpm = await installer();
      if (rpm !== undefined && rpm.writtenBytes >= (memory.length === 0 ? FIRST : LAST)) memory.push(rpm.peakBytes);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    cancel();
    const result = await running;
    expect(result.events.find(({ type }) => type === 'build.failed')).toMatchObject({ error: { code: 'ICT_CLI_INTERRUPTED' } });
    const [early, late] = memory as [number, number];
    expect(early).toBeGreaterThan(0);
    expect(late - early).toBeLessThan(32 * MIB);
    expect(late).toBeLessThan(256 * MIB);
    const { stdout } = await run('find', [root, '-name', `${LARGE}*`, '-size', '+32M']);
    expect(stdout).toBe('');
  });

  /** The rpm that installs the package now: the most memory that it had, and the bytes of the file that it wrote so far. */
  async function installer(): Promise<{ readonly peakBytes: number; readonly writtenBytes: number } | undefined> {
    for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
      try {
        const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
        if (basename(program) !== 'rpm' || !args.some((arg) => arg.includes(LARGE))) continue;
        const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
        const names = (await readdir(`/proc/${pid}/root`)).filter((each) => each.startsWith(LARGE));
        const sizes = await Promise.all(names.map(async (each) => (await stat(`/proc/${pid}/root/${each}`)).size));
        return { peakBytes: Number(kib) * 1024, writtenBytes: Math.max(0, ...sizes) };
      } catch {
        // It has ended meanwhile.
      }
    }
    return undefined;
  }
});
