import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BootstrapError } from './run.mjs';

/** The bit of a directory's mode that lets every user pass through it. */
const PASSABLE_BY_ALL = 0o001;

/**
 * Refuses, before anything is installed, to run the tests where the end-to-end ones cannot pass: they make users, mounts and
 * networks of their own, and run the clone's command as those users.
 *
 * @param {string} clone top directory of the workspace.
 * @param {number | undefined} uid of who runs the tests.
 * @throws {BootstrapError} with status 7, as `ict` has for what a host lacks.
 */
export async function requireTestPlace(clone, uid) {
  if (uid !== 0) {
    throw new BootstrapError(
      'the end-to-end tests need root: they make users, mounts and networks of their own. Run\n  sudo npm test\n' +
        'or, for what needs no root,\n  npm ci && npx nx run-many -t lint-all typecheck-all test',
      7,
    );
  }
  for (let directory = clone; ; directory = dirname(directory)) {
    if (((await stat(directory)).mode & PASSABLE_BY_ALL) === 0) {
      throw new BootstrapError(
        `the end-to-end tests run this clone's command as users that they make, and ${directory} is closed to them. ` +
          `Move the clone to a place that all users may read, such as /srv or /opt, or open that directory:\n  chmod ${directory === clone ? '-R o+rX' : 'o+x'} ${directory}`,
        7,
      );
    }
    if (directory === dirname(directory)) return;
  }
}
