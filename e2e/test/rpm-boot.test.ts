import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BOOTABLE_DIRECTORY, BOOTABLE_TEMPLATE, bootableArchive, bootableFlags, serveArchive, spdxSchemaCheck } from '@ict/fixtures';
import { hashFile } from '@ict/integrity';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { artifactOf, build, debianSource, ict, makePlaces, rootTree, TEMPLATES, type IctResult } from '../src/index.js';

const run = promisify(execFile);

const root = join(inject('run'), 'rpm-boot');
let first: IctResult;
let elsewhere: IctResult;

beforeAll(async () => {
  const archive = await bootableArchive({ ...(await debianSource(inject('run'))), directory: BOOTABLE_DIRECTORY });
  const template = await writeTemplate(join(root, 'templates'));
  const server = await serveArchive(archive.repository);
  try {
    const buildIn = async (name: string) => build(template, await makePlaces(join(root, name)), bootableFlags(archive, server.url));
    [first, elsewhere] = await Promise.all([buildIn('first'), buildIn('a directory elsewhere')]);
  } finally {
    await server.close();
  }
});

/** The template that comes with the distribution, with the unit that reports what the tests look for. @returns its path. */
async function writeTemplate(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await copyFile(BOOTABLE_TEMPLATE, join(directory, 'parent.yml'));
  await copyFile(join(TEMPLATES, 'ict-e2e.service'), join(directory, 'ict-e2e.service'));
  const template = join(directory, 'marker.yml');
  await writeFile(
    template,
    stringify({
      extends: 'parent.yml',
      image: { name: 'rpm-boot', version: '1' },
      target: { os: 'ict-test', dist: 'rpm1', arch: 'x86_64', imageType: 'raw' },
      systemConfig: {
        name: 'rpm-boot',
        hostname: 'ict-e2e',
        // A machine that is emulated beside other work may need more than systemd's 90 s to find its disks.
        kernel: { cmdline: 'console=ttyS0,115200 systemd.default_device_timeout_sec=500' },
        users: [{ name: 'admin', sudo: true, sshAuthorizedKeys: ['ssh-ed25519 AAAA admin@example.com'] }],
        additionalFiles: [{ local: 'ict-e2e.service', final: '/etc/systemd/system/ict-e2e.service' }],
        configurations: [{ cmd: 'systemctl enable ict-e2e.service' }],
      },
    }),
  );
  return template;
}

describe('an image of rpm packages with a kernel', () => {
  it('is the same in other directories', () => {
    expect(artifactOf(elsewhere, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
  });

  it('has a bill of material that is valid SPDX 2.3 and equal to its rpm database, and no file that rpm finds changed', async () => {
    const { path } = artifactOf(first, 'raw');
    const tree = await rootTree(path, join(root, 'tree'));
    const rpm = async (...args: readonly string[]) => (await run('chroot', [tree, 'rpm', ...args])).stdout;
    const epoch = '%|EPOCH?{%{EPOCH}:}:{}|';
    const installed = (await rpm('-qa', '--queryformat', `%{NAME} ${epoch}%{VERSION}-%{RELEASE}\n`)).trim().split('\n').sort();
    const sbom = JSON.parse(await readFile(path.replace(/raw$/, 'spdx.json'), 'utf8')) as {
      readonly packages: readonly {
        readonly name: string;
        readonly versionInfo: string;
        readonly externalRefs?: readonly { readonly referenceLocator: string }[];
      }[];
    };
    const billed = sbom.packages.filter(({ externalRefs = [] }) => externalRefs.some((ref) => ref.referenceLocator.startsWith('pkg:rpm/')));
    expect(billed.map((pkg) => `${pkg.name} ${pkg.versionInfo}`).sort()).toEqual(installed);
    expect(installed.length).toBeGreaterThan(100);
    expect(spdxSchemaCheck()(sbom)).toEqual([]);
    expect(await rpm('-Va')).toBe('');
  });

  it('boots to multi-user with ssh and without a failed unit, and stays unchanged by it', async () => {
    const { path, digest } = artifactOf(first, 'raw');
    // One processor takes a third less of ours than two, which wait for each other.
    const boot = await ict(['boot', path, '--until', 'ICT-E2E-DONE', '--timeout', '300', '--cpus', '1']);
    const console = boot.stdout + boot.stderr;
    expect(boot.status, console.slice(-3000)).toBe(0);
    expect(console).toMatch(/ICT-E2E ssh=active failed=0 host=ict-e2e admin=admin:600/);
    expect((await hashFile(path)).digest).toBe(digest);
  });
});
