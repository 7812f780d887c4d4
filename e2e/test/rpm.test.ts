import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { dnfInstallation, serveArchive, type ArchiveServer } from '@ict/fixtures';
import type { ShowDocument, Why, WhyNot } from '@ict/core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import {
  artifactOf,
  askRoot,
  build,
  createRpmDistribution,
  cutPartition,
  ict,
  installedLayers,
  listTree,
  lockFaults,
  makePlaces,
  rootTree,
  RPM_ARCHIVE,
  rpmDefinition,
  rpmTemplate,
  type BuildPlaces,
  type IctResult,
  type RpmDistribution,
} from '../src/index.js';

const run = promisify(execFile);

const root = join(inject('run'), 'rpm');
let distribution: RpmDistribution;
let server: ArchiveServer;
let places: BuildPlaces;
let first: IctResult;

beforeAll(async () => {
  distribution = await createRpmDistribution(inject('run'), join(root, 'distribution'));
  server = await serveArchive(distribution.archive);
  places = await makePlaces(join(root, 'places'));
  first = await buildFrom(server.url, places);
});
afterAll(async () => {
  await server.close();
  distribution.workshop.close();
});

function buildFrom(url: string, where: BuildPlaces, template = distribution.template): Promise<IctResult> {
  return build(template, where, ['--distro-file', distribution.definition, '--mirror', `${RPM_ARCHIVE}=${url}`]);
}

/** Writes metadata for the packages as they are now, signed by the repository's own key. */
async function publish(repository: string): Promise<void> {
  await run('createrepo_c', ['--quiet', repository]);
  distribution.workshop.signRoot(repository, distribution.key);
}

describe('an image of rpm packages', () => {
  it('is built from packages and a repository that one of its keys has signed', () => {
    expect(first.status, first.stderr).toBe(0);
    const fingerprint = distribution.key.fingerprint;
    const repositories = first.events.filter((event) => event.type === 'repository.pinned');
    expect(repositories).toMatchObject([{ signers: [fingerprint] }]);
    const named = (type: string) => first.events.flatMap((event) => (event.type === type && 'name' in event ? [event.name] : [])).sort();
    expect(named('package.verified')).toEqual(named('package.stored'));
    expect(named('package.stored')).toEqual(expect.arrayContaining(['libc6', 'mini-kernel', 'mini-library', 'mini-service', 'rpm']));
  });

  it('has every package as rpm installs it: rpm finds nothing changed, scriptlets and triggers ran', async () => {
    const tree = await rootTree(artifactOf(first, 'raw').path, join(root, 'tree'));
    // Its own rpm: where the database lies, and what it looks like, is a matter of the distribution.
    const rpm = async (...args: readonly string[]) => (await run('chroot', [tree, 'rpm', ...args])).stdout;
    const installed = (await rpm('-qa', '--queryformat', '%{NAME}\n')).trim().split('\n').sort();
    expect(installed).toEqual(expect.arrayContaining(['base-files', 'mini-kernel', 'mini-library', 'mini-service', 'rpm']));
    expect(installed).not.toContain('e2fsprogs');
    // The copy of the tree has no capabilities; of what else rpm knows of its files, nothing is missing or different.
    const verified = await rpm('-Va').catch((error: { readonly stdout: string }) => error.stdout);
    expect(verified).toBe('........P    /usr/lib/mini/capable\n');
    expect(await readFile(join(tree, 'etc', 'mini-service'), 'utf8')).toBe('installed 1\n');
    expect((await readFile(join(tree, 'etc', 'ld.so.cache'))).length).toBeGreaterThan(1000);
    expect(await triggered(tree)).toEqual({
      packages: ['triggerin 1 1'],
      files: FILES.map((path) => `filetriggerin ${path}`),
      transactions: FILES.map((path) => `transfiletriggerin ${path}`),
    });
    expect(await readdir(join(tree, 'dev'))).toEqual([]);
  });

  it('has kernels side by side: in its tree, its lock, its manifest and its bill of materials', async () => {
    const { path } = artifactOf(first, 'raw');
    const kernels = ['6.12.1', '6.9.4'];
    const named = async (directory: string): Promise<readonly string[] | undefined> =>
      (await askRoot(path, `ls ${directory}`)).match(/[\w.-]+-mini(?:\.img)?(?= )/g)?.sort();
    expect(await named('/usr/lib/modules')).toEqual(kernels.map((version) => `${version}-mini`));
    expect(await named('/boot')).toEqual(kernels.map((version) => `initramfs-${version}-mini.img`));
    const beside = async (name: string): Promise<string> => readFile(path.replace(/raw$/, name), 'utf8');
    const lock = parse(await beside('lock.yml')) as { readonly packages: readonly { readonly id: string; readonly version: string }[] };
    expect(lock.packages.filter(({ id }) => id.startsWith('mini-kernel')).map(({ id, version }) => [id, version])).toEqual([
      ['mini-kernel:noarch', '6.12.1-1'],
      ['mini-kernel:noarch=6.9.4-1', '6.9.4-1'],
    ]);
    type Listed = { readonly name: string; readonly digest: string | null; readonly purl: string };
    const manifest = JSON.parse(await beside('manifest.json')) as { readonly packages: readonly Listed[] };
    const listed = manifest.packages.filter(({ name }) => name === 'mini-kernel');
    expect(listed.map(({ purl }) => /@([^?]*)/.exec(purl)?.[1])).toEqual(['6.12.1-1', '6.9.4-1']);
    expect(new Set(listed.map(({ digest }) => digest)).size).toBe(2);
    const spdx = JSON.parse(await beside('spdx.json')) as {
      readonly packages: readonly { readonly SPDXID: string; readonly name: string }[];
    };
    expect(new Set(spdx.packages.filter(({ name }) => name === 'mini-kernel').map(({ SPDXID }) => SPDXID)).size).toBe(2);
  });

  it('starts each kernel by an entry of its own, from copies of what lies in directories named after the versions', async () => {
    const esp = await cutPartition(artifactOf(first, 'raw').path, 0, join(root, 'esp.fat'));
    const read = async (file: string): Promise<string> => (await run('mtype', ['-i', esp, `::${file}`])).stdout;
    for (const version of ['6.12.1', '6.9.4']) {
      const content = `kernel ${version} `.repeat(25_000);
      const [kernel, initrd] = ['vmlinuz', `initramfs-${version}-mini.img`].map((name) => `/mini/${version}-mini/${name}`) as [
        string,
        string,
      ];
      const entry = (await read(`/loader/entries/mini-${version}-mini.conf`)).split('\n').map((line) => line.split(/ +/));
      expect(entry).toEqual(expect.arrayContaining([['version', `${version}-mini`], ['linux', kernel], ['initrd', initrd]])); // prettier-ignore
      for (const file of [kernel, initrd]) expect((await read(file)) === content, file).toBe(true);
    }
    expect(await read('/loader/loader.conf')).toContain('default mini-6.12.1-mini.conf\n');
  });

  it('is asked about them by version', async () => {
    const from = ['--distro-file', distribution.definition, '--mirror', `${RPM_ARCHIVE}=${server.url}`, '--cache-dir', places.cache];
    const lock = artifactOf(first, 'raw').path.replace(/raw$/, 'lock.yml');
    const ask = async (question: string, name: string): Promise<unknown> =>
      JSON.parse((await ict([question, distribution.template, name, '--json', '--lock', lock, ...from])).stdout);
    const why = (await ask('why', 'mini-kernel=6.9.4-1')) as Why;
    expect([why.package.id, why.paths.map(({ request }) => request)]).toEqual(['mini-kernel:noarch=6.9.4-1', ['mini-kernel=6.9.4']]);
    expect(((await ask('why', 'mini-kernel')) as Why).paths.map(({ request }) => request)).toEqual(['mini-kernel=6.12.1']);
    const whyNot = (await ask('why-not', 'mini-kernel=6.8.0')) as WhyNot;
    expect([whyNot.verdict, whyNot.brings.map(({ id }) => id)]).toEqual(['not-needed', ['mini-kernel:noarch=6.8.0-1']]);
    const shown = (await ask('show', 'mini-kernel')) as ShowDocument;
    expect(shown.packages.map(({ version, inImage }) => [version, inImage])).toEqual([
      ['6.12.1-1', true],
      ['6.9.4-1', true],
      ['6.8.0-1', false],
    ]);
  });

  it('comes from the cache when nothing changed', async () => {
    const { digest } = artifactOf(first, 'raw');
    const again = await buildFrom(server.url, places);
    expect(artifactOf(again, 'raw').digest).toBe(digest);
    expect(again.events.filter(({ type }) => type === 'step.miss' || type === 'package.miss')).toEqual([]);
    expect(again.events.filter(({ type }) => type === 'step.hit').length).toBeGreaterThan(0);
  });

  it('has its cached packages verified again by other rules; one that these refuse ends the build, and stays', async () => {
    const ruled = async (name: string, rules: object): Promise<IctResult> => {
      const definition = await rpmDefinition(
        distribution,
        name,
        ({ repositories }) => void Object.assign(repositories[0] as object, rules),
      );
      const args = ['--distro-file', definition, '--mirror', `${RPM_ARCHIVE}=${server.url}`, '--no-image-cache'];
      return build(distribution.template, places, args);
    };
    const lax = await ruled('lax.yml', { legacyCrypto: true });
    expect(lax.status, lax.stderr).toBe(0);
    const cached = lax.events.flatMap((event) => (event.type === 'package.cached' ? [event.name] : [])).sort();
    expect(cached).toContain('mini-service');
    const again = lax.events.flatMap((event) => (event.type === 'package.verified' ? [[event.name, event.from]] : [])).sort();
    expect(again).toEqual(cached.map((name) => [name, 'cache']));

    const kept = () => readdir(join(places.cache, 'pkgCache', 'mini-rpm1-x86_64'));
    const before = await kept();
    const { keyring } = distribution.workshop.key('another');
    const refused = await ruled('another-key.yml', { repoGpgCheck: false, keyrings: [keyring] });
    expect(refused.events.at(-1)).toMatchObject({ type: 'build.failed', error: { code: 'ICT_RPM_PACKAGE_UNKNOWN_KEY' } });
    const told = refused.events.flatMap((event) => (event.type === 'package.invalid' ? [event.check] : []));
    expect(new Set(told)).toEqual(new Set(['rules']));
    expect(refused.events.filter(({ type }) => type === 'package.evicted' || type === 'package.downloaded')).toEqual([]);
    expect(await kept()).toEqual(before);
  });
});

/** What `mini-triggers` looks at. */
const FILES = ['capable', 'library', 'loader.efi', 'service', 'shared', 'triggers'].map((name) => `/usr/lib/mini/${name}`);

/** What the triggers of `mini-triggers` told in a tree, by kind of trigger, sorted. */
async function triggered(tree: string): Promise<Record<string, readonly string[]>> {
  const directory = join(tree, 'etc', 'mini-triggers');
  const files = (await readdir(directory)).map(
    async (name) => [name, (await readFile(join(directory, name), 'utf8')).trim().split('\n')] as const,
  );
  return Object.fromEntries(await Promise.all(files));
}

/** What dnf leaves in a root and our installer does not, or elsewhere; docs/dnf.md says why. */
const DIFFERENCES = [
  /^\/etc\/dnf(?:\/|$)/,
  /^\/var\/(?:cache|lib)\/dnf(?:\/|$)/,
  /^\/var\/log\/(?:dnf\..*|hawkey\.)log$/,
  /^\/(?:root\/\.rpmdb|var\/lib\/rpm|usr\/lib\/sysimage\/rpm)(?:\/|$)/,
  /^\/var\/cache\/ldconfig\/aux-cache$/,
];

describe('the packages that dnf installs', () => {
  let dnf: string;
  beforeAll(async () => {
    const source = { address: `file://${distribution.archive}`, keyring: distribution.key.keyring };
    const { argv, env, root: installed } = await dnfInstallation(distribution.requests, source, join(root, 'dnf'));
    await run(argv[0], argv.slice(1), { env });
    dnf = installed;
  });

  it('are those of our lock', async () => {
    const { stdout } = await run('rpm', ['--root', dnf, '-qa', '--queryformat', '%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n']);
    const theirs = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('gpg-pubkey-'));
    const text = await readFile(artifactOf(first, 'raw').path.replace(/raw$/, 'lock.yml'), 'utf8');
    expect(await lockFaults(text, places.cache)).toEqual([]);
    const lock = parse(text) as {
      readonly packages: readonly { readonly name: string; readonly version: string; readonly arch: string }[];
    };
    const ours = lock.packages.map(({ name, version, arch }) => `${name}-${version.includes(':') ? '' : '0:'}${version}.${arch}`);
    expect(ours.sort()).toEqual(theirs.sort());
  });

  it('make the same tree: types, modes, owners, contents, links and capabilities', async () => {
    const ours = await listTree(...(await installedLayers(places, 'mini-rpm1-x86_64')));
    const theirs = await listTree(dnf);
    const justified = (path: string) => DIFFERENCES.some((pattern) => pattern.test(path));
    const differing = [...new Set([...ours.keys(), ...theirs.keys()])].filter((path) => ours.get(path) !== theirs.get(path));
    expect(differing.filter((path) => !justified(path))).toEqual([]);
    for (const pattern of DIFFERENCES)
      expect(
        differing.filter((path) => pattern.test(path)),
        String(pattern),
      ).not.toEqual([]);
    expect(ours.get('/usr/lib/mini/capable')).toMatch(/^file 755 0:0 8 .* cap_net_raw=ep$/);
    expect(ours.get('/usr/lib/mini/shared')).toMatch(/^file 2755 0:8 /);
    expect(ours.size).toBeGreaterThan(700);
  });

  it('have the same triggers: they ran for the same packages and files, and run when one is removed', async () => {
    const tree = join(root, 'tree');
    expect(await triggered(tree)).toEqual(await triggered(dnf));
    // In a bare chroot rpm cannot give scriptlets mounts of their own, which is a matter of its plugins.
    await run('chroot', [tree, 'rpm', '--noplugins', '-e', '--nodeps', 'mini-library']);
    await run('rpm', ['--root', dnf, '-e', '--nodeps', 'mini-library']);
    const removed = await triggered(tree);
    expect(removed).toEqual(await triggered(dnf));
    expect(removed['packages']).toEqual(['triggerin 1 1', 'triggerpostun 1 0', 'triggerun 1 0']);
    expect(removed['files']).toEqual([...FILES.map((path) => `filetriggerin ${path}`), 'filetriggerun /usr/lib/mini/library']);
    expect(removed['transactions']).toEqual([
      ...FILES.map((path) => `transfiletriggerin ${path}`),
      'transfiletriggerpostun',
      'transfiletriggerun /usr/lib/mini/library',
    ]);
  });
});

// After the comparison with dnf, which finds the base tree of the first image in the work directory, as what follows is.
describe('a repository whose packages lie on another server, as createrepo_c writes it', () => {
  it('is built from, by a lock that says where each lies; what opens the repository is of no use there', async () => {
    const [repository, pool] = [join(root, 'based'), join(root, 'pool')];
    await cp(distribution.archive, repository, { recursive: true });
    const elsewhere = await serveArchive(pool);
    const changed = await serveArchive(repository);
    try {
      await run('createrepo_c', ['--quiet', '--baseurl', `${elsewhere.url}/`, repository]);
      distribution.workshop.signRoot(repository, distribution.key);
      await mkdir(pool);
      await rename(join(repository, 'Packages'), join(pool, 'Packages'));
      changed.demand('me:secret');
      const result = await buildFrom(changed.url.replace('http://', 'http://me:secret@'), await makePlaces(join(root, 'places-based')));
      expect(result.status, result.stderr).toBe(0);
      const { path } = artifactOf(result, 'raw');
      expect(await askRoot(path, 'cat /etc/mini-service')).toContain('installed 1');
      const lock = await readFile(path.replace(/raw$/, 'lock.yml'), 'utf8');
      const { packages } = parse(lock) as { readonly packages: readonly { readonly archive?: string; readonly path: string }[] };
      expect(new Set(packages.map(({ archive }) => archive))).toEqual(new Set([elsewhere.url]));
      const asked = (requests: readonly string[]): readonly string[] =>
        requests.flatMap((request) => /^GET \/(\S+\.rpm) 200$/.exec(decodeURIComponent(request))?.[1] ?? []);
      expect(asked(changed.requests)).toEqual([]);
      expect(asked(elsewhere.requests)).toEqual(expect.arrayContaining(packages.map((pkg) => pkg.path)));
      const spdx = await readFile(path.replace(/raw$/, 'spdx.json'), 'utf8');
      expect(spdx).toContain(`"downloadLocation": "${elsewhere.url}/${packages[0]!.path}"`);
      expect(`${lock}${spdx}${result.stderr}`).not.toContain('secret');
    } finally {
      await Promise.all([elsewhere.close(), changed.close()]);
    }
  });
});

describe('a repository of a template whose key lies at an address', () => {
  it('is pinned, and its packages are verified, by the key whose fingerprint the template has, and by no other', async () => {
    const keys = await serveArchive(join(distribution.key.keyring, '..'));
    const own = await makePlaces(join(root, 'keys'));
    const flags = ['--distro-file', distribution.definition, '--mirror', `${RPM_ARCHIVE}=${server.url}`, '--json'];
    const where = ['--cache-dir', own.cache, '--work-dir', own.work, '--temp-dir', own.temporary];
    const pkey = `${keys.url}/${basename(distribution.key.keyring)}`;
    const text = await readFile(distribution.template, 'utf8');
    const template = async (fingerprint: string): Promise<string> => {
      const file = join(root, `keys-${fingerprint.slice(0, 4)}.yml`);
      const repository = { codename: 'own', url: server.url, pkey, fingerprints: [fingerprint], priority: 900 };
      await writeFile(file, `${text}\npackageRepositories: [${JSON.stringify(repository)}]\n`);
      return file;
    };
    try {
      const pinned = await template(distribution.key.fingerprint);
      const fetched = await ict(['cache', 'warm', pinned, ...flags, ...where]);
      expect(fetched.status, fetched.stderr).toBe(0);
      expect(keys.requests.filter((request) => request.startsWith('GET'))).toEqual([`GET /${basename(pkey)} 200`]);
      expect((await ict(['lock', pinned, ...flags, ...where])).status).toBe(0);
      const { repositories, packages } = parse(await readFile(pinned.replace(/yml$/, 'lock.yml'), 'utf8')) as {
        readonly repositories: readonly { readonly id: string; readonly signers: readonly string[] }[];
        readonly packages: readonly { readonly repository: string }[];
      };
      expect(repositories.map(({ id, signers }) => [id, signers])).toContainEqual(['template-own', [distribution.key.fingerprint]]);
      expect(new Set(packages.map(({ repository }) => repository))).toEqual(new Set(['template-own']));
      const other = await ict(['lock', await template('ABCD'.repeat(10)), ...flags, ...where]);
      expect([other.status, other.stdout]).toEqual([5, expect.stringContaining('ICT_REPOSITORY_FINGERPRINT')]);
    } finally {
      await keys.close();
    }
  });
});

describe('a choice among the files of packages', () => {
  it('leaves documents and other languages out of the whole image, as rpm knows, and of what is installed there later', async () => {
    const template = await rpmTemplate(distribution, 'choice.yml', ({ systemConfig }) => {
      systemConfig.packages.push('mini-manual');
      Object.assign(systemConfig, { documentation: false, languages: ['de'] });
    });
    const result = await buildFrom(server.url, places, template);
    expect(result.status, result.stderr).toBe(0);
    const tree = await rootTree(artifactOf(result, 'raw').path, join(root, 'choice'));
    const rpm = async (...args: readonly string[]) => (await run('chroot', [tree, 'rpm', ...args])).stdout;
    const check = async (): Promise<void> => {
      const entries = await readdir(join(tree, 'usr/share'), { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(tree.length));
      expect(paths.filter((path) => /^\/usr\/share\/(?:doc|man|info|locale|licenses)\//.test(path)).sort()).toEqual([
        '/usr/share/licenses/mini-manual/LICENSE',
        '/usr/share/locale/de/LC_MESSAGES/mini.mo',
      ]);
      expect(await rpm('-Va').catch((error: { readonly stdout: string }) => error.stdout)).toBe('........P    /usr/lib/mini/capable\n');
    };
    await check();
    const file = (await readdir(join(distribution.archive, 'Packages'))).find((name) => name.startsWith('mini-manual-')) as string;
    await copyFile(join(distribution.archive, 'Packages', file), join(tree, 'manual.rpm'));
    await rpm('-e', 'mini-manual');
    await rpm('-i', '--nosignature', '/manual.rpm');
    await check();
    const again = await buildFrom(server.url, places);
    expect(again.events.filter(({ type }) => type === 'step.miss')).toEqual([]);
  });
});

/** What runs from memory has all of the tree in its initrd, and no disk. */
describe('an image of rpm packages that runs from memory', () => {
  const liveTemplate = (imageType: string): Promise<string> =>
    rpmTemplate(distribution, `${imageType}.yml`, (template) => {
      Object.assign(template, { target: { ...template.target, imageType }, disk: undefined });
      Object.assign(template.systemConfig, { bootloader: undefined, configurations: [{ cmd: 'ln -s /bin/sh /usr/sbin/init' }] });
    });

  /** Unpacks an initrd that was compressed with gzip. @returns the tree. */
  async function unpack(initrd: string, name: string): Promise<string> {
    const tree = join(root, name);
    await mkdir(tree);
    const archive = join(root, `${name}.cpio`);
    await pipeline(createReadStream(initrd), createGunzip(), createWriteStream(archive));
    await run('cpio', ['--extract', '--make-directories', '--preserve-modification-time', '--quiet', '--file', archive], { cwd: tree });
    return tree;
  }

  const rpmOf = async (tree: string, ...args: readonly string[]): Promise<string> =>
    (await run('chroot', [tree, 'rpm', ...args]).catch((error: { readonly stdout: string }) => error)).stdout;

  it('is an initrd with every package as rpm installs it, and the newest kernel beside it', async () => {
    const built = await buildFrom(server.url, places, await liveTemplate('img'));
    expect(built.status, built.stderr).toBe(0);
    const tree = await unpack(artifactOf(built, 'cpio').path, 'initrd');
    const installed = (await rpmOf(tree, '-qa', '--queryformat', '%{NAME}\n')).trim().split('\n');
    expect(installed).toEqual(
      expect.arrayContaining(['base-files', 'mini-kernel', 'mini-library', 'mini-service', 'mini-triggers', 'rpm']),
    );
    expect(installed).not.toContain('mini-loader');
    // cpio has no place for capabilities; of what else rpm knows of its files, nothing is missing or different.
    expect(await rpmOf(tree, '-Va')).toBe('........P    /usr/lib/mini/capable\n');
    expect(await readFile(join(tree, 'etc', 'mini-service'), 'utf8')).toBe('installed 1\n');
    expect(await readlink(join(tree, 'init'))).toBe('sbin/init');
    expect(await readFile(artifactOf(built, 'vmlinuz').path, 'utf8')).toMatch(/^kernel 6\.12\.1 /);
  });

  it('is a live ISO image with the same packages, its kernel and its boot loader', async () => {
    const built = await buildFrom(server.url, places, await liveTemplate('iso'));
    expect(built.status, built.stderr).toBe(0);
    const disc = join(root, 'disc');
    await run('xorriso', ['-osirrox', 'on', '-abort_on', 'WARNING', '-indev', artifactOf(built, 'iso').path, '-extract', '/', disc]);
    expect(await readFile(join(disc, 'EFI/BOOT/BOOTX64.EFI'), 'utf8')).toMatch(/^loader /);
    expect(await readFile(join(disc, 'LIVE/VMLINUZ'), 'utf8')).toMatch(/^kernel 6\.12\.1 /);
    expect(await readFile(join(disc, 'LOADER/ENTRIES/LIVE.CONF'), 'utf8')).toContain('options console=ttyS0\n');
    const tree = await unpack(join(disc, 'LIVE/INITRD.IMG'), 'disc-initrd');
    expect(await rpmOf(tree, '-Va')).toBe('........P    /usr/lib/mini/capable\n');
  });
});

describe('a scriptlet', () => {
  it('that writes to /dev and looks for a network reaches neither the host nor the image, and nobody else', async () => {
    const { workshop, key } = distribution;
    const device = '/dev/ict-scriptlet-was-here';
    const script = [
      `echo escaped > ${device}`,
      'tail -n +3 /proc/net/dev | cut -d : -f 1 > /etc/mini-interfaces',
      'tail -n +2 /proc/net/route > /etc/mini-routes',
      'exit 7',
    ];
    const file = workshop.build({ name: 'mini-escape', preamble: ['Requires(post): coreutils'], more: ['%post', ...script] });
    const repository = join(root, 'escape');
    await cp(distribution.archive, repository, { recursive: true });
    const published = join(repository, 'Packages', basename(file));
    await copyFile(file, published);
    workshop.sign([published], key);
    await publish(repository);
    const template = await rpmTemplate(distribution, 'escape.yml', ({ systemConfig }) => void systemConfig.packages.push('mini-escape'));
    const changed = await serveArchive(repository);
    const result = await buildFrom(changed.url, await makePlaces(join(root, 'places-escape')), template);
    await changed.close();
    expect(result.status, result.stderr).toBe(0);
    const disk = artifactOf(result, 'raw').path;
    expect((await askRoot(disk, 'cat /etc/mini-interfaces')).trim()).toBe('lo');
    expect((await askRoot(disk, 'cat /etc/mini-routes')).trim()).toBe('');
    // What wants more than it gets there fails, and people are told.
    expect(result.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))).toContain('ICT_RPM_SCRIPTLET_FAILED');
    expect(await askRoot(disk, 'ls /dev')).not.toContain('ict-scriptlet');
    expect(await readdir('/dev')).not.toContain(basename(device));
  });
});

describe('an rpm repository that cannot be trusted is refused,', () => {
  /** Builds, with nothing cached, from a copy of the repository that was changed. @returns the codes of what is wrong. */
  async function refusal(name: string, change: (repository: string) => Promise<unknown>): Promise<readonly string[]> {
    const repository = join(root, name);
    await cp(distribution.archive, repository, { recursive: true });
    await change(repository);
    const changed = await serveArchive(repository);
    try {
      const result = await buildFrom(changed.url, await makePlaces(join(root, `places-${name}`)));
      const failed = result.events.find((event) => event.type === 'build.failed');
      if (failed?.type !== 'build.failed') throw new Error(`the build did not fail: ${result.status} ${result.stderr}`);
      expect(result.status).toBe(5);
      return [failed.error.code, ...failed.error.problems.map(({ code }) => code)];
    } finally {
      await changed.close();
    }
  }

  /** The file of the package that this file's tests tamper with. */
  async function victim(repository: string): Promise<string> {
    const packages = join(repository, 'Packages');
    const file = (await readdir(packages)).find((name) => name.startsWith('mini-service-'));
    if (file === undefined) throw new Error(`${packages} has no mini-service`);
    return join(packages, file);
  }

  it('when its metadata was changed after it was signed', async () => {
    const codes = await refusal('edited', async (repository) => {
      const repomd = join(repository, 'repodata', 'repomd.xml');
      await writeFile(repomd, (await readFile(repomd, 'utf8')).replace('<revision>', '<revision>1'));
    });
    expect(codes).toContain('ICT_RPM_REPOMD_SIGNATURE');
  });

  it('when its metadata is not signed', async () => {
    const codes = await refusal('unsigned', (repository) => run('rm', [join(repository, 'repodata', 'repomd.xml.asc')]));
    expect(codes).toContain('ICT_RPM_REPOMD_UNSIGNED');
  });

  it('when a package is another one than its metadata lists', async () => {
    const codes = await refusal('swapped', async (repository) => {
      const file = await victim(repository);
      await copyFile(file.replace('mini-service', 'mini-loader'), file);
    });
    expect(codes).toContain('ICT_PACKAGE_MISMATCH');
  });

  it('when it lists a package whose payload was changed', async () => {
    const codes = await refusal('damaged', async (repository) => {
      const file = await victim(repository);
      const bytes = await readFile(file);
      const last = bytes.length - 1;
      bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
      await writeFile(file, bytes);
      await publish(repository);
    });
    expect(codes).toContain('ICT_RPM_PACKAGE_DIGEST');
  });

  it('when it lists a package that a foreign key has signed', async () => {
    const codes = await refusal('foreign', async (repository) => {
      const { workshop } = distribution;
      workshop.sign([await victim(repository)], workshop.key('foreign'));
      await publish(repository);
    });
    expect(codes).toContain('ICT_RPM_PACKAGE_UNKNOWN_KEY');
  });
});
