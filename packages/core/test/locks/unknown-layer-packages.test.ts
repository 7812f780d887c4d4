import { describe, expect, it } from 'vitest';
import type { Context, LayerSpec, Provider } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { unknownLayerPackages } from '../../src/locks/unknown-layer-packages.js';
import type { Lock } from '../../src/locks/lock.js';
import { pinnedRepositories } from '../../src/locks/lock.js';
import { repository, resolvedPackage, sampleProvider, sampleSpec, snapshotOf } from '../support/sample-image.js';

const position = { file: '/template.yml', line: 3, column: 7 };
const lock = {
  packages: [resolvedPackage('bash')],
  repositories: pinnedRepositories([snapshotOf(repository('main'))]),
} as unknown as Lock;

/** What is said of layers bound to these packages, when the repository has bash and jq. */
async function told(packages: readonly string[], parts: { readonly catalogue?: Provider['catalogue']; readonly lock?: Lock } = {}) {
  await using ctx = fakeContext();
  const list = async function* (_snapshot: unknown, within: Context) {
    if (packages.includes('fetched')) await within.fetch.fetch({ url: 'http://archive/main/Packages', maxBytes: 1 });
    for (const name of ['bash', 'jq']) yield { name, version: '1', arch: 'all', summary: '' };
  };
  const catalogue = 'catalogue' in parts ? parts.catalogue : ({ list } as unknown as Provider['catalogue']);
  const provider = { part: sampleProvider({ catalogue }), identity: { name: 'provider', version: '1' } };
  const layer = { name: 'app', invalidateOn: { packages, values: {} } } as unknown as LayerSpec;
  const positions = new Map([['layers[0].invalidateOn.packages[1]', position]]);
  const spec = { ...sampleSpec(), layers: [layer], positions };
  return unknownLayerPackages({ spec, provider }, { repositories: [repository('main')] }, parts.lock ?? lock, ctx);
}

describe('packages that a layer is bound to', () => {
  it('are told when no repository has them, with the line and the name that was meant', async () => {
    expect(await told(['bash', 'jqq'])).toEqual([
      {
        code: 'ICT_LAYER_PACKAGE_UNKNOWN',
        message: expect.stringMatching(/"app".*"jqq"/) as string,
        hint: 'Did you mean "jq"?',
        position,
        severity: 'warning',
      },
    ]);
  });

  it.each<[string, readonly string[], Parameters<typeof told>[1]]>([
    ['that the image or a repository has', ['bash', 'jq'], {}],
    ['when only the network could tell', ['fetched'], {}],
    ['when the packages cannot be listed', ['jqq'], { catalogue: undefined }],
    ['when the lock names no indexes', ['jqq'], { lock: { ...lock, repositories: [{ ...lock.repositories[0]!, indexes: undefined }] } }],
  ])('are not told %s', async (_what, packages, parts) => {
    expect(await told(packages, parts)).toEqual([]);
  });
});
