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

/** What Node's process hears: where it keeps compiled code, and how the C library gives it memory. */
const OF_NODE = ['NODE_COMPILE_CACHE', 'GLIBC_TUNABLES'] as const;

/**
 * The agent's environment: where programs are looked for, and for its Node what ours has. Programs that the agent starts are not told of
 * the latter, and those inside of trees of neither.
 */
export function agentEnvironment(path: string, env = process.env): Readonly<Record<string, string>> {
  return { PATH: path, ...Object.fromEntries(OF_NODE.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))) };
}

/**
 * Settings of the agent's Node: a young generation of 3 MB, which is three times this. Nearly all that it makes are pieces of layers, soon gone; where
 * V8 has room for more, it takes new memory instead of collecting, and each new page costs more than to use one again.
 */
const NODE_SETTINGS = ['--max-semi-space-size=1'];

export interface LaunchOptions {
  /** Absolute path of the Node that runs the agent. */
  readonly node: string;
  /** Directory with `mounts` and `scratch`. */
  readonly session: string;
  /** Whether to start in a user namespace, as ordinary users must. */
  readonly userNamespace: boolean;
  readonly hostNetwork: boolean;
}

/** What the agent's first stage writes when its ids wait to be mapped, and what it waits for. */
export const UNMAPPED = '{"unmapped":true}';
export const MAPPED = '\n';

/**
 * First stage in a user namespace: says that it is there, waits until its ids are mapped, then becomes the second stage. At the end
 * of the socket it ends.
 *
 * `unshare --map-auto` would map them too, by a helper that outlives an unshare killed at the wrong moment, for ever.
 */
const AWAIT_MAPPING = `printf '%s\\n' '${UNMAPPED}' >&${CHANNEL_DESCRIPTOR}; read -r mapped <&${CHANNEL_DESCRIPTOR} || exit 1; exec "$@"`;

/** The kernel kills what follows with the thread that started it. A program that gains powers loses this, so it comes again. */
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

/** A command that starts another in a user namespace of its own, once ids of that are mapped: see {@link AWAIT_MAPPING}. */
export function inUserNamespace(argv: readonly string[]): readonly [string, ...string[]] {
  return [...WITH_PARENT, 'unshare', '--user', '--', 'sh', '-c', AWAIT_MAPPING, 'ict', ...argv];
}

/**
 * The command that starts the agent in new namespaces. Two things end it with ict: the kernel kills unshare when the thread that
 * started it ends, and unshare's child with unshare (`--kill-child`); and the agent exits when its socket closes.
 */
export function launchCommand(options: LaunchOptions): readonly [string, ...string[]] {
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=KILL', '--net', '--uts', '--ipc'];
  const agent = [
    options.node,
    ...NODE_SETTINGS,
    agentProgram(),
    options.session,
    ...(options.hostNetwork ? [String(NETWORK_DESCRIPTOR)] : []),
  ];
  const command = [...WITH_PARENT, 'unshare', ...namespaces, '--', ...agent] as const;
  return options.userNamespace ? inUserNamespace(command) : command;
}
