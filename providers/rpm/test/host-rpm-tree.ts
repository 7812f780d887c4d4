import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyPrograms } from '@ict/fixtures';
import type { DistributionDefinition, VerifiedPackage } from '@ict/plugin-api';

/** What an installer has to know of a distribution whose tree is made by {@link makeHostRpmTree}. */
export const distribution = { dist: 'x', boot: {}, quirks: {} } as unknown as DistributionDefinition;

/**
 * A root of a few programs of this machine, whose rpm installs as that of any tree would.
 *
 * @param programs absolute paths of those that scriptlets call beside `/bin/sh`.
 * @returns `directory`.
 */
export function makeHostRpmTree(directory: string, programs: readonly string[] = []): string {
  copyPrograms(directory, ['/usr/bin/rpm', '/bin/sh', ...programs]);
  cpSync('/usr/lib/rpm', join(directory, 'usr/lib/rpm'), { recursive: true });
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(directory, 'etc/group'), 'root:x:0:\n');
  return directory;
}

/** A package of a workshop as the installer gets it. */
export function verified(name: string, file: string): VerifiedPackage {
  return {
    name,
    version: '1.0-1',
    arch: 'noarch',
    id: `${name}:noarch`,
    requires: [],
    repository: 'workshop',
    file,
  } as unknown as VerifiedPackage;
}
