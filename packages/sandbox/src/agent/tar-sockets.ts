import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { temporaryName } from '@ict/integrity';
import { LargePieces } from './large-pieces.js';

/** What tar writes. */
export interface TarOutput {
  readonly pieces: LargePieces;
  /** What tar gets as its standard output. */
  readonly end: Socket;
}

/**
 * Pairs of connected sockets, for what tar says of layers. They hold three times what a pipe does, so that tar and whoever
 * reads wake each other half as often: a sixth of the CPU time of reading a tree through tar. Node connects its children by such pairs, too, and reads
 * them into new memory each time.
 */
export class TarSockets {
  readonly #directory: string;
  #listening: Promise<Listener> | undefined;

  /** @param directory where the socket gets its name: nobody else may look there. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws an error that says why no sockets can be had. */
  async take(): Promise<TarOutput> {
    this.#listening ??= listen(this.#directory);
    try {
      const pair = await this.#listening;
      return await pair();
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }
}

type Listener = () => Promise<TarOutput>;

async function listen(directory: string): Promise<Listener> {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  // Names of sockets may have 107 bytes, so that of the directory is not part of them.
  const path = `/proc/self/fd/${descriptor}/${temporaryName()}`;
  const waiting: PromiseWithResolvers<Socket>[] = [];
  // Connections arrive in the order in which they are made; nothing is ever read from that end.
  const server = createServer({ pauseOnConnect: true }, (end) => {
    const next = waiting.shift();
    if (next === undefined) end.destroy();
    else next.resolve(end);
  });
  const close = (): void => {
    server.close();
    closeSync(descriptor);
  };
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (error) {
    close();
    throw error;
  }
  /** Ends this listener: which of those that wait the next connection is for nobody can tell any more. */
  const fail = (error: Error): void => {
    if (server.listening) close();
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  server.on('error', fail).unref();
  return async () => {
    const accepted = Promise.withResolvers<Socket>();
    waiting.push(accepted);
    const cameToNothing = (error: Error): void => (waiting.includes(accepted) ? fail(error) : undefined);
    const pieces = new LargePieces((onread) =>
      connect({ path, onread })
        .once('error', cameToNothing)
        .once('close', () => cameToNothing(new Error('the system took the connection back'))),
    );
    try {
      return { pieces, end: await accepted.promise };
    } catch (error) {
      pieces.close();
      throw error;
    }
  };
}
