import type { LayerRef, TreeRef, TreeSession, VerifiedPackage } from '@ict/plugin-api';
import type { Composition, LayerMaker, LayerSource } from '../../src/compose/composition.js';
import { layerDigests } from '../../src/steps.js';
import { digestOfAll, distribution, resolvedPackage, sampleFormat, sampleProvider, sampleSpec } from './sample-image.js';

const identity = (name: string) => ({ name, version: '1' });
export const layer = (digit: string): LayerRef => ({ kind: 'layer', digest: digestOfAll(digit), entries: 1, sizeBytes: 1 });
export const verified = (name: string, parts: Partial<VerifiedPackage> = {}): VerifiedPackage => ({
  ...resolvedPackage(name),
  file: `/cache/${name}.pkg`,
  ...parts,
});
export const packages = [
  verified('libc', { requestedBy: ['bash:amd64'] }),
  verified('bash', { requestedBy: ['essential'], requires: ['libc:amd64'] }),
  verified('curl'),
];

/** A composition whose installer and format write down what they are asked to do. */
export function composition(parts: Partial<Composition> = {}): { readonly input: Composition; readonly done: string[] } {
  const done: string[] = [];
  const provider = sampleProvider({
    installer: {
      version: 4,
      apply: async ({ foreignArchitectures = [], fileChoice, install, remove }) => {
        const names = install.map(({ name }) => name).join(' ');
        if (fileChoice !== undefined) done.push(JSON.stringify(fileChoice));
        done.push([...foreignArchitectures.map((arch) => `accept ${arch}`), `install ${names} remove ${remove.length}`].join(', '));
      },
      unpack: async () => undefined,
      clean: async () => void done.push('clean'),
    },
  });
  const format = sampleFormat({ prepare: async () => void done.push('prepare') });
  const input: Composition = {
    spec: sampleSpec(),
    distribution,
    provider: { part: provider, identity: identity('provider') },
    format: { part: format, identity: identity('format') },
    configuration: { users: [], files: [], commands: [{ command: 'touch /done' }] },
    layers: [],
    packages,
    lock: digestOfAll('d'),
    seed: digestOfAll('e'),
    treeEpoch: 1,
    core: identity('core'),
    ...parts,
  };
  return { input, done };
}

/** Makes every layer over one tree in memory, and writes down over what and how late. */
export function maker(tree: TreeSession): LayerMaker & { readonly made: readonly (readonly [readonly string[], number | undefined])[] } {
  const made: (readonly [readonly string[], number | undefined])[] = [];
  const over = async (parent: TreeRef, work: (tree: TreeSession) => Promise<void>, epochSeconds?: number): Promise<LayerRef> => {
    await work(tree);
    made.push([layerDigests(parent), epochSeconds]);
    return layer(String(made.length));
  };
  return {
    made,
    over,
    base: (work) => over({ layers: [] }, work),
    from: (_start, parent, work) => over(parent, work),
    template: ({ parent }, work) => over(parent, work, 315_532_801),
    glance: (_place, work) => work(tree),
    forUnpacking: async (packages) => packages,
    recall: async () => undefined,
    remember: async () => undefined,
  };
}

/** A cache without layers. */
export const nothing: LayerSource = { has: async () => false, stored: async () => undefined, siblings: async function* () {} };
