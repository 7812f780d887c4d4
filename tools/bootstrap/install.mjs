import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { BootstrapError, root, run, say } from './run.mjs';

/** Runs `npm ci` when node_modules is not what package-lock.json says. */
export async function installWorkspace() {
  const wanted = await readPackages('package-lock.json');
  if (wanted === undefined) throw new BootstrapError('package-lock.json is missing: is this a whole clone?', 2);
  const present = await readPackages(join('node_modules', '.package-lock.json'));
  if (present !== undefined && isInstalled(wanted, present)) return;
  say('Installing the workspace (npm ci)');
  // Warnings would be about the Node that starts this and not about the one that the workspace brings.
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/**
 * Compares the lock file with the one that npm leaves in node_modules when it has finished. What is optional may be absent: npm
 * installs the packages of this platform only.
 *
 * @param wanted `packages` of package-lock.json.
 * @param present `packages` of node_modules/.package-lock.json.
 */
export function isInstalled(wanted, present) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const actual = present[path];
    if (actual === undefined ? entry.optional !== true : !isDeepStrictEqual(actual, entry)) return false;
  }
  return Object.keys(present).every((path) => wanted[path] !== undefined);
}

async function readPackages(file) {
  try {
    return JSON.parse(await readFile(join(root, file), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
