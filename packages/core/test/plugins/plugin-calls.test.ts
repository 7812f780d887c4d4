import {
  defineErrors,
  IctError,
  type BuildContext,
  type Context,
  type ErrorKind,
  type ImageFormat,
  type Provider,
  type ResolutionRequest,
} from '@ict/plugin-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PluginCalls } from '../../src/plugins/plugin-calls.js';

const plugin = { name: '@acme/toy', version: '1.2.3' };
const digest = `sha256:${'1'.repeat(64)}`;
const repository = { id: 'main', archive: 'http://archive', suite: '', components: [], keyrings: [] };
const root = { path: 'root', digest, sizeBytes: 1, dateSeconds: 1_760_000_000 };
const snapshot = { repository, root, signers: ['ABCD'], indexes: [{ path: 'index', digest, sizeBytes: 1 }] };
const base = {
  id: 'base:any',
  name: 'base',
  version: '1',
  arch: 'any',
  repository: 'main',
  path: 'base',
  digest,
  sizeBytes: 1,
  requires: [],
};
const more = { ...base, name: 'more' };
const member = { ...base, requestedBy: ['template'] };
const resolved = (packages: unknown) => ({ kind: 'resolved', closure: { packages }, warnings: [] });

const answering = (answers: unknown) => ({ kind: 'resolved', closure: { packages: [member], answers }, warnings: [] });

/** A provider of which one function is this. */
function provider(name: string, work: (...args: never[]) => unknown): Provider {
  const [part = '', member] = name.split('.');
  return new PluginCalls().guard({ [part]: member === undefined ? work : { [member]: work } }, plugin) as unknown as Provider;
}

const ctx = { signal: new AbortController().signal } as Context;
const request = { snapshots: [snapshot], seeds: [] } as unknown as ResolutionRequest;
const resolve = (answer: unknown) => provider('resolver.resolve', async () => answer).resolver.resolve(request, ctx);
const pin = (answer: unknown) => provider('metadata.snapshot', async () => answer).metadata.snapshot(repository, 'x86_64', ctx);
const list = (answer: unknown) => provider('inventory.list', async () => answer).inventory.list({} as never);
const needs = (answer: unknown) => (provider('requires', () => answer) as unknown as ImageFormat).requires({} as never, {} as never);
const stream = (work: () => unknown) => provider('metadata.packages', work).metadata.packages(snapshot as never, ctx);
const describePackage = (answer: unknown) =>
  provider('catalogue.describe', async () => answer).catalogue!.describe(snapshot as never, 'base', ctx);
const blob = { kind: 'blob', digest, sizeBytes: 1 };
const make = (answer: unknown) =>
  (provider('build', async () => answer) as unknown as ImageFormat).build({} as never, {} as never, ctx as BuildContext);

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

describe('what a function of a plugin answers', () => {
  it('is handed on as it is', async () => {
    expect(await pin(snapshot)).toBe(snapshot);
    expect(await resolve(resolved([member]))).toEqual(resolved([member]));
    expect(await resolve(answering({ base: ['base:any'] }))).toEqual(answering({ base: ['base:any'] }));
    expect(await resolve({ kind: 'unsolvable', problems: [{ code: 'ACME_NO', message: 'no', because: [] }] })).toBeDefined();
    expect(needs(['loader', { name: 'tool', reason: 'growth' }])).toHaveLength(2);
    expect(await make(['raw', 'raw.gz', 'qcow2'].map((extension) => ({ extension, blob })))).toHaveLength(3);
    expect(await list([{ name: 'base', version: '1', arch: 'any' }])).toHaveLength(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['it is undefined, not an object', () => pin(undefined)],
    [
      'root.dateSeconds is 1760000000000, not whole seconds since 1970',
      () => pin({ ...snapshot, root: { ...root, dateSeconds: 1.76e12 } }),
    ],
    [
      'root.digest is "abc", not a digest, sha256: and 64 lower-case hex digits',
      () => pin({ ...snapshot, root: { ...root, digest: 'abc' } }),
    ],
    ['signers is undefined, not a list of texts', () => pin({ ...snapshot, signers: undefined })],
    ['indexes[0].sizeBytes is -1, not a number of bytes', () => pin({ ...snapshot, indexes: [{ path: 'index', digest, sizeBytes: -1 }] })],
    ['kind is "done", not "resolved" or "unsolvable"', () => resolve({ kind: 'done' })],
    ['closure is undefined, not an object', () => resolve({ kind: 'resolved', warnings: [] })],
    ['warnings is undefined, not a list', () => resolve({ ...resolved([]), warnings: undefined })],
    ['problems is "empty", not a list of what cannot be had', () => resolve({ kind: 'unsolvable', problems: [] })],
    [
      'problems[0].because is undefined, not a list of texts',
      () => resolve({ kind: 'unsolvable', problems: [{ code: 'A', message: '' }] }),
    ],
    ['closure.packages[0].repository is "other", not "main"', () => resolve(resolved([{ ...member, repository: 'other' }]))],
    [
      'closure.packages[0].archive is "file:///srv", not an address of http or https in its plain form',
      () => resolve(resolved([{ ...member, archive: 'file:///srv' }])),
    ],
    [
      'indexes[0].archive is "https://h.example/", not an address of http or https in its plain form',
      () => pin({ ...snapshot, indexes: [{ archive: 'https://h.example/', path: 'index', digest, sizeBytes: 1 }] }),
    ],
    ['closure.packages[1].id is "base:any", not an id of its own', () => resolve(resolved([member, member]))],
    ['closure.packages[0].id is "base:all", not "base:any"', () => resolve(resolved([{ ...member, id: 'base:all' }]))],
    ['closure.packages[0].id is "base:any=2", not "base:any"', () => resolve(resolved([{ ...member, id: 'base:any=2' }]))],
    ['closure.packages[0].requires is undefined, not a list of texts', () => resolve(resolved([{ ...member, requires: undefined }]))],
    [
      'closure.answers.base[1] is "other:any", not the id of a package of the closure',
      () => resolve(answering({ base: ['base:any', 'other:any'] })),
    ],
    ['closure.answers.base is "base:any", not a list of ids', () => resolve(answering({ base: 'base:any' }))],
    ['closure.answers is a list, not an object', () => resolve(answering([]))],
    ['closure.packages[0].summary is "\\ud800", not a text', () => resolve(resolved([{ ...member, summary: '\ud800' }]))],
    ['it is a promise, not a stream', async () => stream(async () => [])],
    ['it is a list, not a stream', async () => stream(() => [])],
    ['it is undefined, not an object', () => describePackage(undefined)],
    ['packages[0].details is undefined, not a list', () => describePackage({ packages: [{ ...base, summary: '' }], providers: [] })],
    ['it is an object, not a list', () => list({})],
    ['[0].version is 1, not a text', () => list([{ name: 'base', version: 1, arch: 'any' }])],
    ['[1] is 1, not an object', async () => needs(['loader', 1])],
    ['[0].extension is "../raw", not the end of a file name', () => make([{ extension: '../raw', blob }])],
    ['[0].extension is "lock.yml", not the end of a file name', () => make([{ extension: 'lock.yml', blob }])],
    ['[1].extension is "raw", not one that no other artifact has', () => make([1, 2].map(() => ({ extension: 'raw', blob })))],
    ['[0].reason is undefined, not a text that is not empty', async () => needs([{ name: 'tool' }])],
    ['it is a promise, not a text that is not empty', async () => provider('fileName', async () => 'base.toy').fileName(member as never)],
    ...['../base', 'pool/base', '.base', 'base\0', 'b'.repeat(256), 'chrootpkgs.dot'].map((name): [string, () => Promise<unknown>] => [
      `it is ${JSON.stringify(name.slice(0, 80))}, not a plain file name`,
      async () => provider('fileName', () => name).fileName(member as never),
    ]),
    ['it is undefined, not a text that is not empty', async () => provider('fileName', () => undefined).fileName(member as never)],
  ])('is refused with the place and what is meant: %s', async (fault, ask) => {
    await expect(ask()).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: expect.stringContaining(`in what it answers, ${fault}`),
    });
  });
});

describe('what a stream of a plugin yields', () => {
  const read = async (...elements: readonly unknown[]): Promise<readonly unknown[]> => {
    const seen: unknown[] = [];
    for await (const one of stream(async function* () {
      yield* elements;
    }))
      seen.push(one);
    return seen;
  };

  it('is handed on as it is', async () => {
    expect(await read()).toEqual([]);
    expect(await read(base, base)).toEqual([base, base]);
  });

  it.each<[string, readonly unknown[]]>([
    ['digest is undefined, not a digest', [{ ...base, digest: undefined }]],
    ['it is undefined, not an object', [undefined]],
    ['it is null, not an object', [base, null]],
  ])('is refused with the place and what is meant: %s', async (fault, elements) => {
    const before = process.listenerCount('beforeExit');
    await expect(read(...elements)).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: expect.stringContaining(`failed in metadata.packages: in what it yields, ${fault}`) as string,
    });
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
