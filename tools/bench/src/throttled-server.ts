import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { serveLoopback, type LoopbackServer } from '@ict/fixtures';

/** What lies between a machine and a mirror. */
export interface Line {
  /** Before each answer; once more on a new connection, for what opens it. */
  readonly latencyMs: number;
  /** What one connection gets. */
  readonly connectionBytesPerSecond: number;
  /** What all connections get together. */
  readonly bytesPerSecond: number;
}

const PIECE_BYTES = 16 * 1024;

/** Serves a directory on a free port of the loopback interface as a mirror at the other end of a line would. */
export function serveThrottled(root: string, line: Line): Promise<LoopbackServer> {
  const known = new WeakSet<Socket>();
  const all = new Clock(line.bytesPerSecond);

  async function answer(path: string, socket: Socket, response: ServerResponse): Promise<void> {
    await wait(known.has(socket) ? line.latencyMs : 2 * line.latencyMs);
    known.add(socket);
    const file = join(root, normalize(decodeURIComponent(path)));
    response.writeHead(200, { 'content-length': (await stat(file)).size });
    const own = new Clock(line.connectionBytesPerSecond);
    for await (const piece of createReadStream(file, { highWaterMark: PIECE_BYTES })) {
      const bytes = (piece as Buffer).length;
      await wait(Math.max(0, all.take(bytes) - performance.now(), own.take(bytes) - performance.now()));
      if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      if (response.destroyed) return;
    }
    response.end();
  }

  return serveLoopback((request, response) => {
    answer(new URL(request.url ?? '/', 'http://localhost').pathname, request.socket, response).catch((error: NodeJS.ErrnoException) => {
      if (!response.headersSent) response.statusCode = error.code === 'ENOENT' ? 404 : 500;
      response.end();
    });
  });
}

/** When bytes that are sent one after the other have arrived. */
class Clock {
  private readonly bytesPerMs: number;
  private free = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerMs = bytesPerSecond / 1000;
  }

  /** @returns when the last of the bytes is through, on the clock of `performance.now()`. */
  take(bytes: number): number {
    this.free = Math.max(this.free, performance.now()) + bytes / this.bytesPerMs;
    return this.free;
  }
}
