import type {
  BuildContext,
  Digest,
  DistributionDefinition,
  ImageFormat,
  ImageInput,
  ImageSpec,
  Json,
  ProblemReport,
  StepRunner,
  TreeRef,
} from '@ict/plugin-api';
import type { MemoryTree } from './memory-tree.js';
import { memorySteps } from './memory-steps.js';
import { deepFreeze, repeated, throughJson } from './plain-data.js';
import type { TestApi } from './test-api.js';

/** A build that a format can run; each has directories and caches of its own. */
export interface FormatBuild {
  readonly ctx: BuildContext;
  /** A tree that can become an image, the same in each build. */
  readonly tree: TreeRef;
  close(): PromiseLike<void> | void;
}

/** What a format's suite works on. Make it once a test. */
export interface ImageFormatFixture {
  readonly format: ImageFormat;
  readonly distribution: DistributionDefinition;
  readonly seed: Digest;
  /** False for a format whose files have no identifiers, and so do not depend on the seed. Default true. */
  readonly identifiers?: boolean;
  /** Templates that the format can honour, by what is special about them. At least one. */
  readonly accepted: Readonly<Record<string, ImageSpec>>;
  /** Templates that it cannot honour, by what is wrong; `names` is what the message must name. At least one. */
  readonly refused: Readonly<Record<string, { readonly spec: ImageSpec; readonly names: string }>>;
  /** A tree as `prepare` gets it: equal on each call, and apart from the others. */
  preparedTree(): MemoryTree;
  /** Makes a build in which the format can make its files. */
  makeBuild(): Promise<FormatBuild>;
}

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;

/**
 * Declares the tests that every {@link ImageFormat} must pass: it refuses by name what it cannot do, its questions are pure, and equal
 * input gives equal writes and equal files.
 */
export function describeImageFormat(name: string, makeFixture: () => ImageFormatFixture | Promise<ImageFormatFixture>, api: TestApi): void {
  const { describe, expect } = api;
  const it = (title: string, body: (fixture: ImageFormatFixture) => Promise<void>): unknown =>
    api.it(title, async () => body(await makeFixture()));

  describe(`image format conformance: ${name}`, () => {
    it('says what it makes, and which version of it', async ({ format }) => {
      expect([format.imageTypes.length > 0, repeated(format.imageTypes)]).toEqual([true, []]);
      expect([Number.isSafeInteger(format.version), format.version > 0]).toEqual([true, true]);
    });

    describe('check', () => {
      it('finds nothing in a template that it can honour', async ({ format, distribution, accepted }) => {
        const found = Object.entries(accepted).map(([title, spec]) => [title, errors(format.check(frozen(spec), distribution))]);
        expect(found).toEqual(Object.keys(accepted).map((title) => [title, []]));
        expect(found.length > 0).toEqual(true);
      });

      it('refuses by name what it cannot do', async ({ format, distribution, refused }) => {
        const silent = Object.entries(refused).filter(
          ([, { spec, names }]) => !errors(format.check(frozen(spec), distribution)).some(({ message }) => message.includes(names)),
        );
        expect([Object.keys(refused).length > 0, silent.map(([title]) => title)]).toEqual([true, []]);
      });

      it('gives each problem a code and a hint', async ({ format, distribution, refused }) => {
        const problems = Object.values(refused).flatMap(({ spec }) => format.check(frozen(spec), distribution));
        expect(problems.filter(({ code, hint = '' }) => !CODE.test(code) || hint === '')).toEqual([]);
      });
    });

    describe('questions before a build', () => {
      it('have the same answer each time, and change nothing', async ({ format, distribution, accepted, refused }) => {
        deepFreeze(distribution);
        for (const spec of [...Object.values(accepted), ...Object.values(refused).map((entry) => entry.spec)]) {
          const ask = (): unknown =>
            throughJson([format.check(frozen(spec), distribution), format.requires(spec, distribution), format.tools(spec)]);
          expect(ask()).toEqual(ask());
        }
      });

      it('name packages and capabilities once each', async ({ format, distribution, accepted }) => {
        for (const spec of Object.values(accepted)) {
          const packages = format.requires(spec, distribution).map((asked) => (typeof asked === 'string' ? asked : asked.name));
          expect([repeated(packages), repeated(format.tools(spec))]).toEqual([[], []]);
        }
      });

      it('ask only for capabilities that the distribution has, when the template is accepted', async (fixture) => {
        const { format, distribution, accepted } = fixture;
        const known = Object.keys(distribution.tools.packages);
        const missing = Object.values(accepted).flatMap((spec) => format.tools(spec).filter((capability) => !known.includes(capability)));
        expect(missing).toEqual([]);
      });
    });

    describe('prepare', () => {
      it('does the same to equal trees', async (fixture) => {
        for (const spec of Object.values(fixture.accepted)) expect(await prepare(fixture, spec)).toEqual(await prepare(fixture, spec));
      });

      it('does the same wherever its key is the same', async (fixture) => {
        const { format, distribution, seed, accepted } = fixture;
        const done = new Map<string, unknown>();
        for (const spec of Object.values(accepted)) {
          const read = format.prepareKey?.({ spec: frozen(spec), distribution, seed });
          if (read === undefined) continue;
          const key = JSON.stringify(read);
          const outcome = await prepare(fixture, spec);
          expect(outcome).toEqual(done.get(key) ?? outcome);
          done.set(key, outcome);
        }
      });
    });

    describe('build', () => {
      it('makes each artifact that the template asks for, in its order', async (fixture) => {
        for (const spec of Object.values(fixture.accepted)) {
          const artifacts = await build(fixture, spec);
          const asked = artifacts.flatMap((artifact) => artifact.spec ?? []);
          if (spec.disk.artifacts.length > 0) expect(asked).toEqual(spec.disk.artifacts);
          expect(artifacts.slice(0, asked.length).map((artifact) => artifact.spec)).toEqual(asked);
          expect(asked.length > 0).toEqual(true);
          expect(repeated(artifacts.map(({ extension }) => extension))).toEqual([]);
          expect(artifacts.filter(({ extension }) => !/^[a-z0-9][a-z0-9.]*$/.test(extension))).toEqual([]);
        }
      });

      it('makes equal files of equal trees', async (fixture) => {
        for (const spec of Object.values(fixture.accepted)) expect(await build(fixture, spec)).toEqual(await build(fixture, spec));
      });

      it('takes everything from its cached steps the second time', async (fixture) => {
        const [spec] = Object.values(fixture.accepted) as [ImageSpec];
        const { ctx, tree, close } = await fixture.makeBuild();
        try {
          const steps = memorySteps();
          const first = await fixture.format.build(inputOf(fixture, spec, tree), steps, ctx);
          const ran = [...steps.ran];
          expect(await fixture.format.build(inputOf(fixture, spec, tree), steps, ctx)).toEqual(first);
          expect([ran.length > 0, steps.ran]).toEqual([true, ran]);
        } finally {
          await close();
        }
      });

      it('can be followed by a plan, on what stands for results that were never made', async (fixture) => {
        const [spec] = Object.values(fixture.accepted) as [ImageSpec];
        const types = (await keysOf(fixture, spec)).map((step) => (step as readonly Json[])[0]);
        const followed = await followedSteps(fixture, spec);
        expect(followed.length > 0).toEqual(true);
        expect(types.slice(0, followed.length)).toEqual(followed);
      });

      it('declares keys that are plain data, equal for equal input', async (fixture) => {
        const [spec] = Object.values(fixture.accepted) as [ImageSpec];
        const keys = await keysOf(fixture, spec);
        expect(throughJson(keys)).toEqual(keys);
        expect(await keysOf(fixture, spec)).toEqual(keys);
      });

      it('covers the seed of the identifiers with its keys', async (fixture) => {
        const [spec] = Object.values(fixture.accepted) as [ImageSpec];
        const other = { ...fixture, seed: `sha256:${'0f'.repeat(32)}` as Digest };
        const { identifiers = true } = fixture;
        expect(JSON.stringify(await keysOf(other, spec)) !== JSON.stringify(await keysOf(fixture, spec))).toEqual(identifiers);
      });
    });
  });
}

/** A template that no call may change; its map of positions is not plain data and stays. */
function frozen(spec: ImageSpec): ImageSpec {
  return deepFreeze(spec);
}

function errors(problems: readonly ProblemReport[]): readonly ProblemReport[] {
  return problems.filter(({ severity }) => severity === 'error');
}

function inputOf({ distribution, seed }: ImageFormatFixture, spec: ImageSpec, tree: TreeRef): ImageInput {
  return { spec: frozen(spec), distribution, tree, seed };
}

async function prepare({ format, distribution, seed, preparedTree }: ImageFormatFixture, spec: ImageSpec): Promise<unknown> {
  const tree = preparedTree();
  await format.prepare({ spec: frozen(spec), distribution, seed }, tree);
  return throughJson([tree.listing(), tree.commands]);
}

async function build(fixture: ImageFormatFixture, spec: ImageSpec) {
  const { ctx, tree, close } = await fixture.makeBuild();
  try {
    return await fixture.format.build(inputOf(fixture, spec, tree), memorySteps(), ctx);
  } finally {
    await close();
  }
}

/** The type, version and key of each step that a build asks for. */
async function keysOf(fixture: ImageFormatFixture, spec: ImageSpec): Promise<readonly Json[]> {
  const { ctx, tree, close } = await fixture.makeBuild();
  const keys: Json[] = [];
  const inner = memorySteps();
  const steps: StepRunner = {
    step: (type, version, key, run) => {
      keys.push([type, version, key]);
      return inner.step(type, version, key, run);
    },
  };
  try {
    await fixture.format.build(inputOf(fixture, spec, tree), steps, ctx);
    return keys;
  } finally {
    await close();
  }
}

/** Types of the steps that a plan sees: all, or those up to the first that gives nothing to stand for its result. */
async function followedSteps(fixture: ImageFormatFixture, spec: ImageSpec): Promise<readonly string[]> {
  const { ctx, tree, close } = await fixture.makeBuild();
  const types: string[] = [];
  const end = new Error('the plan ends');
  const steps: StepRunner = {
    step: async (type, _version, _key, _run, unmade) => {
      types.push(type);
      if (unmade === undefined) throw end;
      return unmade(`sha256:${'5'.repeat(64)}` as Digest);
    },
  };
  try {
    await fixture.format.build(inputOf(fixture, spec, tree), steps, ctx);
  } catch (error) {
    if (error !== end) throw error;
  } finally {
    await close();
  }
  return types;
}
