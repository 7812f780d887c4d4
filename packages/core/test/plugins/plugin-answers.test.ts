import { describe, expect, it } from 'vitest';
import {
  digest,
  root,
  snapshot,
  base,
  member,
  resolved,
  answering,
  provider,
  resolve,
  pin,
  list,
  needs,
  stream,
  describePackage,
  blob,
  make,
} from '../support/guarded-plugin.js';

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
