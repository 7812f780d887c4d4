import { once } from 'node:events';
import type { Socket } from 'node:net';
import { toErrorRecord } from '@ict/plugin-api';
import { LineSplitter } from '../line-splitter.js';
import { GatheredLines } from './gathered-lines.js';
import type { OutputLine, Reply, Request } from '../protocol.js';
import type { SandboxService } from './service.js';

/**
 * Serves the calls that arrive on `socket`, one JSON document a line, side by side, and writes their answers.
 *
 * @param onEnd called when the other side has gone: nobody is left to work for.
 */
export function serve(socket: Socket, service: SandboxService, onEnd: () => void): void {
  const running = new Map<number, AbortController>();
  const input = new LineSplitter();
  socket.on('data', (bytes: Buffer) => {
    for (const line of input.push(bytes)) {
      const request = JSON.parse(line) as Request;
      if ('cancel' in request) running.get(request.cancel)?.abort();
      else void answer(socket, service, request, running);
    }
  });
  socket.on('end', onEnd);
  socket.on('error', onEnd);
  socket.on('close', onEnd);
}

/** Writes one answer. @returns a promise while the other side is slow to read. */
export function send(socket: Socket, reply: Reply): Promise<void> | undefined {
  return socket.write(`${JSON.stringify(reply)}\n`) ? undefined : once(socket, 'drain').then(() => undefined);
}

async function answer(
  socket: Socket,
  service: SandboxService,
  { id, method, params }: Extract<Request, { id: number }>,
  running: Map<number, AbortController>,
): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const gathered = new GatheredLines((lines) => send(socket, { id, lines }));
  try {
    const onLines = (lines: readonly OutputLine[]): Promise<void> | undefined => gathered.add(lines);
    // The wire carries what AgentMethods says; both ends are one version of this package.
    const result = await service.call(method, params as never, { signal: controller.signal, onLines });
    gathered.flush();
    void send(socket, { id, result });
  } catch (error) {
    gathered.flush();
    void send(socket, { id, error: toErrorRecord(error) });
  } finally {
    running.delete(id);
  }
}
