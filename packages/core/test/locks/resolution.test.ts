import { describe, expect, it } from 'vitest';
import type { PackageRecord, Problem, Resolution, ResolutionRequest, Seed, SourcePosition, SystemSpec } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { packageRequest } from '../../src/locks/request.js';
import { resolveRequest } from '../../src/locks/resolution.js';
import {
  digestOfAll,
  distribution,
  resolvedPackage,
  sampleFormat,
  sampleProvider,
  sampleSpec,
  snapshotOf,
} from '../support/sample-image.js';

const snapshots = distribution.repositories.map((repository) => snapshotOf(repository));
const position: SourcePosition = { file: '/template.yml', line: 7, column: 3 };

/** Resolves every seed to a package of its name, unless `answer` says otherwise; offers kernels of these versions, and takes the first. */
function resolver(answer?: (request: ResolutionRequest) => Resolution, kernels: readonly string[] = []) {
  const asked: ResolutionRequest[] = [];
  const packages = ({ seeds }: ResolutionRequest) =>
    seeds.map(({ request, reason }) =>
      resolvedPackage(request, { requestedBy: [reason], ...(request === 'linux' && kernels.length > 0 ? { version: kernels[0] } : {}) }),
    );
  const provider = sampleProvider({
    metadata: {
      snapshot: () => Promise.reject(new Error('everything is pinned already')),
      async *packages(snapshot) {
        if (snapshot.repository.id !== 'main') return;
        for (const version of kernels) yield { ...resolvedPackage('linux', { version }) } satisfies PackageRecord;
        yield resolvedPackage('bash', { version: '6.12' });
      },
    },
    resolver: {
      version: 1,
      compareVersions: (a, b) => a.localeCompare(b, 'en', { numeric: true }),
      resolve: async (request) => {
        asked.push(request);
        return answer?.(request) ?? { kind: 'resolved', closure: { packages: packages(request) }, warnings: [] };
      },
    },
  });
  return { asked, provider: { part: provider, identity: { name: 'provider', version: '1' } } };
}

type Fakes = Pick<ReturnType<typeof resolver>, 'provider'> & { readonly ctx: Parameters<typeof resolveRequest>[2] };

function resolve(system: Partial<SystemSpec>, { provider, ctx }: Fakes, places?: ReadonlyMap<string, SourcePosition>, pinned = snapshots) {
  const spec = { ...sampleSpec(system), ...(places === undefined ? {} : { positions: places }) };
  const request = packageRequest(spec, distribution, sampleFormat());
  return resolveRequest({ request, spec, distribution, snapshots: pinned }, provider, ctx);
}

const requests = (seeds: readonly Seed[]) => seeds.map((seed) => seed.request);
const kernel = (version?: string, name = 'linux') => ({ kernel: { cmdline: '', version, packages: [{ name, position }] } });

describe('resolveRequest', () => {
  it('asks for the image with its base, and for the tools without', async () => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver();
    const { packages, tools, warnings } = await resolve({ recommends: true }, { provider, ctx });
    expect(asked.map(({ seeds, essential, recommends }) => ({ seeds: requests(seeds), essential, recommends }))).toEqual([
      { seeds: ['bash', 'tar', 'linux', 'loader'], essential: true, recommends: true },
      { seeds: ['e2fsprogs'], essential: false, recommends: false },
    ]);
    expect(packages.map(({ name }) => name)).toEqual(['bash', 'tar', 'linux', 'loader']);
    expect(tools.map(({ name }) => name)).toEqual(['e2fsprogs']);
    expect(warnings).toEqual([]);
  });

  it('tells what answers each request, a wish for a kernel as the template writes it', async () => {
    await using ctx = fakeContext();
    const { provider } = resolver(
      ({ seeds, essential }) => {
        const ids = seeds.map(({ request }) => [request, request.replace(/=.*/, '')] as const).filter(([, name]) => name !== 'empty');
        const packages = ids.map(([, name]) => resolvedPackage(name));
        const base = essential ? [resolvedPackage('base', { requestedBy: ['essential'] })] : [];
        const answers = Object.fromEntries(ids.map(([request, name]) => [request, [`${name}:amd64`]]));
        return { kind: 'resolved', closure: { packages: [...base, ...packages], answers }, warnings: [] };
      },
      ['6.12.41-1'],
    );
    const system = { ...kernel('6.12'), packages: [{ name: 'empty' }, { name: 'bash' }] };
    const { answers } = await resolve(system, { provider, ctx });
    expect(answers).toEqual({
      image: { bash: ['bash:amd64'], empty: [], linux: ['linux:amd64'], loader: ['loader:amd64'] },
      tools: { e2fsprogs: ['e2fsprogs:amd64'] },
      essential: ['base:amd64'],
    });
    expect(await resolve(system, { provider, ctx })).toMatchObject({ answers });
  });

  it('tells nothing of answers when the provider does not', async () => {
    await using ctx = fakeContext();
    expect(await resolve({}, { provider: resolver().provider, ctx })).not.toHaveProperty('answers');
  });

  it('answers the same question from memory', async () => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver();
    const first = await resolve({}, { provider, ctx });
    expect(await resolve({}, { provider, ctx })).toEqual(first);
    expect(asked).toHaveLength(2);
  });

  it.each<[string, (fakes: Fakes) => Promise<unknown>]>([
    ['request', (fakes) => resolve({ packages: [{ name: 'curl' }] }, fakes)],
    [
      'state of a repository',
      (fakes) =>
        resolve(
          {},
          fakes,
          undefined,
          distribution.repositories.map((one) => snapshotOf(one, digestOfAll('2'))),
        ),
    ],
    [
      'quirk of the definition',
      ({ provider, ctx }) => {
        const spec = sampleSpec();
        const odd = { ...distribution, quirks: { installOnly: ['linux'] } };
        const request = packageRequest(spec, odd, sampleFormat());
        return resolveRequest({ request, spec, distribution: odd, snapshots }, provider, ctx);
      },
    ],
    ['provider', ({ provider, ctx }) => resolve({}, { ctx, provider: { ...provider, identity: { ...provider.identity, version: '2' } } })],
    [
      'version of the resolver',
      ({ provider, ctx }) => {
        const part = { ...provider.part, resolver: { ...provider.part.resolver, version: 2 } };
        return resolve({}, { ctx, provider: { ...provider, part } });
      },
    ],
  ])('asks again for another %s', async (_what, again) => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver();
    await resolve({}, { provider, ctx });
    await again({ provider, ctx });
    expect(asked).toHaveLength(4);
  });

  it('says why nothing can be installed, with every problem and its place, and remembers nothing', async () => {
    await using ctx = fakeContext();
    const problem: Problem = {
      code: 'ICT_DEB_MISSING',
      message: 'no package nano',
      hint: 'Did you mean nanoo?',
      position,
      because: ['a needs nano'],
    };
    const two = [problem, { ...problem, message: 'no package vim', hint: undefined }];
    const { asked, provider } = resolver(() => ({ kind: 'unsolvable', problems: two }));
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(resolve({}, { provider, ctx })).rejects.toMatchObject({
        code: 'ICT_RESOLVE_UNSOLVABLE',
        hint: 'Did you mean nanoo?',
        facts: { because: ['a needs nano', 'a needs nano'] },
        problems: [
          { code: 'ICT_DEB_MISSING', message: 'no package nano\n  a needs nano', position, severity: 'error' },
          { code: 'ICT_DEB_MISSING', message: 'no package vim\n  a needs nano', position, severity: 'error' },
        ],
      });
    }
    expect(asked).toHaveLength(2);
  });

  it('tells problems in the order of the template, and then those without a line', async () => {
    await using ctx = fakeContext();
    const after = { ...position, line: 8 };
    const problems = [after, undefined, position].map((at) => ({
      code: 'ICT_DEB_MISSING',
      message: `of ${at?.line}`,
      position: at,
      because: [],
    }));
    const { provider } = resolver(() => ({ kind: 'unsolvable', problems }) as Resolution);
    const packages = [{ name: 'linux', position }, { name: 'firmware', position: after }]; // prettier-ignore
    await expect(resolve({ kernel: { cmdline: '', packages } }, { provider, ctx })).rejects.toMatchObject({
      problems: [{ message: 'of 7' }, { message: 'of 8' }, { message: 'of undefined' }],
    });
  });

  it('names a single problem itself, and speaks of packages that exclude each other only where there is a derivation', async () => {
    await using ctx = fakeContext();
    const problem = { code: 'ICT_DEB_MISSING', message: 'no package nano', because: [] };
    const ask = (because: readonly string[]) =>
      resolve({}, { provider: resolver(() => ({ kind: 'unsolvable', problems: [{ ...problem, because }] })).provider, ctx });
    await expect(ask([])).rejects.toMatchObject({ code: 'ICT_RESOLVE_UNSOLVABLE', message: 'no package nano', hint: undefined });
    await expect(ask(['a conflicts with b'])).rejects.toMatchObject({ hint: 'Remove one of the packages that exclude each other.' });
  });

  it('fails when the tools of the format cannot be had', async () => {
    await using ctx = fakeContext();
    const problems = [{ code: 'ICT_DEB_MISSING', message: 'no package e2fsprogs', because: [] }];
    const { provider } = resolver(({ essential }) => (essential ? undefined : { kind: 'unsolvable', problems }) as Resolution);
    await expect(resolve({}, { provider, ctx })).rejects.toMatchObject({ code: 'ICT_RESOLVE_UNSOLVABLE' });
  });
});

describe('a wish for a kernel version', () => {
  it.each<[string, string | undefined, readonly string[], string]>([
    ['none', undefined, ['6.12.48-1'], 'linux'],
    ['the whole version', '6.12.48-1', ['6.1.1-1', '6.12.48-1'], 'linux=6.12.48-1'],
    ['its beginning', '6.12', ['6.1.1-1', '6.12.48-1'], 'linux=6.12.48-1'],
    ['no beginning of a number', '6.1', ['6.12.48-1', '6.1.5-1'], 'linux=6.1.5-1'],
    ['the highest that fits, wherever it stands', '6.12', ['6.12.5-1', '6.12.48-1', '6.13.1-1', '6.12.9-1'], 'linux=6.12.48-1'],
    ['not to be had', '6.99', ['6.12.48-1'], 'linux'],
    ['more than there is', '6.12.48-1.1', ['6.12.48-1'], 'linux'],
  ])('%s', async (_what, wish, versions, expected) => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver(undefined, versions);
    const { warnings } = await resolve(kernel(wish), { provider, ctx });
    expect(requests(asked[0].seeds)).toEqual(['bash', 'tar', expected, 'loader']);
    const told = wish === undefined || expected !== 'linux' ? [] : [`kernel ${wish} is not to be had: linux ${versions[0]} is taken`];
    expect(warnings.map(({ message }) => message)).toEqual(told);
  });

  it('warns where the wish is written, also when the answer comes from memory and another template', async () => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver(undefined, ['6.12.48-1', '6.12.50-1']);
    for (const line of [4, 40]) {
      const here = { file: '/template.yml', line, column: 1 };
      const { warnings } = await resolve(kernel('6.99'), { provider, ctx }, new Map([['systemConfig.kernel.version', here]]));
      expect(warnings).toEqual([
        expect.objectContaining({
          code: 'ICT_KERNEL_VERSION',
          severity: 'warning',
          position: here,
          message: 'kernel 6.99 is not to be had: linux 6.12.48-1 is taken; there is also 6.12.50-1',
        }),
      ]);
    }
    expect(asked).toHaveLength(2);
  });

  it('says what is offered where the kernel comes from another package than the one asked for', async () => {
    await using ctx = fakeContext();
    const { provider } = resolver(() => ({ kind: 'resolved', closure: { packages: [] }, warnings: [] }), ['6.12.5-1', '6.12.48-1']);
    const { warnings } = await resolve(kernel('6.99'), { provider, ctx });
    expect(warnings.map(({ message }) => message)).toEqual(['kernel 6.99 is not to be had: linux is offered as 6.12.48-1, 6.12.5-1']);
  });

  it.each([
    ['is for the same', '6.12', []],
    ['is for another', '6.1', ['ICT_KERNEL_VERSION']],
  ])('does not change a version that stands with the name; it %s', async (_what, wish, expected) => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver(undefined, ['6.1.5-1', '6.12.48-1']);
    const { warnings } = await resolve(kernel(wish, 'linux=6.12.48-1'), { provider, ctx });
    expect(requests(asked[0].seeds)).toEqual(['bash', 'tar', 'linux=6.12.48-1', 'loader']);
    expect(warnings.map(({ code }) => code)).toEqual(expected);
  });

  it('takes versions in the order of the repositories where the ecosystem has no order', async () => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver(undefined, ['6.12.5-1', '6.12.48-1']);
    const { version, resolve: answer } = provider.part.resolver;
    await resolve(kernel('6.12'), { ctx, provider: { ...provider, part: { ...provider.part, resolver: { version, resolve: answer } } } });
    expect(requests(asked[0].seeds)).toEqual(['bash', 'tar', 'linux=6.12.5-1', 'loader']);
  });

  it('leaves other packages alone, whatever their versions', async () => {
    await using ctx = fakeContext();
    const { asked, provider } = resolver(undefined, ['6.12']);
    await resolve(kernel('6.12'), { provider, ctx });
    expect(requests(asked[0].seeds)).toEqual(['bash', 'tar', 'linux=6.12', 'loader']);
  });
});
