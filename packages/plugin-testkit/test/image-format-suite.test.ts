import { describe, expect, it } from 'vitest';
import type { ImageFormat } from '@ict/plugin-api';
import { describeImageFormat } from '../src/index.js';
import { runSuite } from './support/suite-run.js';
import { toyFormat, toyFormatFixture } from './support/toy-image.js';

describeImageFormat('toy', () => toyFormatFixture(), { describe, it, expect });

const sound = toyFormat();
let calls = 0;

describe('the suite', () => {
  it('passes a format without faults', async () => {
    const { ran, failed } = await runSuite((api) => describeImageFormat('toy', () => toyFormatFixture(), api));
    expect([ran > 10, failed]).toEqual([true, []]);
  });

  it.each<[string, Partial<ImageFormat>, string]>([
    ['accepts everything', { check: () => [] }, 'check > refuses by name what it cannot do'],
    [
      'does not name what it refuses',
      { check: (...args) => sound.check(...args).map((problem) => ({ ...problem, message: 'no' })) },
      'check > refuses by name what it cannot do',
    ],
    [
      'gives no hint',
      { check: (...args) => sound.check(...args).map(({ code, message, severity }) => ({ code, message, severity })) },
      'check > gives each problem a code and a hint',
    ],
    [
      'writes into the template that it reads',
      {
        tools: (spec) => {
          (spec.disk.artifacts as unknown[]).push({ type: 'tar' });
          return ['pack'];
        },
      },
      'questions before a build > have the same answer each time, and change nothing',
    ],
    [
      'answers by its mood',
      { requires: () => [`loader-${calls++}`] },
      'questions before a build > have the same answer each time, and change nothing',
    ],
    [
      'asks for a tool that nobody has',
      { tools: () => ['magic'] },
      'questions before a build > ask only for capabilities that the distribution has, when the template is accepted',
    ],
    [
      'writes a fresh identifier',
      { prepare: async (_input, tree) => tree.write('/etc/id', String(calls++)) },
      'prepare > does the same to equal trees',
    ],
    [
      'forgets an artifact',
      { build: async (...args) => (await sound.build(...args)).slice(1) },
      'build > makes each artifact that the template asks for, in its order',
    ],
    [
      'makes first what nobody asked for',
      {
        build: async (...args) => {
          const [artifact, ...others] = await sound.build(...args);
          return [{ extension: 'kernel', blob: (artifact as NonNullable<typeof artifact>).blob }, artifact as never, ...others];
        },
      },
      'build > makes each artifact that the template asks for, in its order',
    ],
    [
      'makes another file each time',
      {
        build: async (input, steps, ctx) => {
          const blob = await ctx.blobs.putBytes(new TextEncoder().encode(String(calls++)));
          return (await sound.build(input, steps, ctx)).map((artifact) => ({ ...artifact, blob }));
        },
      },
      'build > makes equal files of equal trees',
    ],
    [
      'takes another way where a plan follows it',
      {
        build: async (input, steps) => {
          const one = { blob: { kind: 'blob', digest: input.seed, sizeBytes: 1 } } as const;
          const { blob } = await steps.step(
            'one',
            1,
            null,
            async () => one,
            (digest) => ({ blob: { ...one.blob, digest, sizeBytes: 0 } }),
          );
          await steps.step(blob.sizeBytes === 0 ? 'none' : 'two', 1, null, async () => null);
          return [{ extension: 'one', blob }];
        },
      },
      'build > can be followed by a plan, on what stands for results that were never made',
    ],
    [
      'leaves the seed out of its keys',
      { build: (input, steps, ctx) => sound.build({ ...input, seed: `sha256:${'1'.repeat(64)}` as typeof input.seed }, steps, ctx) },
      'build > covers the seed of the identifiers with its keys',
    ],
  ])('catches a format that %s', async (_, change, title) => {
    const { failed } = await runSuite((api) => describeImageFormat('faulty', () => toyFormatFixture({ ...sound, ...change }), api));
    expect(failed).toContain(title);
  });

  it('catches keys with a seed that the files do not depend on', async () => {
    const fixture = () => ({ ...toyFormatFixture(sound), identifiers: false });
    const { failed } = await runSuite((api) => describeImageFormat('seeded', fixture, api));
    expect(failed).toEqual(['build > covers the seed of the identifiers with its keys']);
  });
});
