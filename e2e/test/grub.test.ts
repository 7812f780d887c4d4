import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { artifactOf, build, ict, realBuild, type IctResult } from '../src/index.js';

let built: IctResult;

/** The image from the real archive once more, started by GRUB, in the directories of the first build. */
beforeAll(async () => {
  const real = await realBuild(inject('run'));
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
  built = await build(template, real.places);
});

it('takes all that it has in common with the image that systemd-boot starts from the cache', () => {
  expect(built.status, built.stderr).toBe(0);
  const hits = built.events.flatMap((event) => (event.type === 'step.hit' ? [event.step] : []));
  expect(hits).toContain('ict.base');
});

it('boots through GRUB to multi-user, without a failed unit', async () => {
  const boot = await ict(['boot', artifactOf(built, 'raw').path, '--until', 'ICT-E2E-DONE', '--timeout', '300']);
  const console = boot.stdout + boot.stderr;
  expect(boot.status, console.slice(-3000)).toBe(0);
  expect(console).toMatch(/ICT-E2E ssh=active failed=0 host=ict-e2e admin=admin:600/);
  expect(console).toMatch(/GRUB|Booting `/);
});
