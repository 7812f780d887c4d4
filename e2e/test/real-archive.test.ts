import { execFile } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { spdxSchemaCheck } from '@ict/fixtures';
import { hashFile } from '@ict/integrity';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import {
  artifactOf,
  askRoot,
  build,
  cutPartition,
  ict,
  partitionOffset,
  realBuild,
  realPackages,
  TEMPLATES,
  type RealBuild,
} from '../src/index.js';

const run = promisify(execFile);

let real: RealBuild;
beforeAll(async () => {
  real = await realBuild(inject('run'));
});

interface Sbom {
  readonly packages: readonly {
    readonly name: string;
    readonly versionInfo: string;
    readonly checksums?: readonly unknown[];
    readonly licenseDeclared?: string;
    readonly externalRefs?: readonly { readonly referenceLocator: string }[];
  }[];
  readonly relationships: readonly { readonly relationshipType: string }[];
}

/** Packages of the archive in the bill of material, with the architectures that their addresses name. */
async function billedPackages() {
  const { packages } = JSON.parse(await document('spdx.json')) as Sbom;
  return packages.flatMap((pkg) => {
    const purl = pkg.externalRefs?.find((ref) => ref.referenceLocator.startsWith('pkg:deb/debian/'));
    return purl === undefined ? [] : [{ pkg, arch: new URL(purl.referenceLocator).searchParams.get('arch') }];
  });
}

async function document(suffix: string): Promise<string> {
  return readFile(real.raw.path.replace(/raw$/, suffix), 'utf8');
}

describe('an image from the real archive', () => {
  it('leaves the host as it was', () => {
    expect(real.after).toEqual(real.before);
  });

  it('reports artifacts with their true digests', async () => {
    for (const { path, digest } of [real.raw, real.qcow2]) expect((await hashFile(path)).digest).toBe(digest);
  });

  it('is a disk that sfdisk, e2fsck and fsck.fat find sound', async () => {
    await run('sfdisk', ['--verify', real.raw.path]);
    const root = await partitionOffset(real.raw.path, 1);
    const check = await run('e2fsck', ['-fn', `${real.raw.path}?offset=${root}`]);
    expect(check.stdout).toMatch(/Pass 5/);
    const esp = await cutPartition(real.raw.path, 0, join(inject('run'), 'esp.fat'));
    expect((await run('fsck.fat', ['-n', '-v', esp])).stdout).toMatch(/32 bit|FAT32|32-bit/);
  });

  it('has nothing of one machine', async () => {
    expect(await askRoot(real.raw.path, 'cat /etc/machine-id')).toBe('uninitialized\n');
    expect(await askRoot(real.raw.path, 'ls /etc/ssh')).not.toContain('ssh_host_');
    expect(await askRoot(real.raw.path, 'ls /var/log')).not.toMatch(/dpkg\.log|bootstrap\.log/);
    expect(await askRoot(real.raw.path, 'ls /usr/sbin')).not.toContain('policy-rc.d');
  });

  it('is the same disk as qcow2', async () => {
    const { stdout } = await run('qemu-img', ['compare', real.raw.path, real.qcow2.path]);
    expect(stdout).toMatch(/Images are identical/);
  });

  it('has a bill of material that is valid SPDX 2.3 and equal to the package database of the tree', async () => {
    const stdout = await askRoot(real.raw.path, 'cat /var/lib/dpkg/status');
    const field = (stanza: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const installed = stdout
      .split('\n\n')
      .filter((stanza) => field(stanza, 'Status') === 'install ok installed')
      .map((stanza) => `${field(stanza, 'Package')} ${field(stanza, 'Version')} ${field(stanza, 'Architecture')}`)
      .sort();
    const billed = await billedPackages();
    expect(billed.map(({ pkg, arch }) => `${pkg.name} ${pkg.versionInfo} ${arch}`).sort()).toEqual(installed);
    expect(new Set(billed.map(({ arch }) => arch))).toEqual(new Set(['all', 'amd64']));
    expect(billed.every(({ pkg }) => (pkg.checksums ?? []).length > 0)).toBe(true);
    const sbom = JSON.parse(await document('spdx.json')) as Sbom;
    expect(sbom.relationships.some((relation) => relation.relationshipType === 'DEPENDS_ON')).toBe(true);
    expect(installed.length).toBeGreaterThan(100);
    expect(spdxSchemaCheck()(sbom)).toEqual([]);
  });

  it('has a bill of material with the licence of every package whose copyright file is for machines', async () => {
    const copied = join(inject('run'), 'documentation');
    await mkdir(copied);
    await askRoot(real.raw.path, `rdump /usr/share/doc ${copied}`);
    const forMachines = async (name: string) => {
      // Some have none, and the documentation of others is a link to that of another package.
      const text = await readFile(join(copied, 'doc', name, 'copyright'), 'utf8').catch(() => '');
      return /^Format(-Specification)?:\s*\S*(copyright-format|dep-?5)/im.test(text.split('\n\n')[0] ?? '');
    };
    const billed = await billedPackages();
    const licences = new Map(billed.map(({ pkg }) => [pkg.name, pkg.licenseDeclared]));
    const silent = [...licences].flatMap(([name, licence]) => (licence === 'NOASSERTION' ? [name] : []));
    const unreadable: string[] = [];
    for (const { pkg } of billed) if (!(await forMachines(pkg.name))) unreadable.push(pkg.name);
    expect(silent).toEqual(unreadable);
    // Written for people: the compiler, Kerberos and the archive's keyring.
    expect(silent).toEqual(expect.arrayContaining(['debian-archive-keyring', 'gcc-14-base', 'libkrb5-3']));
    expect(silent.length).toBeLessThan(billed.length / 5);
    expect(licences.get('adduser')).toBe('GPL-2.0-or-later');
  });

  it('has a manifest that names the signer of each repository', async () => {
    const manifest = JSON.parse(await document('manifest.json')) as { repositories: { signers: string[] }[]; packages: object[] };
    expect(manifest.repositories).toHaveLength(3);
    expect(manifest.repositories.every((repository) => repository.signers.length > 0)).toBe(true);
    expect(manifest.repositories.every((repository) => repository.signers.every((signer) => /^[0-9A-F]{40}$/.test(signer)))).toBe(true);
    expect(manifest.packages.length).toBeGreaterThan(100);
  });

  it('is not made again when nothing changed: every step hits and no package is fetched', async () => {
    const again = await build(real.template, real.places);
    expect(again.status, again.stderr).toBe(0);
    expect(again.events.filter((event) => event.type === 'step.miss')).toEqual([]);
    expect(again.events.filter((event) => event.type === 'package.stored')).toEqual([]);
    expect(artifactOf(again, 'raw').digest).toBe(real.raw.digest);
  });

  it('replaces just the cached package that was damaged', async () => {
    const { stdout } = await run('find', [realPackages(real), '-name', 'sudo_*.deb']);
    const victim = stdout.trim();
    const file = await open(victim, 'r+');
    await file.write(Buffer.from('damage'), 0, 6, 5000);
    await file.close();
    const mended = await build(real.template, real.places, ['--lock', real.lock, '--no-image-cache']);
    expect(mended.status, mended.stderr).toBe(0);
    expect(mended.events.filter((event) => event.type === 'package.invalid').map((event) => 'name' in event && event.name)).toEqual([
      'sudo',
    ]);
    expect(mended.events.filter((event) => event.type === 'package.stored')).toHaveLength(1);
    expect((await hashFile(victim)).sizeBytes).toBeGreaterThan(0);
    const graph = await readFile(join(realPackages(real), 'chrootpkgs.dot'), 'utf8');
    expect(graph).toContain('"openssh-server" -> "libc6"');
    expect(dirname(artifactOf(mended, 'raw').path)).toBe(dirname(real.raw.path));
  });

  it('resolves the reference template of the same name, of which nothing is refused', async () => {
    const template = join(TEMPLATES, 'reference-debian13-x86_64-minimal-raw.yml');
    const directories = ['--cache-dir', real.places.cache, '--work-dir', real.places.work];
    const validated = await ict(['validate', template, '--json']);
    expect(JSON.parse(validated.stdout)).toMatchObject({ valid: true, problems: [], warnings: [] });
    const out = join(inject('run'), 'reference.lock.yml');
    const locked = await ict(['lock', template, '--output', out, '--json', ...directories]);
    expect(locked.status, `${basename(template)}: ${locked.stdout}${locked.stderr}`).toBe(0);
    const lock = await readFile(out, 'utf8');
    for (const name of ['grub-cloud-amd64', 'cloud-init', 'linux-image-amd64']) expect(lock).toContain(`name: ${name}\n`);
    const warned = locked.events.flatMap((event) => (event.type === 'warning' ? [event] : []));
    const wish = warned.find((event) => event.code === 'ICT_KERNEL_VERSION');
    const [taken] = /(?<=name: linux-image-amd64\n\s+version: ).*/.exec(lock) ?? [];
    const told = wish?.position?.line === 119 && wish.message.includes(` linux-image-amd64 ${taken} is taken`);
    expect(lock.includes('linux-image-6.12.74') || told, JSON.stringify(warned)).toBe(true);
  });
});
