import { fileURLToPath } from 'node:url';

/** Descriptor of the socket between ict and the agent, in the agent. */
export const CHANNEL_DESCRIPTOR = 3;
/** Descriptor of the host's network namespace, in the agent. */
export const NETWORK_DESCRIPTOR = 4;

/**
 * The program of the agent. From `src` (tests) and from `dist` the path is the same.
 */
export function agentProgram(): string {
  return fileURLToPath(new URL('../dist/agent.js', import.meta.url));
}

export interface LaunchOptions {
  /** Absolute path of the Node that runs the agent. */
  readonly node: string;
  /** Directory with `mounts` and `scratch`. */
  readonly session: string;
  /** Whether to start in a user namespace, as ordinary users must. */
  readonly userNamespace: boolean;
  readonly hostNetwork: boolean;
}

/**
 * The command that starts the agent in new namespaces. Two things end it with ict: the kernel kills unshare when the thread that
 * started it ends, unshare's child dies with unshare (`--kill-child`), and the agent exits when its socket closes.
 */
export function launchCommand(options: LaunchOptions): readonly [string, ...string[]] {
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    ...(options.userNamespace ? ['--user', '--map-root-user', '--map-auto'] : []),
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--net',
    '--uts',
    '--ipc',
    '--',
    options.node,
    agentProgram(),
    options.session,
    ...(options.hostNetwork ? [String(NETWORK_DESCRIPTOR)] : []),
  ];
}
