import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../bin/ict.js', import.meta.url));

/** Runs `ict` where a directory is a full disk, in a mount namespace of its own. */
export function ictWithFullDisk(directory: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const setup = 'mount -t tmpfs -o size=8k none "$0" && head -c 8192 /dev/zero > "$0"/all && exec "$@"';
  const namespace = ['--user', '--map-root-user', '--mount'];
  const { status, stdout, stderr } = spawnSync('unshare', [...namespace, 'sh', '-c', setup, directory, process.execPath, bin, ...argv], {
    env: { ...process.env, ...env },
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
