import { describe, expect, it } from 'vitest';
import type { SignatureOptions, SignatureResult, Verifier } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { rememberSignatures } from '../../src/repositories/signature-memory.js';

const NOON = 1_750_075_200 - (1_750_075_200 % 86_400) + 43_200;
const bytes = (text: string) => new TextEncoder().encode(text);

function verifier(good: boolean) {
  const asked: (number | undefined)[] = [];
  const result: SignatureResult = {
    good,
    signers: good ? ['ABCD'] : [],
    issuers: ['ABCD'],
    failures: [],
    ...(good ? { plaintext: 'x' } : {}),
  };
  const fake: Verifier = {
    digestFile: () => Promise.reject(new Error('no file here')),
    checkParts: () => Promise.reject(new Error('no file here')),
    detached: (_content, _signature, _keyrings, options) => answer(options),
    clearsigned: (_message, _keyrings, options) => answer(options),
  };
  function answer(options?: SignatureOptions): Promise<SignatureResult> {
    asked.push(options?.atSeconds);
    return Promise.resolve(result);
  }
  return { asked, fake };
}

/** Both kinds of signatures over one message. */
const KINDS: readonly [string, (by: Verifier, message: string, keyring: string, atSeconds: number) => Promise<SignatureResult>][] = [
  ['clearsigned', (by, message, keyring, atSeconds) => by.clearsigned(bytes(message), [bytes(keyring)], { atSeconds })],
  ['detached', (by, message, keyring, atSeconds) => by.detached(bytes(message), bytes('s'), [bytes(keyring)], { atSeconds })],
];

describe.each(KINDS)('rememberSignatures, %s', (_kind, ask) => {
  it.each([
    ['the same at another second of the day', 'a', 'k', NOON + 3600, 1],
    ['the next day', 'a', 'k', NOON + 86_400, 2],
    ['the day before', 'a', 'k', NOON - 86_400, 1],
    ['another message', 'b', 'k', NOON, 2],
    ['another keyring', 'a', 'other', NOON, 2],
  ])('%s: %s by %s at %i is checked %i times in all', async (_title, message, keyring, atSeconds, checks) => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(true);
    const remembering = rememberSignatures(fake, ctx.memo, () => NOON);
    const first = await ask(remembering, 'a', 'k', NOON);
    expect(await ask(remembering, message, keyring, atSeconds)).toEqual(first);
    expect(asked).toHaveLength(checks);
  });

  it('keeps no verdict that is not good', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(false);
    const remembering = rememberSignatures(fake, ctx.memo, () => NOON);
    for (let time = 0; time < 2; time++) expect((await ask(remembering, 'a', 'k', NOON)).good).toBe(false);
    expect(asked).toEqual([NOON, NOON]);
  });
});

describe('rememberSignatures', () => {
  it('takes the clock when no time is asked for', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(true);
    await rememberSignatures(fake, ctx.memo, () => NOON).clearsigned(bytes('a'), [bytes('k')]);
    await rememberSignatures(fake, ctx.memo, () => NOON + 86_400).clearsigned(bytes('a'), [bytes('k')]);
    expect(asked).toHaveLength(2);
  });

  it('asks anew by another policy', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(true);
    for (const policy of [1, 2, 1]) await rememberSignatures(fake, ctx.memo, () => NOON, policy).clearsigned(bytes('a'), [bytes('k')]);
    expect(asked).toHaveLength(2);
  });

  it('takes no verdict on one kind, or on another detached signature, for that on another', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(true);
    const remembering = rememberSignatures(fake, ctx.memo, () => NOON);
    await remembering.clearsigned(bytes('a'), [bytes('k')]);
    for (const signature of ['s', 't', 's', 't']) await remembering.detached(bytes('a'), bytes(signature), [bytes('k')]);
    expect(asked).toHaveLength(3);
  });

  it('remembers nothing of a part of a file, of which its package tells', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(true);
    const remembering = rememberSignatures(fake, ctx.memo, () => NOON);
    const part = { file: '/p.rpm', offset: 0, sizeBytes: 1 };
    for (let time = 0; time < 2; time++) await remembering.detached(part, bytes('s'), [bytes('k')]);
    expect(asked).toHaveLength(2);
  });
});
