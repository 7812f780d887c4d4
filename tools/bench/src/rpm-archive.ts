import { join } from 'node:path';
import { BOOTABLE_DIRECTORY, bootableArchive, type BootableArchive } from '@ict/fixtures';
import { measure } from './measurement.js';
import type { ScenarioOptions } from './scenario.js';
import { ICT } from './workspace.js';

/** The full rpm test distribution, made over the network unless something else has made it. */
export function rpmArchive({ directory, firstBuild, say }: ScenarioOptions): Promise<BootableArchive> {
  return bootableArchive({
    ict: (args) => measure({ argv: [ICT, ...args] }),
    cacheDirectory: join(directory, 'debian'),
    flags: firstBuild,
    directory: BOOTABLE_DIRECTORY,
    say,
  });
}
