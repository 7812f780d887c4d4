import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A process whose mount namespace has mounts of its own; nothing is mounted for the host, and all is gone when the process ends. */
export class HeldMounts {
  private readonly holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.holder = holder;
  }

  /** @param script of `sh`, which mounts; `args` are its `$1`, `$2`, ... */
  static async hold(script: string, ...args: readonly string[]): Promise<HeldMounts> {
    const argv = ['--mount', '--propagation', 'private', 'sh', '-c', `set -e\n${script}\necho mounted\nexec cat`, 'sh', ...args];
    const holder = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const [said] = (await once(holder.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    if (said.toString() !== 'mounted\n') throw new Error(`cannot mount: ${said.toString()}`);
    return new HeldMounts(holder);
  }

  /** Argv that runs a command where these mounts are. */
  inside(...argv: readonly string[]): readonly [string, ...string[]] {
    return ['nsenter', '--mount', `--target=${this.holder.pid}`, '--', ...argv];
  }

  /** A path as those see it who are outside. */
  seen(path: string): string {
    return `/proc/${this.holder.pid}/root${path}`;
  }

  /** As {@link inside}, on a machine of its own: with another host name, and where no process of others is seen. */
  onMachine(name: string, ...argv: readonly string[]): readonly [string, ...string[]] {
    const machine = ['unshare', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c'];
    return this.inside(...machine, 'hostname "$1" && shift && exec "$@"', 'sh', name, ...argv);
  }

  async close(): Promise<void> {
    const ended = once(this.holder, 'exit');
    this.holder.stdin?.end();
    await ended;
  }
}
