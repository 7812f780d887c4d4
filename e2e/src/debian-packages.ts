import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { build, realPackages, type RealBuild } from './real-build.js';

/**
 * Gets packages of the real archive into the package cache of a real build: has another image with them built, as far as its downloads.
 *
 * @returns the .deb files, in the order of the names.
 * @throws when the archive has not all of them.
 */
export async function debianPackages(real: RealBuild, names: readonly string[], directory: string): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const template = join(directory, 'template.yml');
  await writeFile(
    template,
    stringify({
      image: { name: 'packages', version: '1' },
      target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
      systemConfig: { name: 'packages', packages: names },
    }),
  );
  const places = { ...real.places, work: join(directory, 'work') };
  // Everything is downloaded and verified before the first step starts.
  const result = await build(template, places, [], {
    onEvent: (event, process) => {
      if (event.type === 'step.start' || event.type === 'step.hit') process.kill('SIGTERM');
    },
  });
  const files = await readdir(realPackages(real));
  return names.map((name) => {
    const file = files.find((candidate) => candidate.startsWith(`${name}_`) && candidate.endsWith('.deb'));
    if (file === undefined) throw new Error(`no package ${name}; ict exited ${result.status}:\n${result.stderr.slice(-4000)}`);
    return join(realPackages(real), file);
  });
}
