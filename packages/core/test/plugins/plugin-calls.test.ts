import { defineErrors, IctError, type Context, type ErrorKind, type Provider } from '@ict/plugin-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PluginCalls } from '../../src/plugins/plugin-calls.js';
import { plugin, repository, snapshot, base, more, provider, ctx, request, pin } from '../support/guarded-plugin.js';

describe('what a function of a plugin throws', () => {
  const boom = new TypeError('boom');
  it.each<[string, () => unknown]>([
    ['at once', () => raise(boom)],
    ['later', async () => raise(boom)],
  ])('by accident is told with the names of both: %s', async (_when, fail) => {
    await expect((async () => provider('resolver.resolve', fail).resolver.resolve(request, ctx))()).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      kind: 'internal',
      message: 'the plugin @acme/toy 1.2.3 failed in resolver.resolve: boom',
      facts: { plugin: '@acme/toy', version: '1.2.3', call: 'resolver.resolve' },
      cause: boom,
    });
  });

  const acme = defineErrors({ ACME_REFUSED: 'integrity' });
  it.each<[string, unknown]>([
    ['what it refuses', acme('ACME_REFUSED', { message: 'no' })],
    ['what the system says', Object.assign(new Error('gone'), { code: 'ENOENT' })],
  ])('is passed on: %s', async (_what, error) => {
    await expect(provider('resolver.resolve', async () => raise(error)).resolver.resolve(request, ctx)).rejects.toBe(error);
  });

  it.each<[string, unknown, string]>([
    ['a text', 'no luck', 'no luck'],
    ['nothing', undefined, 'undefined'],
    ['an object with a message', { message: 'teapot' }, 'teapot'],
    ['an object that nothing can make a text of', Object.create(null), 'an object without a message was thrown'],
    ['an error without a message', new RangeError(), 'RangeError'],
  ])('may be anything: %s', async (_what, thrown, said) => {
    await expect(provider('resolver.resolve', () => Promise.reject(thrown)).resolver.resolve(request, ctx)).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: `the plugin @acme/toy 1.2.3 failed in resolver.resolve: ${said}`,
    });
  });

  const looped: Record<string, unknown> = {};
  looped['itself'] = looped;
  it.each<[string, Error, string]>([
    [
      'of a kind that there is not',
      new IctError('ACME_NO', 'teapot' as ErrorKind, { message: 'no' }),
      'kind is "teapot", not "invalid" or',
    ],
    ['of no kind', new IctError('ACME_NO', undefined as never, { message: 'no' }), 'kind is undefined, not "invalid" or'],
    ['that says nothing', new IctError('ACME_NO', 'invalid', { message: '' }), 'message is "", not a text that is not empty'],
    ['without a code', new IctError('', 'invalid', { message: 'no' }), 'code is "", not a text that is not empty'],
    [
      'with facts that lead back to themselves',
      new IctError('ACME_NO', 'invalid', { message: 'no', facts: looped }),
      'facts is an object, not data that JSON can hold',
    ],
    [
      'with facts that JSON has no number for',
      new IctError('ACME_NO', 'invalid', { message: 'no', facts: { sizeBytes: 1n } }),
      'facts is an object, not data that JSON can hold',
    ],
    [
      'with problems that are none',
      new IctError('ACME_NO', 'invalid', { message: 'no', problems: [{ code: 'ACME_NO', message: 'no' } as never] }),
      'problems[0].severity is undefined, not "error" or "warning"',
    ],
  ])('is no refusal %s', async (_what, error, fault) => {
    await expect(provider('resolver.resolve', async () => raise(error)).resolver.resolve(request, ctx)).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      kind: 'internal',
      message: expect.stringContaining(fault) as string,
      cause: error,
    });
  });

  it('is told also of a stream, which ends when whoever reads it has enough', async () => {
    let ended = 0;
    const { metadata } = provider('metadata.packages', async function* () {
      try {
        yield base;
        throw boom;
      } finally {
        ended++;
      }
    });
    const read: unknown[] = [];
    const all = async () => {
      for await (const one of metadata.packages(snapshot as never, ctx)) read.push(one);
    };
    await expect(all()).rejects.toMatchObject({ code: 'ICT_PLUGIN_FAILED', facts: { call: 'metadata.packages' } });
    for await (const one of metadata.packages(snapshot as never, ctx)) {
      read.push(one);
      break;
    }
    expect([read, ended]).toEqual([[base, base], 2]);
  });

  it.each([
    ['ENOENT', 'ICT_PLUGIN_FAILED'],
    ['EIO', 'EIO'],
  ])('is blamed on the plugin where it leaves the engine, when the system says that a file is not there: %s', async (code, told) => {
    const calls = new PluginCalls();
    const gone = Object.assign(new Error(`${code}: open '/data.json'`), { code });
    const part = calls.guard({ resolver: { resolve: async () => raise(gone) } }, plugin) as unknown as Provider;
    await expect(part.resolver.resolve(request, ctx)).rejects.toBe(gone);
    expect(calls.blame(gone)).toMatchObject({ code: told, message: expect.stringContaining(gone.message) as string });
    const other = Object.assign(new Error('elsewhere'), { code });
    expect(calls.blame(other)).toBe(other);
  });

  it('is passed on when the build was told to stop', async () => {
    const reason = new Error('stopped');
    const stopped = { signal: AbortSignal.abort(reason) } as Context;
    await expect(provider('resolver.resolve', async () => raise(reason)).resolver.resolve(request, stopped)).rejects.toBe(reason);
  });
});

describe('a function of a plugin that never answers', () => {
  it('is given up when nothing is left that could end it, and only then', async () => {
    const calls = new PluginCalls();
    const waiting = calls.attend(new Promise(() => undefined), plugin, 'metadata.snapshot');
    const ended = calls.attend(Promise.resolve(1), plugin, 'resolver.resolve');
    expect(await ended).toBe(1);
    process.emit('beforeExit', 0);
    await expect(waiting).rejects.toMatchObject({ code: 'ICT_PLUGIN_FAILED', facts: { call: 'metadata.snapshot' } });
  });

  it.each<[string, () => AsyncGenerator<unknown>, unknown[]]>([
    [
      'before it yields',
      async function* () {
        yield await new Promise<unknown>(() => undefined);
      },
      [],
    ],
    [
      'after it has yielded',
      async function* () {
        yield base;
        await new Promise(() => undefined);
      },
      [base],
    ],
    [
      'when its reader has enough',
      async function* () {
        try {
          yield base;
          yield more;
        } finally {
          await new Promise(() => undefined);
        }
      },
      [base, more],
    ],
  ])('is given up when it is a stream, %s', async (_when, stream, seen) => {
    const { metadata } = provider('metadata.packages', stream);
    const read: unknown[] = [];
    const all = async () => {
      for await (const one of metadata.packages(snapshot as never, ctx)) if (read.push(one) === 2) break;
    };
    const reading = all();
    await new Promise((done) => void setImmediate(done));
    process.emit('beforeExit', 0);
    await expect(reading).rejects.toMatchObject({ code: 'ICT_PLUGIN_FAILED', facts: { call: 'metadata.packages' } });
    expect(read).toEqual(seen);
  });

  it.each<[string, () => unknown, (provider: Provider, ctx: Context) => Promise<unknown>]>([
    [
      'metadata.snapshot',
      () => new Promise(() => undefined),
      ({ metadata }, stopping) => metadata.snapshot(repository, 'x86_64', stopping),
    ],
    [
      'metadata.packages',
      async function* () {
        yield await new Promise(() => undefined);
      },
      ({ metadata }, stopping) => {
        const packages = metadata.packages(snapshot as never, stopping);
        return packages[Symbol.asyncIterator]().next();
      },
    ],
  ])('is given up some time after it was told to stop, and not before: %s', async (name, work, ask) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stopping = new AbortController();
    const ends = vi.fn();
    const waiting = ask(provider(name, work), { signal: stopping.signal } as Context);
    waiting.then(ends, ends);
    await vi.advanceTimersByTimeAsync(60_000);
    stopping.abort();
    await vi.advanceTimersByTimeAsync(100);
    expect(ends).not.toHaveBeenCalled();
    await vi.advanceTimersToNextTimerAsync();
    await expect(waiting).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: expect.stringContaining(`failed in ${name}: it goes on after it was told to stop`) as string,
    });
  });

  it('may end in its own time when it was told to stop, and leaves no timer', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stopping = new AbortController();
    const ended = Promise.withResolvers<unknown>();
    const { metadata } = provider('metadata.snapshot', () => ended.promise);
    const waiting = metadata.snapshot(repository, 'x86_64', { signal: stopping.signal } as Context);
    stopping.abort();
    ended.resolve(snapshot);
    expect(await waiting).toBe(snapshot);
    await Promise.resolve();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener behind when it does', async () => {
    const before = process.listenerCount('beforeExit');
    await pin(snapshot);
    const stream = provider('metadata.packages', async function* () {
      yield base;
      yield more;
    });
    for await (const one of stream.metadata.packages(snapshot as never, ctx)) if (one === undefined) break;
    for await (const one of stream.metadata.packages(snapshot as never, ctx)) if (one !== undefined) break;
    await new Promise((done) => void setImmediate(done));
    expect(process.listenerCount('beforeExit')).toBe(before);
  });
});

describe('a guarded part', () => {
  it('keeps its data, its absences, and the object that its functions belong to', () => {
    class Toy {
      readonly #name = 'base';
      readonly ecosystem = 'toy';
      fileName(): string {
        return this.#name;
      }
    }
    const part = new PluginCalls().guard(Object.freeze(new Toy()), plugin) as unknown as Provider;
    expect(part.fileName({} as never)).toBe('base');
    expect(part.ecosystem).toBe('toy');
    expect(part.catalogue).toBeUndefined();
    expect(part.refuseForeign).toBeUndefined();
  });
});

function raise(error: unknown): never {
  throw error;
}
