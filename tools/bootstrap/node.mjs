import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError, root } from './run.mjs';

const OLDEST = [24, 15];

/** True for `24.15.0` and newer. */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * The Node that the workspace brings, asked for its version, since npm drops an optional package in silence; else the running
 * one when it is new enough.
 *
 * @returns absolute path of the program.
 */
export function findNode() {
  const bundled = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (existsSync(bundled)) {
    const version = execFileSync(bundled, ['--print', 'process.versions.node'], { encoding: 'utf8' }).trim();
    if (isNewEnough(version)) return bundled;
  }
  if (isNewEnough(process.versions.node)) return process.execPath;
  throw new BootstrapError(
    `Node ${OLDEST.join('.')} or newer is needed; this is ${process.versions.node}, and the package node-linux-${process.arch} did not install.\n` +
      'Install Node 24 (the LTS) for this machine, then run the command again.',
    7,
  );
}
