import type { Sandbox, SandboxOptions } from './sandbox.js';

/**
 * Starts a sandbox: as root in new mount, pid, network, UTS and IPC namespaces; as another user in a new user namespace too, with
 * the user's subordinate ids. Call it on the main thread: the kernel ends the sandbox with the thread that started it.
 *
 * What it is made of is loaded now and not before: a build that finds everything kept needs none of it.
 *
 * @throws `ICT_SANDBOX_START`; the signal's reason.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  return (await import('./sandbox.js')).startSandbox(options);
}
