import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { BodyHandler, type BodyTime } from '../src/answer-body.js';

class Controller implements Dispatcher.DispatchController {
  paused = false;
  reason: Error | null = null;
  get aborted(): boolean {
    return this.reason !== null;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(reason: Error): void {
    this.reason = reason;
  }
}

/** Time that stands still, in which nothing is too slow. */
const time: BodyTime = { now: () => 0, begin: () => ({ note: () => undefined, end: () => undefined }) };

const wrapped = (failure: Error): Error => new Error(`the transport: ${failure.message}`);

function begun({ signal = new AbortController().signal }: { signal?: AbortSignal } = {}) {
  const controller = new Controller();
  const handler = new BodyHandler(signal, wrapped, time);
  handler.onRequestStart(controller);
  return { controller, handler };
}

/** As undici does: what the handler throws ends the request with that error. */
function give(handler: BodyHandler, controller: Controller, piece: Buffer): void {
  try {
    handler.onResponseData(controller, piece);
  } catch (error) {
    controller.abort(error as Error);
    handler.onResponseError(controller, error as Error);
  }
}

/** Memory of its own, as what a socket gives has. */
const piece = (text: string): Buffer => Buffer.from(new TextEncoder().encode(text).buffer);

describe('the body of an answer', () => {
  it('waits until it is asked for, and comes piece by piece', async () => {
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 200, { etag: '"1"' });
    expect(await handler.started).toMatchObject({ statusCode: 200, headers: { etag: '"1"' } });
    expect(controller.paused).toBe(true);
    const taken: string[] = [];
    const received = handler.receive((bytes) => taken.push(Buffer.from(bytes).toString()));
    expect(controller.paused).toBe(false);
    give(handler, controller, piece('one'));
    give(handler, controller, piece('two'));
    handler.onResponseEnd();
    await received;
    expect(taken).toEqual(['one', 'two']);
  });

  it('fails when a piece comes before it was asked for, as the end of a connection brings it', async () => {
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 200, {});
    await handler.started;
    give(handler, controller, piece('one'));
    handler.onResponseEnd();
    await expect(handler.receive(() => undefined)).rejects.toThrow('the transport: the connection ended before its answer was read');
  });

  it('passes over what comes before the answer', async () => {
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 103, {});
    handler.onResponseStart(controller, 204, {});
    expect((await handler.started).statusCode).toBe(204);
  });

  it('gives the memory of pieces back, but not while undici reads them, nor when others share it', async () => {
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 200, {});
    const received = handler.receive(() => undefined);
    const [first, second] = [piece('first'), piece('second')];
    const both = piece('third fourth');
    const [third, fourth] = [both.subarray(0, 6), both.subarray(6)];
    give(handler, controller, first);
    expect(first.toString()).toBe('first');
    give(handler, controller, second);
    expect((first.buffer as ArrayBuffer).detached).toBe(true);
    give(handler, controller, third);
    expect((second.buffer as ArrayBuffer).detached).toBe(true);
    give(handler, controller, fourth);
    handler.onResponseEnd();
    await received;
    expect(both.toString()).toBe('third fourth');
  });

  it('fails with what the taker throws, and ends the exchange', async () => {
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 200, {});
    const full = new Error('no space');
    const received = handler.receive(() => {
      throw full;
    });
    give(handler, controller, piece('one'));
    await expect(received).rejects.toBe(full);
    expect(controller.reason).toBe(full);
  });

  it('fails with an error of ours for a failure of the transport, before and after the headers', async () => {
    const early = begun();
    early.handler.onResponseError(early.controller, new Error('refused'));
    await expect(early.handler.started).rejects.toThrow('the transport: refused');
    const { controller, handler } = begun();
    handler.onResponseStart(controller, 200, {});
    const received = handler.receive(() => undefined);
    handler.onResponseError(controller, new Error('hung up'));
    await expect(received).rejects.toThrow('the transport: hung up');
  });

  it('ends with the reason of its signal: before it has a connection, before the headers, and within the body', async () => {
    const reason = new Error('enough');
    const waiting = new AbortController();
    const queued = new BodyHandler(waiting.signal, wrapped, time);
    waiting.abort(reason);
    await expect(queued.started).rejects.toBe(reason);
    const late = new Controller();
    queued.onRequestStart(late);
    expect(late.reason).toBe(reason);

    const asked = new AbortController();
    const { controller, handler } = begun({ signal: asked.signal });
    asked.abort(reason);
    await expect(handler.started).rejects.toBe(reason);
    expect(controller.reason).toBe(reason);

    const reading = new AbortController();
    const within = begun({ signal: reading.signal });
    within.handler.onResponseStart(within.controller, 200, {});
    const received = within.handler.receive(() => undefined);
    reading.abort(reason);
    await expect(received).rejects.toBe(reason);
    expect(within.controller.reason).toBe(reason);
  });

  it('reads a short one that nobody wants to its end, and hangs up on a long one', async () => {
    const short = begun();
    short.handler.onResponseStart(short.controller, 404, {});
    short.handler.discard();
    expect(short.controller.paused).toBe(false);
    give(short.handler, short.controller, Buffer.alloc(64 * 1024));
    expect(short.controller.aborted).toBe(false);
    const long = begun();
    long.handler.onResponseStart(long.controller, 404, {});
    long.handler.discard();
    give(long.handler, long.controller, Buffer.alloc(64 * 1024 + 1));
    expect(long.controller.aborted).toBe(true);
  });
});
