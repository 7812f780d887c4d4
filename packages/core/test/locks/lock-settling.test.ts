import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Provider, ResolvedPackage, Snapshot, SystemSpec } from '@ict/plugin-api';
import { fakeContext, type FakeContext } from '@ict/plugin-testkit';
import type { LockOptions } from '../../src/engine-api.js';
import { resolveAfresh, settleLock } from '../../src/locks/lock-settling.js';
import { lockPath, writeLock } from '../../src/locks/lock.js';
import { packageRequest } from '../../src/locks/request.js';
import type { RequestAnswers } from '../../src/locks/request-answers.js';
import type { Services } from '../../src/services.js';
import type { Intake } from '../../src/templates/template-intake.js';
import {
  digestOfAll,
  distribution,
  resolvedPackage,
  sampleFormat,
  sampleProvider,
  sampleSpec,
  snapshotOf,
} from '../support/sample-image.js';

let place: string;
let template: string;
let ctx: FakeContext;
beforeEach(async () => {
  ctx = fakeContext();
  place = await mkdtemp(join(tmpdir(), 'ict-settling-'));
  template = join(place, 'image.yml');
});
afterEach(async () => {
  await ctx[Symbol.asyncDispose]();
  await rm(place, { recursive: true });
});

const OTHER = { packages: [{ name: 'curl' }] };

/** @param recommended by bash, if at all. */
function intakeOf(system: Partial<SystemSpec>, lockFile?: string, recommended?: string): Intake {
  const provider = sampleProvider({
    metadata: {
      snapshot: async (repository) => snapshotOf(repository),
      packages: () => {
        throw new Error('no kernel version is asked for');
      },
    },
    resolver: {
      version: 1,
      resolve: async ({ seeds }) => ({
        kind: 'resolved',
        closure: {
          packages: [
            ...seeds.map((seed) => resolvedPackage(seed.request)),
            ...(recommended === undefined || !seeds.some(({ request }) => request === 'bash')
              ? []
              : [resolvedPackage(recommended, { requestedBy: ['bash:amd64'] })]),
          ],
          answers: Object.fromEntries(seeds.map(({ request }) => [request, [`${request}:amd64`]])),
        },
        warnings: [{ code: 'ICT_DEB_NOTE', message: 'note', because: [] }],
      }),
    },
  });
  return {
    spec: { ...sampleSpec(system), ...(lockFile === undefined ? {} : { lockFile }) },
    distribution,
    credentialed: [],
    places: new Map(),
    provider: { part: provider, identity: { name: 'provider', version: '3' } },
    format: { part: sampleFormat(), identity: { name: 'format', version: '1' } },
  };
}

const services = (): Pick<Services, 'context' | 'mirrors'> => ({
  context: ctx,
  mirrors: { chooseMirror: (_archive, attempt) => attempt(), list: () => Promise.resolve(undefined) },
});

/** An intake whose provider answers otherwise: each package changed, or each snapshot. */
function answering(packages: Partial<ResolvedPackage>, snapshots: (snapshot: Snapshot) => Snapshot = (one) => one): Intake {
  const intake = intakeOf({});
  const { metadata, resolver } = intake.provider.part;
  const part: Provider = {
    ...intake.provider.part,
    metadata: { ...metadata, snapshot: async (...args) => snapshots(await metadata.snapshot(...args)) },
    resolver: {
      ...resolver,
      resolve: async (request, context) => {
        const answer = await resolver.resolve(request, context);
        if (answer.kind !== 'resolved') return answer;
        const { closure } = answer;
        return { ...answer, closure: { ...closure, packages: closure.packages.map((one) => ({ ...one, ...packages })) } };
      },
    },
  };
  return { ...intake, provider: { ...intake.provider, part } };
}

function settle(options: LockOptions = {}, system: Partial<SystemSpec> = {}, lockFile?: string) {
  return settleLock(template, intakeOf(system, lockFile), options, services());
}

/** Repositories that were asked since the last call of `settle`. */
const pinned = () => ctx.events.flatMap((event) => (event.type === 'repository.pinned' ? [event.repository] : []));

/** Writes the lock of this request, beside the template or elsewhere. */
async function locked(system: Partial<SystemSpec> = {}, file = lockPath(template)): Promise<string> {
  const intake = intakeOf(system);
  const request = packageRequest(intake.spec, intake.distribution, intake.format.part);
  await writeLock(file, (await resolveAfresh(intake, request, services())).lock);
  return file;
}

describe('settleLock', () => {
  it('resolves afresh when there is no lock', async () => {
    const { lock, file, warnings } = await settle();
    expect(file).toBeUndefined();
    expect(pinned()).toEqual(['main', 'updates']);
    expect(lock).toMatchObject({
      lockVersion: 1,
      target: 'sample-sample1-x86_64',
      repositories: [
        { id: 'main', root: { digest: digestOfAll('1') }, signers: ['ABCD'] },
        { id: 'updates', signers: ['ABCD'] },
      ],
      plugins: { provider: '3' },
      packages: ['bash', 'tar', 'linux', 'loader'].map((name) => resolvedPackage(name, { signer: 'ABCD' })),
      tools: [resolvedPackage('e2fsprogs', { signer: 'ABCD' })],
    });
    expect(warnings).toEqual([expect.objectContaining({ code: 'ICT_DEB_NOTE', severity: 'warning' })]);
  });

  it.each<[string, Intake, string, string]>([
    [
      'requires what is not there',
      answering({ requires: ['none:amd64'] }),
      'resolver.resolve',
      'requires none:amd64, which it does not have',
    ],
    ['is there for what is not there', answering({ requestedBy: ['none:amd64'] }), 'resolver.resolve', 'is there for none:amd64'],
    ['lies outside of its archive', answering({ path: '../bash' }), 'resolver.resolve', 'leaves its archive'],
    ['has an empty version', answering({ version: '' }), 'resolver.resolve', 'the entry of bash:amd64 is not complete'],
    [
      'is of a repository whose root lies outside of its archive',
      answering({}, (one) => ({ ...one, root: { ...one.root, path: '/root' } })),
      'metadata.snapshot',
      'the root of repository "main" leaves its archive',
    ],
  ])('a lock that nobody could read is never made, and the plugin blamed: one whose package %s', async (_what, intake, call, why) => {
    await expect(settleLock(template, intake, {}, services())).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: expect.stringContaining(why) as string,
      facts: { plugin: 'provider', version: '3', call },
    });
  });

  it.each<[string, LockOptions]>([
    ['taken when it fits', {}],
    ['enough for --frozen', { frozen: true }],
  ])('the lock beside the template is %s, and no repository is asked', async (_what, options) => {
    const file = await locked();
    const before = pinned().length;
    const settled = await settle(options);
    expect(settled).toMatchObject({ file, warnings: [] });
    expect(settled.lock.request).toBe(settled.request.digest);
    expect(pinned()).toHaveLength(before);
  });

  it('a lock fits wherever a directory lies that the template names from its own, and one of an earlier version where it lay', async () => {
    const at = (archive: string, recordedAs?: string): Intake => {
      const intake = intakeOf({});
      const own = { ...distribution.repositories[0]!, archive, ...(recordedAs === undefined ? {} : { recordedAs }) };
      return { ...intake, distribution: { ...distribution, repositories: [own] } };
    };
    const write = async (intake: Intake): Promise<void> => {
      const request = packageRequest(intake.spec, intake.distribution, intake.format.part);
      await writeLock(lockPath(template), (await resolveAfresh(intake, request, services())).lock);
    };
    const frozen = (intake: Intake) => settleLock(template, intake, { frozen: true }, services());
    await write(at('file:///a/own', './own'));
    expect((await frozen(at('file:///b/own', './own'))).lock.repositories[0]?.archive).toBe('./own');
    await write(at('file:///a/own'));
    expect((await frozen(at('file:///a/own', './own'))).file).toBe(lockPath(template));
    await expect(frozen(at('file:///b/own', './own'))).rejects.toMatchObject({
      code: 'ICT_LOCK_OUTDATED',
      problems: [{ message: 'archive of repository "main" is ./own; the lock was made with file:///a/own' }],
    });
  });

  it('a lock that is named outranks the one beside the template', async () => {
    await locked(OTHER);
    const file = await locked({}, join(place, 'named.lock.yml'));
    expect((await settle({ lock: file })).file).toBe(file);
  });

  it('a lock that the template names counts as named', async () => {
    await locked(OTHER);
    const file = await locked({}, join(place, 'own.lock.yml'));
    expect((await settle({}, {}, file)).file).toBe(file);
    await expect(settle({}, {}, join(place, 'gone.lock.yml'))).rejects.toMatchObject({ code: 'ICT_LOCK_MISSING' });
    await expect(settle({}, OTHER, file)).rejects.toMatchObject({ code: 'ICT_LOCK_OUTDATED' });
  });

  it('an outdated lock beside the template gives a warning, then a fresh resolution', async () => {
    await locked(OTHER);
    const { lock, request, file, warnings } = await settle();
    expect(file).toBeUndefined();
    expect(lock.request).toBe(request.digest);
    expect(warnings.map(({ code, severity }) => `${code} ${severity}`)).toEqual(['ICT_LOCK_OUTDATED warning', 'ICT_DEB_NOTE warning']);
    expect(warnings[0]?.hint).toMatch(/`ict lock .*`; with `--update NAME` only that package moves/);
  });

  it('a lock that the caller names is to be written where it was looked for', async () => {
    const file = join(place, 'own.lock.yml');
    const hint = expect.stringContaining(`ict lock ${template} --output ${file}`) as unknown;
    await expect(settle({ lock: file })).rejects.toMatchObject({ code: 'ICT_LOCK_MISSING', hint });
    await locked(OTHER, file);
    await expect(settle({ lock: file })).rejects.toMatchObject({ code: 'ICT_LOCK_OUTDATED', hint });
  });

  it('a lock of another target does not fit', async () => {
    const { lock } = await settle();
    await writeLock(lockPath(template), {
      ...lock,
      target: 'sample-sample2-x86_64',
      asked: undefined,
      answers: undefined,
      content: undefined,
    });
    const hint = expect.not.stringContaining('--update') as unknown;
    await expect(settle({ frozen: true })).rejects.toMatchObject({ code: 'ICT_LOCK_OUTDATED', hint });
  });

  it.each<[string, LockOptions, Partial<RequestAnswers>]>([
    ['--frozen', { frozen: true }, {}],
    ['a build', {}, {}],
    ['--frozen, when its answer is lost as well', { frozen: true }, { image: { bash: ['bash:amd64'] } }],
  ])('a lock that lost a package of the template is refused: %s', async (_what, options, answers) => {
    const { lock } = await settle();
    expect(lock.answers).toEqual({
      image: { bash: ['bash:amd64'], linux: ['linux:amd64'], loader: ['loader:amd64'], tar: ['tar:amd64'] },
      tools: { e2fsprogs: ['e2fsprogs:amd64'] },
      essential: [],
    });
    const packages = lock.packages.filter(({ name }) => name !== 'tar');
    await writeLock(lockPath(template), { ...lock, packages, answers: { ...lock.answers!, ...answers } });
    await expect(settle(options)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it.each<[string, LockOptions]>([
    ['--frozen', { frozen: true }],
    ['a build', {}],
  ])('a lock that lost a package which was only recommended is refused: %s', async (_what, options) => {
    const intake = intakeOf({});
    const request = packageRequest(intake.spec, intake.distribution, intake.format.part);
    const { lock } = await resolveAfresh(intakeOf({}, undefined, 'less'), request, services());
    await writeLock(lockPath(template), lock);
    expect((await settle(options)).lock.packages.map(({ name }) => name)).toContain('less');
    await writeLock(lockPath(template), { ...lock, packages: lock.packages.filter(({ name }) => name !== 'less') });
    await expect(settle(options)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it('a lock of an earlier version, which does not say what answers its requests, is taken as it is', async () => {
    const { lock } = await settle();
    const file = lockPath(template);
    await writeLock(file, { ...lock, answers: undefined, content: undefined });
    expect((await settle({ frozen: true })).file).toBe(file);
  });

  it.each<[string, LockOptions | 'named', 'fits not' | 'missing' | 'broken', string]>([
    ['outdated, --frozen', { frozen: true }, 'fits not', 'ICT_LOCK_OUTDATED'],
    ['outdated, --lock', 'named', 'fits not', 'ICT_LOCK_OUTDATED'],
    ['missing, --frozen', { frozen: true }, 'missing', 'ICT_LOCK_MISSING'],
    ['missing, --lock', 'named', 'missing', 'ICT_LOCK_MISSING'],
    ['broken', {}, 'broken', 'ICT_LOCK_UNREADABLE'],
    ['broken, --frozen', { frozen: true }, 'broken', 'ICT_LOCK_UNREADABLE'],
    ['broken, --lock', 'named', 'broken', 'ICT_LOCK_UNREADABLE'],
  ])('%s: fails before any repository is asked', async (_what, options, state, code) => {
    const file = options === 'named' ? join(place, 'named.lock.yml') : lockPath(template);
    if (state === 'fits not') await locked(OTHER, file);
    if (state === 'broken') await writeFile(file, 'lockVersion: 1\n');
    const before = pinned().length;
    await expect(settle(options === 'named' ? { lock: file } : options)).rejects.toMatchObject({ code, facts: { file } });
    expect(pinned()).toHaveLength(before);
  });
});
