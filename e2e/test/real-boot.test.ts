import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashFile } from '@ict/integrity';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { artifactOf, build, ict, realBuild, stepsOf, type IctResult, type RealBuild } from '../src/index.js';

/** It takes a third less of ours than two do, which wait for each other. The first image has the two that `ict boot` gives a machine. */
const ONE_PROCESSOR = ['--cpus', '1'];

let real: RealBuild;
beforeAll(async () => {
  real = await realBuild(inject('run'));
});

/**
 * Builds in the directories of the first build, after what the archive has now was built there, too: it may have published more meanwhile, of
 * which other packages are resolved.
 */
async function buildBesideFirst(template: string): Promise<IctResult> {
  const first = await build(real.template, real.places, ['--output', join(inject('run'), 'first-again')]);
  expect(first.status, first.stderr).toBe(0);
  const built = await build(template, real.places);
  expect(built.status, built.stderr).toBe(0);
  return built;
}

/** Boots an image until its unit has reported, and requires a sound report. @returns what its console said. */
async function bootedConsole(image: string, args: readonly string[] = []): Promise<string> {
  const boot = await ict(['boot', image, '--until', 'ICT-E2E-DONE', '--timeout', '300', ...args]);
  const console = boot.stdout + boot.stderr;
  expect(boot.status, console.slice(-3000)).toBe(0);
  expect(console).toMatch(/ICT-E2E ssh=active failed=0 host=ict-e2e admin=admin:600/);
  return console;
}

it('an image from the real archive boots to multi-user with ssh and without a failed unit, and stays unchanged by it', async () => {
  const console = await bootedConsole(real.raw.path);
  expect(console).toContain('ICT-E2E motd=$(id) `id` "quoted" \'single\' end');
  expect(console).toContain('ICT-E2E tree=from the tree: ict-e2e');
  expect((await hashFile(real.raw.path)).digest).toBe(real.raw.digest);
});

describe('the image from the real archive once more, started by GRUB, in the directories of the first build,', () => {
  let built: IctResult;
  beforeAll(async () => {
    const template = join(dirname(real.template), 'grub.yml');
    await writeFile(
      template,
      stringify({
        extends: 'debian13-boot-marker.yml',
        image: { name: 'e2e-grub', version: '13' },
        target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
        systemConfig: { name: 'grub', bootloader: { bootType: 'efi', provider: 'grub' } },
      }),
    );
    built = await buildBesideFirst(template);
  });

  it('takes all that it has in common with the image that systemd-boot starts from the cache', () => {
    expect(stepsOf(built, 'step.hit')).toContain('ict.base');
  });

  it('boots to multi-user, without a failed unit', async () => {
    expect(await bootedConsole(artifactOf(built, 'raw').path, ONE_PROCESSOR)).toMatch(/GRUB|Booting `/);
  });
});

interface TemplateParts {
  readonly target: object;
  readonly systemConfig: { readonly packages: readonly string[]; readonly kernel: object };
}

describe('the same system in memory, out of the packages of the first build,', () => {
  const buildOf = async (imageType: 'img' | 'iso'): Promise<IctResult> => {
    const [parent, marker] = await Promise.all(
      ['debian13-x86_64-minimal-raw.yml', 'debian13-boot-marker.yml'].map(
        async (name) => parse(await readFile(join(dirname(real.template), name), 'utf8')) as TemplateParts,
      ),
    );
    // With the loader that a disk asks for by itself, the packages are those of the disk, and their layer is taken.
    const packages = [...[parent, marker].flatMap((part) => part?.systemConfig.packages ?? []), 'systemd-boot-efi'];
    const template = join(dirname(real.template), `${imageType}.yml`);
    const target = { ...marker?.target, imageType };
    const kernel = { ...parent?.systemConfig.kernel, ...marker?.systemConfig.kernel };
    const systemConfig = { ...parent?.systemConfig, ...marker?.systemConfig, name: imageType, packages, kernel };
    await writeFile(template, stringify({ image: { name: 'e2e-memory', version: '13' }, target, systemConfig }));
    const built = await buildBesideFirst(template);
    expect(stepsOf(built, 'step.hit')).toContain('ict.packages');
    return built;
  };

  it('boots from its initrd alone', async () => {
    await bootedConsole(artifactOf(await buildOf('img'), 'cpio').path, ONE_PROCESSOR);
  });

  it('is handed the same initrd from an ISO image, as a disc and as a disk', async () => {
    const iso = artifactOf(await buildOf('iso'), 'iso').path;
    // From there on it is the boot of its initrd alone; of disc or disk nobody knows any more.
    for (const how of [[], ['--as-disk']]) {
      const boot = await ict(['boot', iso, '--until', 'Loaded initrd from', '--timeout', '300', ...ONE_PROCESSOR, ...how]);
      expect(boot.status, (boot.stdout + boot.stderr).slice(-3000)).toBe(0);
    }
  });
});
