import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { hasCode } from '@ict/plugin-api';
import { formatLock, lockDigest, lockEpoch, readLock, type Lock } from '../../src/locks/lock.js';
import { lock } from '../support/small-lock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('locks that were damaged', () => {
  /** Reads such a lock: it is refused with the one code for that, or everything that a build does with it works. */
  async function readOrRefuse(content: string | Uint8Array): Promise<void> {
    const file = join(directory, 'x.lock.yml');
    await writeFile(file, content);
    let read: Lock | undefined;
    try {
      read = await readLock(file);
    } catch (error) {
      expect(error).toSatisfy((thrown) => hasCode(thrown, 'ICT_LOCK_UNREADABLE') || hasCode(thrown, 'ICT_LOCK_NEWER'), String(error));
      return;
    }
    expect(read).toBeDefined();
    const good = read as Lock;
    expect(lockDigest(good)).toMatch(/^sha256:/);
    expect(new Date(lockEpoch(good) * 1000).toISOString()).toMatch(/Z$/);
    const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value)); // which knows one 0 only
    expect(asJson(parse(formatLock(good)))).toEqual(asJson(good));
  }

  const text = formatLock(lock);

  it('never fail in another way: random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), readOrRefuse));
  });

  it('never fail in another way: random text of the characters that YAML reads', async () => {
    const yaml = fc.string({ unit: fc.constantFrom(...'{}[]:-?!&*|>%@`\'"#,\n\t ~<=.0x1aé'), maxLength: 60 });
    await fc.assert(fc.asyncProperty(yaml, (tail) => readOrRefuse(`lockVersion: 1\n${tail}`)));
  });

  it('never fail in another way: a stretch of the text replaced', async () => {
    const cut = fc.tuple(
      fc.nat(text.length),
      fc.nat(20),
      fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom('', '<<<<<<< HEAD\n', ': ', '\n- ', '.nan', '~')),
    );
    await fc.assert(
      fc.asyncProperty(cut, ([at, length, instead]) => readOrRefuse(text.slice(0, at) + instead + text.slice(at + length))),
      { numRuns: 300 },
    );
  });

  type Path = readonly (string | number)[];
  /** Every place in a value. */
  function places(value: unknown, at: Path = []): readonly Path[] {
    if (typeof value !== 'object' || value === null) return [at];
    return [at, ...Object.entries(value).flatMap(([key, member]) => places(member, [...at, key]))];
  }

  it('never fail in another way: one value replaced by any other', async () => {
    const other = fc.oneof(
      fc.constantFrom<unknown>(
        NaN,
        Infinity,
        -1,
        1.5,
        2 ** 60,
        '',
        null,
        [],
        {},
        [null],
        { kind: 'layer' },
        { toString: '' },
        '\ud800',
        8.64e15,
        '__proto__',
      ),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places(lock)), other, async (path, value) => {
        const changed = structuredClone({ lock }) as unknown;
        let here = changed as Record<string, unknown>;
        const whole = ['lock', ...path];
        for (const key of whole.slice(0, -1)) here = here[key] as Record<string, unknown>;
        here[whole.at(-1) as string] = value;
        await readOrRefuse(stringify((changed as { lock: unknown }).lock));
      }),
      { numRuns: 500 },
    );
  });

  it('never fail in another way: facts that this version does not know', async () => {
    for (const extra of [
      'more: .nan',
      'more: [.inf]',
      'more: 2026-01-01',
      '? [a, b]\n: c',
      'more: !!binary aGk=',
      'more: !other x',
      '__proto__: { a: 1 }',
      'more: 123456789012345678901234567890',
    ]) {
      await readOrRefuse(`${text}${extra}\n`);
    }
  });
});
