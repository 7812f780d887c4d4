import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DistributionDefinition } from '@ict/plugin-api';
import { onTestFinished } from 'vitest';
import { type LoadedTemplate, loadTemplate } from '../src/documents/load.js';
import type { TemplateDefaults } from '../src/schema/template.js';

/** A directory with these files, gone when the test ends. */
export async function workspace(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ict-template-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return directory;
}

/** A definition with these defaults for raw images. */
export function definition(raw: TemplateDefaults = {}): DistributionDefinition {
  return {
    apiVersion: 1,
    ecosystem: 'deb',
    os: 'debian',
    dist: 'debian13',
    title: 'Debian 13',
    architectures: ['x86_64'],
    repositories: [],
    essential: { priorities: [], packages: [] },
    boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd', makeInitrd: ['true'], loaders: {} },
    tools: { packages: {} },
    defaults: { raw },
  };
}

/** Image and target of a template that `definition` fits. */
export const HEAD = `image:
  name: demo
  version: "1.0"
target:
  os: debian
  dist: debian13
  arch: x86_64
  imageType: raw
`;

/** A disk that can start. */
export const DISK = `disk:
  size: 2GiB
  partitions:
    - { id: esp, type: esp, start: 1MiB, end: 257MiB, fsType: fat32, mountPoint: /boot/efi }
    - { id: root, type: linux, start: 257MiB, end: "0", fsType: ext4, mountPoint: / }
`;

/** Loads the text of one template, with other files beside it. */
export async function load(
  text: string,
  defaults: TemplateDefaults = {},
  files: Readonly<Record<string, string>> = {},
): Promise<LoadedTemplate> {
  const directory = await workspace({ 'image.yml': text, ...files });
  return loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition(defaults) });
}

/** Codes and messages of reports, for comparison. */
export const said = (problems: readonly { readonly code: string; readonly message: string }[]): string[] =>
  problems.map(({ code, message }) => `${code}: ${message}`);
