import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildArchive, buildDeb, createSigningKey, type DebSpec } from '@ict/fixtures';

/** The public address of the archive; `--mirror` says where it really is. */
export const SYNTHETIC_ADDRESS = 'http://archive.example/synthetic';

/** A distribution to download: nothing in its packages works. */
export interface SyntheticDistribution {
  readonly root: string;
  readonly definition: string;
  readonly template: string;
  /** What all packages are in size. */
  readonly sizeBytes: number;
}

/** As many packages as a small image has, and as different in size: each is five hundredths larger than the one before. */
const PACKAGES = 96;
const LEAST_BYTES = 10_000;
const GROWTH = 1.05;

/** Makes a signed archive of packages that do not compress, with a definition and a template that ask for all of them. */
export async function makeSyntheticDistribution(directory: string): Promise<SyntheticDistribution> {
  await rm(directory, { recursive: true, force: true });
  const debs = join(directory, 'debs');
  await mkdir(debs, { recursive: true });
  const sizes = Array.from({ length: PACKAGES }, (_none, index) => Math.round(LEAST_BYTES * GROWTH ** index));
  const names = sizes.map((_size, index) => `part-${index}`);
  const spec = (name: string, bytes: number): DebSpec => ({ name, version: '1', files: { [`/usr/share/${name}`]: noise(name, bytes) } });
  const specs = [...names.map((name, index) => spec(name, sizes[index] as number)), spec('base', 1000), spec('kernel', 1000)];
  const made: string[] = [];
  for (const one of specs) made.push(await buildDeb(one, debs));
  const key = await createSigningKey('synthetic archive');
  const root = join(directory, 'archive');
  await buildArchive({ root, suite: 'synthetic', debs: made, key, dateSeconds: 1_760_000_000 });
  await writeFile(join(directory, 'keyring.gpg'), key.keyring);
  const [definition, template] = [join(directory, 'definition.yml'), join(directory, 'template.yml')];
  await writeFile(definition, DEFINITION);
  await writeFile(template, templateOf(names));
  return { root, definition, template, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The same bytes for the same name; no compression makes them fewer. */
function noise(name: string, bytes: number): Uint8Array {
  return createHash('shake256', { outputLength: bytes }).update(name).digest();
}

const DEFINITION = `apiVersion: 1
ecosystem: deb
os: synthetic
dist: synthetic1
title: Packages to download
architectures: [x86_64]
repositories:
  - id: synthetic
    archive: ${SYNTHETIC_ADDRESS}
    suite: synthetic
    components: [main]
    keyrings: [keyring.gpg]
essential: { priorities: [], packages: [base] }
boot:
  kernel: /boot/vmlinuz-*
  initrd: '/boot/initrd.img-\${kernelVersion}'
  makeInitrd: [cp, base, '\${output}']
  loaders: { systemd-boot: { package: base, efi: /usr/share/base } }
tools: { packages: { ext: [base] } }
defaults: { raw: {} }
`;

function templateOf(packages: readonly string[]): string {
  return `image: { name: synthetic, version: '1' }
target: { os: synthetic, dist: synthetic1, arch: x86_64, imageType: raw }
disk:
  name: Synthetic
  size: 112MiB
  partitionTableType: gpt
  artifacts: [{ type: raw }]
  partitions:
    - { id: esp, type: esp, flags: [esp, boot], start: 1MiB, end: 41MiB, fsType: fat32, mountPoint: /boot/efi }
    - { id: root, type: linux-root-amd64, start: 41MiB, end: '0', fsType: ext4, mountPoint: / }
systemConfig:
  name: synthetic
  bootloader: { bootType: efi, provider: systemd-boot }
  packages: [${packages.join(', ')}]
  kernel: { packages: [kernel] }
`;
}
