import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockedIndex } from '@ict/fixtures';
import { measure } from './measurement.js';
import type { ScenarioOptions } from './scenario.js';
import { ICT, TEMPLATE } from './workspace.js';

/** The main index of the shipped Debian template, as `ict lock` fetched and verified it. @returns the path of its text. */
export async function debianIndex({ directory, firstBuild, onRun }: ScenarioOptions): Promise<string> {
  const template = join(directory, 'template.yml');
  const cache = join(directory, 'cache');
  await mkdir(cache, { recursive: true });
  await copyFile(TEMPLATE, template);
  const directories = ['--cache-dir', cache, '--work-dir', join(directory, 'work'), '--temp-dir', directory];
  onRun('ict lock', await measure({ argv: [ICT, 'lock', template, ...directories, ...firstBuild] }));
  return lockedIndex(cache, await readFile(join(directory, 'template.lock.yml'), 'utf8'), 'main/binary-amd64/Packages');
}
