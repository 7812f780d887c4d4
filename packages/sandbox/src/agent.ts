/*
 * The program that runs as pid 1 of the sandbox's namespaces; `launch.ts` starts it. Its arguments are the directory of the
 * session and, when the host's network may be used, the descriptor of its namespace.
 */
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { send, serve } from './agent/connection.js';
import { runHostProgram } from './agent/host-program.js';
import { changeMounts } from './agent/mounting.js';
import { SandboxService } from './agent/service.js';
import { CHANNEL_DESCRIPTOR } from './launch.js';

const HOST_NAME = 'localhost';

async function main(session: string, network: string | undefined): Promise<void> {
  if (process.pid !== 1) throw new Error('This program belongs to the sandbox and must be the first process of a pid namespace');
  process.umask(0o022);
  const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
  await changeMounts('Mounting /proc', ['mount', '-n', '-i', '-t', 'proc', '-o', 'nosuid,nodev,noexec', 'proc', '/proc'], '/');
  await setHostName();
  const mounts = join(session, 'mounts');
  await changeMounts('Mounting a tmpfs', ['mount', '-n', '-i', '-t', 'tmpfs', '-o', 'mode=0700,nosuid,nodev', 'tmpfs', mounts], '/');
  const service = new SandboxService({
    mounts,
    scratch: join(session, 'scratch'),
    network: network === undefined ? undefined : Number(network),
  });
  // Exiting ends every process and mount of the namespaces.
  serve(socket, service, () => process.exit(0));
  void send(socket, { ready: true });
}

/** Gives the namespace one name on every machine. In a user namespace only sethostname(2) may, which hostname(1) calls. */
async function setHostName(): Promise<void> {
  try {
    writeFileSync('/proc/sys/kernel/hostname', HOST_NAME);
  } catch (cause) {
    const end = await runHostProgram(['hostname', HOST_NAME]);
    if (end.status !== 0) throw new Error(`The host name of the namespace cannot be set: ${end.stderr}`, { cause });
  }
}

await main(process.argv[2] as string, process.argv[3]);
