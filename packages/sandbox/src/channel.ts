import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { fromErrorRecord } from '@ict/plugin-api';
import { sandboxError } from './errors.js';
import { OutputTail } from './output-tail.js';
import { agentEnvironment, MAPPED } from './launch.js';
import { LineSplitter } from './line-splitter.js';
import type { MethodName, OutputLine, Params, Reply, Request, Result } from './protocol.js';

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface StartOptions {
  /** Where programs are looked for. */
  readonly path: string;
  readonly extra: readonly number[];
  readonly mapIds?: ((pid: number) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

interface PendingCall {
  readonly method: MethodName;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  readonly onLine: CallOptions['onLine'];
}

/** The agent process and the calls that wait for its answers. It holds the event loop only while a call waits. */
export class AgentChannel {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #pending = new Map<number, PendingCall>();
  readonly #stderr = new OutputTail(16 * 1024);
  readonly #exited: Promise<void>;
  readonly #mapIds: StartOptions['mapIds'];
  #nextId = 1;
  /** Why no call can be made any more. */
  #ended: { readonly reason: unknown } | undefined;
  #ready: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>();

  private constructor(child: ChildProcess, mapIds: StartOptions['mapIds']) {
    this.#child = child;
    this.#mapIds = mapIds;
    this.#socket = child.stdio[3] as unknown as Socket;
    const input = new LineSplitter();
    this.#socket.on('data', (bytes: Buffer) => {
      for (const line of input.push(bytes)) this.#receive(JSON.parse(line) as Reply);
    });
    // A broken connection shows as the agent's end, which tells more.
    this.#socket.on('error', () => this.#child.kill('SIGKILL'));
    (child.stderr as Readable).on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#end(() => startFailure(error.message, error));
        resolve();
      });
      child.once('close', (code, signal) => {
        this.#end(() => this.#death(signal ?? `status ${code}`));
        resolve();
      });
    });
  }

  /**
   * Starts the agent and waits until it can be called.
   *
   * @param options.extra descriptors that it gets, from number 4 on.
   * @param options.mapIds maps the ids of its user namespace, when it has one.
   * @throws `ICT_SANDBOX_START`; the signal's reason.
   */
  static async start(argv: readonly [string, ...string[]], options: StartOptions): Promise<AgentChannel> {
    const { path, extra, mapIds, signal } = options;
    signal.throwIfAborted();
    const [program, ...rest] = argv;
    const child = spawn(program, rest, {
      cwd: '/',
      env: agentEnvironment(path),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...extra],
      // Ctrl-C at a terminal is for ict, which ends the agent. A tar of the agent that ended by it would seem to have failed before.
      detached: true,
    });
    const channel = new AgentChannel(child, mapIds);
    const abort = (): void => channel.kill(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void channel.#exited.then(() => signal.removeEventListener('abort', abort));
    await channel.#ready?.promise;
    channel.#ready = undefined;
    channel.#hold();
    return channel;
  }

  /** Process id of what was started: killing it ends the agent and all in its namespaces. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Makes one call. When the signal aborts, the agent stops the work, and only then the promise is rejected, with the signal's
   * reason.
   *
   * @throws what the agent reports; `ICT_SANDBOX_DIED` when it ends before it answers; `ICT_SANDBOX_CLOSED`.
   */
  call<M extends MethodName>(method: M, params: Params<M>, options: CallOptions = {}): Promise<Result<M>> {
    const { signal, onLine } = options;
    if (this.#ended !== undefined) return Promise.reject(this.#ended.reason as Error);
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const id = this.#nextId++;
    return new Promise<Result<M>>((resolve, reject) => {
      const cancel = (): void => this.#send({ cancel: id });
      const settle = <T>(settled: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          signal?.removeEventListener('abort', cancel);
          this.#pending.delete(id);
          this.#hold();
          settled(value);
        };
      };
      signal?.addEventListener('abort', cancel, { once: true });
      const fail = settle((error: unknown) => reject(signal?.aborted === true ? (signal.reason as Error) : (error as Error)));
      this.#pending.set(id, { method, resolve: settle((result: unknown) => resolve(result as Result<M>)), reject: fail, onLine });
      this.#hold();
      this.#send({ id, method, params });
    });
  }

  /** Ends the agent at once. Waiting calls are rejected with `reason`. */
  kill(reason: unknown): void {
    this.#end(() => reason);
    this.#child.kill('SIGKILL');
  }

  /** Lets the agent go and waits until it has. */
  async close(): Promise<void> {
    this.#end(closedSandbox);
    this.#child.ref();
    // A child that was killed has exited, yet is closed only with its output, which its own children may hold for a moment.
    (this.#child.stderr as unknown as Socket).ref();
    this.#socket.destroy();
    await this.#exited;
  }

  /** Maps the ids of the agent's user namespace, which waits for it; a failure ends the agent. */
  async #map(): Promise<void> {
    try {
      await this.#mapIds?.(this.#child.pid as number);
      if (this.#ended === undefined) this.#socket.write(MAPPED);
    } catch (error) {
      this.kill(error);
    }
  }

  #receive(reply: Reply): void {
    if ('unmapped' in reply) {
      void this.#map();
      return;
    }
    if ('ready' in reply) {
      this.#ready?.resolve();
      return;
    }
    const call = this.#pending.get(reply.id);
    if (call === undefined) return;
    if ('lines' in reply) this.#deliver(call, reply.lines);
    else if ('error' in reply) call.reject(fromErrorRecord(reply.error));
    else call.resolve(reply.result);
  }

  /** A callback that throws fails its own call, nothing else. */
  #deliver(call: PendingCall, lines: readonly OutputLine[]): void {
    try {
      for (const [stream, line] of lines) call.onLine?.(line, stream);
    } catch (error) {
      call.reject(error);
    }
  }

  #send(request: Request): void {
    if (this.#ended === undefined) this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  /** Keeps the event loop alive only while someone waits. */
  #hold(): void {
    const act = this.#pending.size > 0 || this.#ready !== undefined ? 'ref' : 'unref';
    this.#child[act]();
    this.#socket[act]();
    (this.#child.stderr as unknown as Socket)[act]();
  }

  #end(reason: () => unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason: reason() };
    this.#ready?.reject(this.#ended.reason);
    for (const call of [...this.#pending.values()]) call.reject(this.#ended.reason);
  }

  #death(how: string): Error {
    const printed = this.#stderr.text().trim();
    if (this.#ready !== undefined) return startFailure(printed || how);
    const calls = [...new Set([...this.#pending.values()].map(({ method }) => method))].sort();
    return sandboxError('ICT_SANDBOX_DIED', {
      message: `The sandbox ended unexpectedly (${how})${printed === '' ? '' : `: ${printed.slice(-2000)}`}`,
      hint: 'Something killed it, often for lack of memory: see the kernel log, then build again. Nothing of it is left mounted.',
      facts: { how, calls, stderr: printed },
    });
  }
}

function startFailure(reason: string, cause?: unknown): Error {
  return sandboxError('ICT_SANDBOX_START', {
    message: `The sandbox could not be started: ${reason.slice(-2000)}`,
    hint: 'Run "ict doctor": it tries what the sandbox needs and names the command that puts it right.',
    facts: { reason },
    cause,
  });
}

function closedSandbox(): Error {
  return sandboxError('ICT_SANDBOX_CLOSED', {
    message: 'The sandbox was used after it was closed',
    hint: 'This is a mistake in the program: end all work before closing the sandbox.',
  });
}
