import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../bin/ict.js', import.meta.url));

/** Runs `ict` where a directory is a full disk, in a mount namespace of its own. */
export function ictWithFullDisk(directory: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return within('mount -t tmpfs -o size=8k none "$0" && head -c 8192 /dev/zero > "$0"/all && exec "$@"', directory, argv, env);
}

/** Likewise, where the disk has what the directory has, and no room for more. */
export function ictOnFullDisk(directory: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const copy = 'cp -a "$0"/. "$0".copy/ && mount -t tmpfs -o size=8m none "$0" && cp -a "$0".copy/. "$0"';
  return within(`mkdir "$0".copy && ${copy} && { cat /dev/zero > "$0"/all 2> "$0".said || exec "$@"; }`, directory, argv, env);
}

function within(setup: string, directory: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
  const namespace = ['--user', '--map-root-user', '--mount'];
  const { status, stdout, stderr } = spawnSync('unshare', [...namespace, 'sh', '-c', setup, directory, process.execPath, bin, ...argv], {
    env: { ...process.env, ...env },
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
