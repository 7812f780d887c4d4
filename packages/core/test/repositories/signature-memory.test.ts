import { describe, expect, it } from 'vitest';
import type { SignatureResult, Verifier } from '@ict/plugin-api';
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
    detached: () => Promise.resolve(result),
    clearsigned: (_message, _keyrings, options) => {
      asked.push(options?.atSeconds);
      return Promise.resolve(result);
    },
  };
  return { asked, fake };
}

describe('rememberSignatures', () => {
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
    const first = await remembering.clearsigned(bytes('a'), [bytes('k')], { atSeconds: NOON });
    expect(await remembering.clearsigned(bytes(message), [bytes(keyring)], { atSeconds })).toEqual(first);
    expect(asked).toHaveLength(checks);
  });

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

  it('keeps no verdict that is not good', async () => {
    await using ctx = fakeContext();
    const { asked, fake } = verifier(false);
    const remembering = rememberSignatures(fake, ctx.memo, () => NOON);
    for (let time = 0; time < 2; time++) {
      expect((await remembering.clearsigned(bytes('a'), [bytes('k')], { atSeconds: NOON })).good).toBe(false);
    }
    expect(asked).toEqual([NOON, NOON]);
  });
});
