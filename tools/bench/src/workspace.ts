import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the workspace, from `tools/bench/dist`. */
export const WORKSPACE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** The command as npm links it. */
export const ICT = join(WORKSPACE, 'node_modules', '.bin', 'ict');

export const TEMPLATE = join(WORKSPACE, 'templates', 'debian13-x86_64-minimal-raw.yml');
export const DEFINITION = join(WORKSPACE, 'providers', 'deb', 'distros', 'debian13.yml');
