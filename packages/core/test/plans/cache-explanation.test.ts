import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openCache, type Cache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type {
  BlobStore,
  BuildContext,
  DeltaVerdict,
  Digest,
  ImageFormat,
  ImageInput,
  ImageSpec,
  Json,
  LayerRef,
  LayerSpec,
  ProblemReport,
  Provider,
  ResolvedPackage,
} from '@ict/plugin-api';
import { UNSUPPORTED_YET } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { explainCache } from '../../src/plans/cache-explanation.js';
import { planBuild } from '../../src/plans/plan.js';
import type { ExplainedStep, PlannedStep } from '../../src/plans/plan-documents.js';
import type { Lock } from '../../src/locks/lock.js';
import type { SettledLock } from '../../src/locks/lock-settling.js';
import { packageRequest } from '../../src/locks/request.js';
import type { Services, TierUse } from '../../src/services.js';
import { planWalk, walkSteps } from '../../src/plans/step-walk.js';
import { StepEngine } from '../../src/steps.js';
import type { Intake } from '../../src/templates/template-intake.js';
import {
  digestOfAll,
  distribution,
  repository,
  resolvedPackage,
  sampleFormat,
  sampleProvider,
  sampleSpec,
} from '../support/sample-image.js';

const position = (line: number) => ({ file: '/template.yml', line, column: 3 });
const provider = sampleProvider({ installer: { version: 1 } as Provider['installer'] });
const judging = (verdict: DeltaVerdict): Provider =>
  sampleProvider({ installer: { version: 1, delta: { judge: async () => verdict } } as unknown as Provider['installer'] });
const format = sampleFormat({
  requires: () => [],
  build: async ({ tree }, steps) => {
    const key: Json = { tree: tree.layers.map(({ digest }) => digest) };
    const none: Json = null;
    const disk = await steps.step<Json>(
      'disk.make',
      1,
      key,
      async () => none,
      (digest) => ({ kind: 'blob', digest, sizeBytes: 0 }),
    );
    await steps.step('disk.convert', 1, { disk }, async () => null);
    await steps.step('disk.sign', 1, { disk }, async () => null);
    return [];
  },
});

let directory: string;
let cache: Cache;
let now: number;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-explain-'));
  now = 1_700_000_000;
  cache = await openCache({ cacheDir: directory, clock: () => now });
});
afterEach(() => rm(directory, { recursive: true }));

function layer(name: string, parts: Partial<LayerSpec> = {}): LayerSpec {
  const types = { launch: true, build: false, cache: false };
  const invalidateOn = { packages: [], values: {} };
  return { name, run: [], files: [], types, env: {}, inputs: [], cacheMounts: [], network: false, metadata: {}, invalidateOn, ...parts };
}

interface Wish {
  readonly packages?: readonly ResolvedPackage[];
  readonly spec?: Partial<ImageSpec>;
  /** What the provider says of packages that a delta would add; default: it knows no deltas. */
  readonly judgement?: DeltaVerdict;
  /** The image format, and its version. */
  readonly format?: readonly [ImageFormat, string];
}

const bash = resolvedPackage('bash', { requestedBy: ['essential'] });
const tar = resolvedPackage('tar', { requestedBy: ['template'] });

/** An image that asks for some packages, on the cache of this test. */
function image(
  { packages = [bash, tar], spec: parts = {}, judgement, format: wanted = [format, '1'] }: Wish,
  gone: ReadonlySet<string> = new Set(),
) {
  const spec: ImageSpec = {
    ...sampleSpec({
      packages: [
        { name: 'tar', position: position(11) },
        { name: 'jq', position: position(12) },
      ],
      hostname: 'one',
    }),
    layers: [layer('app', { run: ['make'] })],
    positions: new Map([
      ['systemConfig.hostname', position(20)],
      ['layers[0].run[0]', position(31)],
    ]),
    ...parts,
  };
  const identity = (name: string) => ({ name, version: '1' });
  const intake: Intake = {
    spec,
    distribution,
    credentialed: [],
    places: new Map(),
    provider: { part: judgement === undefined ? provider : judging(judgement), identity: identity('provider') },
    format: { part: wanted[0], identity: { name: 'format', version: wanted[1] } },
  };
  const root = { path: 'InRelease', digest: digestOfAll('1'), sizeBytes: 9, dateSeconds: 1_700_000_000 };
  const lock: Lock = {
    lockVersion: 1,
    target: 'sample-sample1-x86_64',
    request: digestOfAll('2'),
    repositories: [{ ...repository('main'), root, signers: [] }],
    plugins: {},
    packages,
    tools: [],
  };
  const settled: SettledLock = { lock, request: packageRequest(spec, distribution, wanted[0]), warnings: [] };
  const context = fakeContext();
  onTestFinished(() => context[Symbol.asyncDispose]());
  const has = async ({ digest }: LayerRef) => !gone.has(digest);
  const steps = new StepEngine(cache.steps, { path: async () => '/blob' } as unknown as BlobStore, { has }, identity('core'), context.emit);
  const services = {
    context,
    identity: identity('core'),
    sourceDateEpoch: undefined,
    images: cache.images,
    packages: () => ({ lookup: async () => ({ state: 'miss' }) }),
    build: () => ({
      steps,
      source: { has, siblings: (call: Parameters<StepEngine['siblings']>[0]) => steps.siblings(call) },
      context: ({ digest }: LayerRef) => ({ ...context, epochSeconds: 1, tools: { digest } }) as unknown as BuildContext,
    }),
  } as unknown as Services;
  return { intake, settled, services };
}

/** The layer that a step makes: the same for the same name and key. */
function made(type: string, key: Json, content: string = JSON.stringify(key)): LayerRef & Json {
  return { kind: 'layer', digest: digestOf(`${type} ${content}`), entries: 1, sizeBytes: 1000 };
}

/**
 * Builds: every step is run or found.
 *
 * @param contents of layers that come out otherwise than their key says
 * @param results of steps that do not make a layer
 */
async function build(
  wish: Wish,
  contents: Readonly<Record<string, string>> = {},
  results: Readonly<Record<string, Json>> = {},
): Promise<ReadonlyMap<string, string>> {
  const { intake, settled, services } = image(wish);
  const digests = new Map<string, string>();
  const walk = await planWalk(intake, settled, new Map(), services);
  await walkSteps(walk, async (step) => {
    const other = step.type === 'ict.inventory' ? [] : results[step.type];
    const make = async (): Promise<Json> => other ?? made(step.type, step.key, contents[step.type]);
    const output = await walk.build.steps.run({ ...step, run: make });
    digests.set(step.type, (output as unknown as LayerRef).digest);
    return output;
  });
  return digests;
}

const storage = (images: boolean) => ({ packageCache: { enabled: true }, imageCache: { enabled: images } });

async function explain(wish: Wish, gone?: ReadonlySet<string>, images = false): Promise<readonly ExplainedStep[]> {
  const { intake, settled, services } = image(wish, gone);
  return (await explainCache(intake, settled, [], storage(images), services)).steps;
}

async function plan(wish: Wish): Promise<readonly PlannedStep[]> {
  const { intake, settled, services } = image(wish);
  return (await planBuild(intake, settled, [], storage(false), services)).steps;
}

const verdicts = (steps: readonly ExplainedStep[]): Readonly<Record<string, string>> =>
  Object.fromEntries(steps.map(({ type, verdict, waitsFor }) => [type, waitsFor === undefined ? verdict : `${verdict} ${waitsFor}`]));
const find = (steps: readonly ExplainedStep[], type: string): ExplainedStep => {
  const step = steps.find((one) => one.type === type);
  if (step === undefined) throw new Error(`no step ${type}`);
  return step;
};

describe('an explanation', () => {
  it('says that everything hits when nothing changed', async () => {
    await build({});
    expect(verdicts(await explain({}))).toEqual({
      'ict.tools': 'hit',
      'ict.base': 'hit',
      'ict.packages': 'hit',
      'ict.configure': 'hit',
      'ict.layer.app': 'hit',
      'ict.initrd': 'hit',
      'disk.make': 'hit',
      'disk.convert': 'hit',
      'disk.sign': 'hit',
      'ict.inventory': 'hit',
    });
  });

  it('says of an empty cache that nothing was ever built, of a format as far as it says what stands for its results', async () => {
    const steps = await explain({});
    expect(new Set(steps.map(({ verdict, reason }) => `${verdict}: ${reason}`))).toEqual(new Set(['miss: never built here']));
    const types = ['ict.tools', 'ict.base', 'ict.packages', 'ict.configure', 'ict.layer.app', 'ict.initrd', 'disk.make', 'disk.convert'];
    expect(steps.map(({ type }) => type)).toEqual([...types, 'ict.inventory']);
  });

  it('names a new package with its line, and lets everything above wait', async () => {
    await build({});
    const jq = resolvedPackage('jq', { version: '1.7' });
    const steps = await explain({ packages: [bash, tar, jq] });
    expect(verdicts(steps)).toMatchObject({
      'ict.base': 'hit',
      'ict.packages': 'miss',
      'ict.configure': 'miss',
      'ict.layer.app': 'open ict.configure',
      'disk.make': 'open ict.initrd',
    });
    const { reason, differences, past, install } = find(steps, 'ict.packages');
    const after = `1.7 ${jq.digest}`;
    expect(differences).toEqual([{ path: 'input.packages["jq:amd64"]', after, position: position(12) }]);
    expect(reason).toMatch(/^input\.packages\["jq:amd64"\]: nothing became 1\.7 sha256:a+\.\.\.$/);
    expect(install?.way).toBe('clean');
    expect(past).toMatchObject({ madeAt: '2023-11-14T22:13:20.000Z', sizeBytes: 1000 });
    expect(past?.durationMs).toBeGreaterThanOrEqual(0);
    // The seed of the image is the lock; of the layer below nothing is known yet.
    expect(find(steps, 'ict.configure').differences.map(({ path }) => path)).toEqual(['input.prepare.seed']);
  });

  it.each<[DeltaVerdict, NonNullable<ExplainedStep['install']>]>([
    [{ kind: 'free' }, { way: 'delta', reason: 'from the nearest cached layer: add jq:amd64' }],
    [
      { kind: 'unknown', packages: ['jq'] },
      {
        way: 'delta',
        reason: 'from the nearest cached layer: add jq:amd64, unless jq, not downloaded yet, must be installed in order',
      },
    ],
    [
      { kind: 'bound', reason: 'jq adds a user' },
      { way: 'clean', reason: 'jq adds a user' },
    ],
  ])('says before a build how packages will be installed, and why (%o)', async (judgement, install) => {
    await build({ judgement });
    const steps = await explain({ judgement, packages: [bash, tar, resolvedPackage('jq', { version: '1.7' })] });
    expect(find(steps, 'ict.packages').install).toEqual(install);
  });

  it('gives the reason that a build gives', async () => {
    await build({});
    const changed: Wish = { spec: { layers: [layer('app', { run: ['make all'] })] } };
    const explained = find(await explain(changed), 'ict.layer.app');
    const { intake, settled, services } = image(changed);
    const walk = await planWalk(intake, settled, new Map(), services);
    await walkSteps(walk, (step) => walk.build.steps.run({ ...step, run: async () => made(step.type, step.key) }));
    const built = walk.build.steps.reports.find(({ type }) => type === 'ict.layer.app');
    expect(explained.reason).toBe('input.run[0]: make became make all');
    expect(built?.reason).toBe(explained.reason);
    expect(explained.differences).toEqual([{ path: 'input.run[0]', before: 'make', after: 'make all', position: position(31) }]);
  });

  it('says what changed of its own in a step above one that would run', async () => {
    await build({});
    const spec = { ...sampleSpec({ packages: [{ name: 'tar' }], hostname: 'two' }) };
    const steps = await explain({ spec: { system: spec.system, layers: [layer('app', { run: ['make all'] })] } });
    expect(find(steps, 'ict.configure').differences).toMatchObject([{ path: 'input.configuration.hostname', position: position(20) }]);
    expect(find(steps, 'ict.layer.app')).toMatchObject({ verdict: 'miss', reason: 'input.run[0]: make became make all' });
  });

  it('finds steps again above a layer that came out as another did', async () => {
    await build({}, { 'ict.configure': 'same' });
    const spec = { ...sampleSpec({ hostname: 'two' }) };
    await build({ spec: { system: spec.system } }, { 'ict.configure': 'same' });
    expect(verdicts(await explain({ spec: { system: spec.system } }))).toMatchObject({ 'ict.configure': 'hit', 'ict.layer.app': 'hit' });
  });

  it('tells of a layer that is gone', async () => {
    const digests = await build({});
    const steps = await explain({}, new Set([digests.get('ict.packages') as string]));
    expect(find(steps, 'ict.packages')).toMatchObject({ verdict: 'miss', reason: 'the stored layer is gone or damaged', differences: [] });
    expect(find(steps, 'ict.configure')).toMatchObject({ verdict: 'open', waitsFor: 'ict.packages' });
  });

  it('says of packages over a base tree that is made anew that they are installed cleanly', async () => {
    const judgement: DeltaVerdict = { kind: 'free' };
    const { reason } = find(await explain({ judgement }), 'ict.packages').install ?? {};
    expect(reason).toBe('no cached layer of packages lies over the same base tree');
    await build({ judgement });
    const newBash = resolvedPackage('bash', { version: '9', requestedBy: ['essential'] });
    const jq = resolvedPackage('jq', { version: '1.7' });
    const unless = 'no cached layer of packages lies over the same base tree, unless ict.base gives the same as before';
    const bound: DeltaVerdict = { kind: 'bound', reason: 'jq adds a user' };
    for (const [verdict, ...more] of [[judgement], [judgement, jq], [bound, jq]] as const) {
      const packages = find(await explain({ judgement: verdict, packages: [newBash, tar, ...more] }), 'ict.packages');
      expect(packages).toMatchObject({ verdict: more.length === 0 ? 'open' : 'miss', install: { way: 'clean', reason: unless } });
    }
  });

  it('begins with the finished image, where those are used', async () => {
    expect((await explain({}, new Set(), true))[0]).toMatchObject({ type: 'ict.image', verdict: 'miss', reason: 'never built here' });
    expect((await explain({}))[0]?.type).toBe('ict.tools');
  });
});

describe('the steps of a plan', () => {
  it('are all of a build, those above a miss without a key', async () => {
    await build({});
    const steps = await plan({ packages: [bash, tar, resolvedPackage('jq', { version: '1.7' })] });
    const word = ({ type, hit, key, waitsFor }: PlannedStep) =>
      `${type} ${hit ? 'hit' : 'miss'}${key === undefined ? ' no key' : ''}${waitsFor === undefined ? '' : ` ${waitsFor}`}`;
    expect(steps.map(word)).toEqual([
      'ict.tools hit',
      'ict.base hit',
      'ict.packages miss',
      'ict.configure miss no key',
      'ict.layer.app miss no key ict.configure',
      'ict.initrd miss no key ict.layer.app',
      'disk.make miss no key ict.initrd',
      'disk.convert miss no key disk.make',
      'disk.sign miss no key disk.make',
      'ict.inventory miss no key ict.initrd',
    ]);
    expect(steps[2]).toMatchObject({ reason: expect.stringContaining('jq'), install: { way: 'clean' } });
    expect(steps[4]?.reason).toBe('depends on what ict.configure makes');
  });

  it('go on over a layer that was of no type when it was last made', async () => {
    const layers = (launch: boolean) => ({ layers: [layer('app', { types: { launch, build: false, cache: false } })] });
    await build({ spec: layers(false) }, {}, { 'ict.layer.app': { done: true } });
    const steps = await plan({ spec: layers(true) });
    expect(steps.find(({ type }) => type === 'ict.layer.app')).toMatchObject({ hit: false, reason: expect.stringContaining('launch') });
    expect(steps.at(-1)).toMatchObject({ type: 'ict.inventory', hit: false });
  });

  it('go on over results of other code with what stands for them, as they may have another form', async () => {
    const treeKey = ({ tree }: ImageInput): Json => ({ tree: tree.layers.map(({ digest }) => digest) });
    const before = sampleFormat({
      requires: () => [],
      build: async (input, steps) => {
        await steps.step<Json>('disk.pack', 1, treeKey(input), async () => null);
        return [];
      },
    });
    const after = sampleFormat({
      requires: () => [],
      build: async (input, steps) => {
        const stored = (digest: Digest) => ({ file: { kind: 'blob' as const, digest, sizeBytes: 0 } });
        const { file } = await steps.step('disk.pack', 1, treeKey(input), async () => stored(digestOfAll('3')), stored);
        await steps.step('disk.sign', 1, { file: file.digest }, async () => null);
        return [];
      },
    });
    await build({ format: [before, '1'] }, {}, { 'disk.pack': { packed: 'otherwise' } });
    const steps = await plan({ format: [after, '2'] });
    expect(steps.slice(-3).map(({ type, hit }) => [type, hit])).toEqual([
      ['disk.pack', false],
      ['disk.sign', false],
      ['ict.inventory', false],
    ]);
  });

  it('are no hits where what they are made of cannot be told from their keys', async () => {
    const counting = sampleFormat({
      requires: () => [],
      build: async ({ tree }, steps) => {
        const counted = await steps.step<Json>('disk.count', 1, { tree: tree.layers.map(({ digest }) => digest) }, async () => 1);
        await steps.step('disk.label', 1, { counted }, async () => null);
        return [];
      },
    });
    const ofHost = (hostname: string): Wish => ({ format: [counting, '1'], spec: { system: sampleSpec({ hostname }).system, layers: [] } });
    await build(ofHost('one'), {}, { 'disk.count': { count: 1 } });
    const steps = await plan(ofHost('two'));
    expect(steps.find(({ type }) => type === 'disk.label')).toMatchObject({ hit: false, waitsFor: 'disk.count' });
  });
});

describe('a plan', () => {
  it('goes as far as the format does with an image that it cannot make yet', async () => {
    const problem: ProblemReport = { code: UNSUPPORTED_YET, message: 'no tar of a disk', severity: 'error' };
    const limited = (...problems: readonly ProblemReport[]) =>
      sampleFormat({
        requires: () => [],
        check: () => problems,
        build: async (_input, steps) => {
          await steps.step<Json>(
            'disk.make',
            1,
            null,
            async () => null,
            (digest) => ({ kind: 'blob', digest, sizeBytes: 0 }),
          );
          throw new Error('a disk is not written as tar');
        },
      });
    const steps = await plan({ format: [limited(problem), '1'] });
    expect(steps.slice(-2).map(({ type }) => type)).toEqual(['disk.make', 'ict.inventory']);
    await expect(plan({ format: [limited(), '1'] })).rejects.toThrow('a disk is not written as tar');
  });

  it('says nothing of what a format says of the files that it makes', async () => {
    const warning = { type: 'warning', code: 'ICT_SAMPLE', message: 'something is lost' } as const;
    const telling = sampleFormat({
      requires: () => [],
      build: async (_input, _steps, ctx) => {
        ctx.emit(warning);
        return [];
      },
    });
    const { intake, settled, services } = image({ format: [telling, '1'] });
    const emitted: unknown[] = [];
    const context = { ...services.context, emit: (event: unknown) => void emitted.push(event) };
    const build = { ...services.build('', 1, []), context: () => context as unknown as BuildContext };
    await planBuild(intake, settled, [], storage(false), { ...services, build: () => build });
    expect(emitted).toEqual([]);
  });
});

describe('the packages of a plan', () => {
  it.each([true, false])('come from the cache where a build uses that for them (%s)', async (use) => {
    const wanted = [bash, resolvedPackage('tar', { digest: digestOfAll('b') })];
    const { intake, settled, services } = image({ packages: wanted, spec: { caches: { packages: use, images: true } } });
    const lookup = (tier: TierUse | undefined) => async () => (tier?.use === false ? { state: 'miss' } : { state: 'hit', file: '/kept' });
    const packages = (_lock: Lock, _provider: Provider, tier?: TierUse) => ({ lookup: lookup(tier) });
    const kept = { ...services, packages } as unknown as Services;
    const { packages: planned, fetchBytes } = await planBuild(intake, settled, [], storage(false), kept);
    expect([planned.map(({ cached }) => cached), fetchBytes]).toEqual([[use, use], use ? 0 : 20]);
    expect((await explainCache(intake, settled, [], storage(false), kept)).fetchBytes).toBe(fetchBytes);
  });
});
