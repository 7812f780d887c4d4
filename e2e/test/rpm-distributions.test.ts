import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RpmWorkshop, serveArchive, type ArchiveServer } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ict, LOOK_ALIKES, repositoryRoot, type IctResult, type LookAlike } from '../src/index.js';

const root = join(inject('run'), 'rpm-distributions');
const workshop = new RpmWorkshop();
const key = workshop.key('look-alike');
let server: ArchiveServer;

/** What is read of a shipped definition; all else of it is as it is shipped. */
interface Definition {
  readonly os: string;
  readonly repositories: { readonly id: string; keyrings: string[]; fingerprints?: string[]; metalink?: string }[];
  readonly byArchitecture?: { readonly x86_64?: { readonly grubPackage?: string } };
  readonly essential: { readonly packages: readonly string[] };
  readonly tools: { readonly packages: Readonly<Record<string, readonly string[]>> };
}

interface Lock {
  readonly repositories: readonly { readonly id: string; readonly archive: string }[];
  readonly packages: readonly { readonly name: string }[];
  readonly tools: readonly { readonly name: string }[];
}

const dists = Object.entries(LOOK_ALIKES);

beforeAll(async () => {
  for (const [, { repositories, metadata }] of dists)
    for (const [index, [id, { packages }]] of Object.entries(repositories).entries()) {
      const files = workshop.buildSet(packages, `${index + 1}.0`);
      workshop.sign(files, key);
      workshop.repository(id, files, key, metadata);
    }
  server = await serveArchive(workshop.directory);
});
afterAll(async () => {
  await server.close();
  workshop.close();
});

/** Writes the shipped definition with the key of the look-alikes, and with metalinks of theirs. */
async function writeDefinition(dist: string): Promise<Definition> {
  const definition = parse(await readFile(join(repositoryRoot, 'providers/rpm/distros', `${dist}.yml`), 'utf8')) as Definition;
  for (const repository of definition.repositories) {
    Object.assign(repository, { keyrings: [key.keyring], fingerprints: [key.fingerprint] });
    if (repository.metalink === undefined) continue;
    const repomd = await readFile(join(workshop.directory, repository.id, 'repodata/repomd.xml'));
    const hash = createHash('sha256').update(repomd).digest('hex');
    const resource = `<url protocol="http">${server.url}/${repository.id}/repodata/repomd.xml</url>`;
    await writeFile(
      join(workshop.directory, repository.id, 'metalink'),
      `<metalink version="3.0"><files><file name="repomd.xml"><size>${repomd.length}</size><verification><hash type="sha256">${hash}</hash></verification><resources>${resource}</resources></file></files></metalink>`,
    );
    repository.metalink = repository.metalink.replace(/^https:[^?]*/, `${server.url}/${repository.id}/metalink`);
  }
  await mkdir(root, { recursive: true });
  await writeFile(join(root, `${dist}.yml`), stringify(definition));
  return definition;
}

it('has a look-alike of every shipped definition', async () => {
  const shipped = await readdir(join(repositoryRoot, 'providers/rpm/distros'));
  expect(dists.map(([dist]) => `${dist}.yml`).sort()).toEqual(shipped.sort());
});

describe.each(dists)('%s', (dist, { repositories }: LookAlike) => {
  let definition: Definition;
  beforeAll(async () => {
    definition = await writeDefinition(dist);
  });

  async function lock(name: string, template: object): Promise<IctResult & { readonly lock?: Lock }> {
    const file = join(root, `${dist}-${name}.yml`);
    await writeFile(file, stringify({ image: { name, version: '1' }, ...template }));
    // Who has a metalink asks it for a mirror; of the others their vendor's address stands for ours.
    const mirrors = definition.repositories
      .filter(({ metalink }) => metalink === undefined)
      .flatMap(({ id }) => ['--mirror', `${repositories[id]?.archive}=${server.url}/${id}`]);
    const flags = ['--distro-file', join(root, `${dist}.yml`), '--cache-dir', join(root, 'cache'), ...mirrors];
    const result = await ict(['lock', file, ...flags]);
    if (result.status !== 0) return result;
    return { ...result, lock: parse(await readFile(file.replace('.yml', '.lock.yml'), 'utf8')) as Lock };
  }

  const target = (imageType: string): object => ({ os: definition.os, dist, arch: 'x86_64', imageType });

  // An iso is asked for what an img is.
  it('has all packages of its default templates, and takes no others of their kind', async () => {
    const results = await Promise.all(['raw', 'img', 'wsl2'].map((imageType) => lock(imageType, { target: target(imageType) })));
    for (const result of results) {
      expect(result.status, result.stderr).toBe(0);
      expect(result.lock?.repositories.map(({ id, archive }) => [id, archive])).toEqual(
        Object.entries(repositories).map(([id, { archive }]) => [id, archive]),
      );
      const names = result.lock?.packages.map(({ name }) => name) ?? [];
      expect(names).toEqual(expect.arrayContaining([...definition.essential.packages]));
      expect(names.filter((name) => /-(?:single|all-langpacks|workstation|rescue)$|^busybox/.test(name))).toEqual([]);
    }
  });

  it('has the tools for GRUB, for every artifact and for filesystems, each named once', async () => {
    const artifacts = [{ type: 'raw', compression: 'xz' }, { type: 'raw', compression: 'bz2' }, { type: 'qcow2' }];
    const partitions = [
      { id: 'esp', type: 'esp', start: '1MiB', end: '257MiB', fsType: 'fat32', mountPoint: '/boot/efi' },
      ...['erofs', 'squashfs']
        .filter((fsType) => Object.hasOwn(definition.tools.packages, fsType))
        .map((fsType, place) => {
          const start = 257 + 8 * place;
          return { id: fsType, type: 'linux', start: `${start}MiB`, end: `${start + 8}MiB`, fsType, mountPoint: `/opt/${fsType}` };
        }),
      { id: 'root', type: 'linux-root-amd64', start: '300MiB', end: '0', fsType: 'ext3', mountPoint: '/' },
    ];
    const all = {
      target: target('raw'),
      disk: { name: 'all', size: '2GiB', partitionTableType: 'gpt', artifacts, partitions },
      systemConfig: { name: 'tools', bootloader: { bootType: 'efi', provider: 'grub' } },
    };
    const legacy = {
      target: target('raw'),
      disk: { size: '2GiB', partitionTableType: 'mbr', partitions: [{ start: '1MiB', end: '0', fsType: 'ext4', mountPoint: '/' }] },
      systemConfig: { name: 'bios', bootloader: { bootType: 'legacy', provider: 'grub' } },
    };
    const results = await Promise.all([lock('tools', all), lock('bios', legacy)]);
    for (const result of results) expect(result.status, result.stderr).toBe(0);
    const locked = results.flatMap(({ lock: one }) => [...(one?.packages ?? []), ...(one?.tools ?? [])]);
    const named = Object.values(definition.tools.packages).map((names) =>
      names.map((name) => (name === '${grubPackage}' ? definition.byArchitecture?.x86_64?.grubPackage : name)),
    );
    expect(locked.map(({ name }) => name)).toEqual(expect.arrayContaining(['qemu-img', ...named.flat()]));
    for (const names of [definition.essential.packages, ...named]) expect(names).toEqual([...new Set(names)]);
  });

  it('asks its metalinks as their owner has them asked', () => {
    const asked = server.requests.flatMap((line) => /^GET (\S*\/metalink\S*) 200$/.exec(line)?.[1] ?? []);
    for (const [id, { metalink }] of Object.entries(repositories))
      expect(new Set(asked.filter((path) => path.startsWith(`/${id}/`)))).toEqual(
        new Set(metalink === undefined ? [] : [`/${id}/metalink?${metalink}`]),
      );
  });
});
