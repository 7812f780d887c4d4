import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Puts a FIFO at a path, to which nobody writes: whoever opens it waits for ever. */
export function putFifo(path: string): void {
  execFileSync('mkfifo', [path]);
}

/** Puts a socket at a path below the directory of temporary files, at which nobody listens any more. */
export async function putSocket(path: string): Promise<void> {
  // The name under which it is made may not be long, and is removed by Node in the end.
  const directory = mkdtempSync(join(tmpdir(), 'ict-'));
  const server = createServer().listen(join(directory, 'socket'));
  await once(server, 'listening');
  renameSync(join(directory, 'socket'), path);
  server.close();
  rmSync(directory, { recursive: true });
}
