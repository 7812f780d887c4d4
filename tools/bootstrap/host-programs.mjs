import { access, readFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { BootstrapError, run, say } from './run.mjs';

const list = new URL('./host-programs.json', import.meta.url);

/**
 * Debian packages of which something is needed that is not here.
 *
 * @param {readonly string[]} [names] those of the list that are needed; default: all, for the tests.
 */
export async function missingPrograms(names) {
  const { packages } = JSON.parse(await readFile(list, 'utf8'));
  const missing = [];
  for (const entry of packages) {
    const needed = names === undefined || names.includes(entry.package);
    if (needed && !(await isPresent(entry.file))) missing.push(entry.package);
  }
  return missing;
}

/**
 * Installs packages as root, saying so; as another user says the one command that does.
 *
 * @param {readonly string[]} packages
 * @param {string} who needs them, as the beginning of a sentence.
 */
export async function provideHostPrograms(packages, who) {
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || !(await isPresent('apt-get'))) {
    throw new BootstrapError(
      `${who} programs that this machine lacks; install them with\n  sudo apt-get install -y ${packages.join(' ')}`,
      7,
    );
  }
  say(`Installing programs with apt-get, since ${who} them: ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '--quiet'], { env });
  await run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...packages], { env });
}

async function isPresent(file) {
  const places = isAbsolute(file)
    ? [file]
    : [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((place) => join(place, file));
  for (const place of places) {
    try {
      await access(place);
      return true;
    } catch {
      // Not in this place.
    }
  }
  return false;
}
