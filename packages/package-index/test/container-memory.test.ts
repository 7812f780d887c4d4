import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Digest, Json } from '@ict/plugin-api';
import { decodeSections, encodeSections, keepContainer, recallContainer, type ContainerContext } from '../src/index.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-container-'));
afterAll(() => rmSync(directory, { recursive: true }));

const KIND = { kind: 'sample', version: 1 };
const QUESTION = { of: 'a repository' };
const DIGEST = `sha256:${'a'.repeat(64)}` as Digest;

/** A cache of one blob. */
function cache(): ContainerContext {
  const file = join(directory, 'blob');
  const memory = new Map<string, Json>();
  return {
    blobs: {
      putBytes: async (bytes) => {
        writeFileSync(file, bytes);
        return { kind: 'blob', digest: DIGEST, sizeBytes: bytes.length };
      },
      putFile: () => Promise.reject(new Error('nothing is put by file')),
      path: async (digest) => (digest === DIGEST ? file : undefined),
    },
    memo: {
      get: async (kind, key) => memory.get(JSON.stringify([kind, key])),
      set: async (kind, key, value) => void memory.set(JSON.stringify([kind, key]), value),
    },
  };
}

const decode = (container: Uint8Array) => [...decodeSections(KIND, container)['numbers']!];

describe('a container that is kept', () => {
  it('is recalled by what it was made of, and its own memory is free', async () => {
    const ctx = cache();
    const container = encodeSections(KIND, { numbers: new Uint32Array([7, 8]) });
    await keepContainer(KIND, QUESTION, ctx, container);
    expect(container.length).toBe(0);
    expect(await recallContainer(KIND, QUESTION, ctx, decode)).toEqual([7, 8]);
    expect(await recallContainer(KIND, { of: 'another' }, ctx, decode)).toBeUndefined();
    expect(await recallContainer({ ...KIND, version: 2 }, QUESTION, ctx, decode)).toBeUndefined();
  });

  it('is made anew when it cannot be used, and nothing else is hidden', async () => {
    const ctx = cache();
    await keepContainer(KIND, QUESTION, ctx, encodeSections({ ...KIND, version: 9 }, {}));
    expect(await recallContainer(KIND, QUESTION, ctx, decode)).toBeUndefined();
    const broken = () => {
      throw new TypeError('a mistake');
    };
    await expect(recallContainer(KIND, QUESTION, ctx, broken)).rejects.toThrow('a mistake');
  });
});
