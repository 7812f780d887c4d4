import type { BlobRef, Digest, Json, StepRunner } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { isStoredBlob, storedBlob } from '../src/index.js';

const blob: BlobRef = { kind: 'blob', digest: `sha256:${'1'.repeat(64)}` as Digest, sizeBytes: 1 };

it('is stored so that it is found, and accepted, as what it was', async () => {
  let accepted: boolean | undefined;
  const steps: StepRunner = {
    step: async (_type, _version, _key, run, _unmade, accepts) => {
      const output = await run();
      accepted = accepts?.(output);
      return output;
    },
  };
  expect(await storedBlob(steps, 'test.step', 1, {}, async () => blob)).toEqual(blob);
  expect(accepted).toBe(true);
});

it.each<[string, Json]>([
  ['null', null],
  ['a text', 'blob'],
  ['nothing', {}],
  ['a blob that is null', { blob: null }],
  ['a layer', { blob: { ...blob, kind: 'layer' } }],
  ['a blob without a digest', { blob: { kind: 'blob', sizeBytes: 1 } }],
])('is not %s', (_what, output) => {
  expect(isStoredBlob(output)).toBe(false);
});
