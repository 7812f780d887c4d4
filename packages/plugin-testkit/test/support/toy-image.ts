import { canonicalJson, digestOf } from '@ict/integrity';
import type {
  BillInput,
  Digest,
  DistributionDefinition,
  Exporter,
  ImageFormat,
  ImageSpec,
  InstalledPackage,
  ResolvedPackage,
} from '@ict/plugin-api';
import { fakeContext, memoryTree } from '../../src/index.js';
import type { ExporterFixture, ImageFormatFixture } from '../../src/index.js';

const SEED = digestOf('seed');

export const toyDistribution = {
  dist: 'toy',
  tools: { packages: { pack: ['packer'] } },
} as unknown as DistributionDefinition;

/** A template of which a toy format reads the artifacts and the host name. */
export function toySpec(artifacts: ImageSpec['disk']['artifacts'], hostname = 'toy'): ImageSpec {
  return {
    file: 'image.yml',
    image: { name: 'toy', version: '1' },
    target: { os: 'toy', dist: 'toy', arch: 'x86_64', imageType: 'toy' },
    disk: { name: 'disk', sizeBytes: 1, partitionTable: 'gpt', artifacts, partitions: [] },
    system: {
      name: 'toy',
      hostname,
      packages: [],
      recommends: false,
      kernel: { cmdline: '', packages: [] },
      bootloader: { bootType: 'efi', provider: 'grub' },
      users: [],
      files: [],
      configurations: [],
    },
    repositories: [],
    layers: [],
    caches: { packages: true, images: true },
    secrets: [],
    positions: new Map(),
  };
}

/** A format that keeps every rule: its file is the listing of its input. */
export function toyFormat(): ImageFormat {
  return {
    imageTypes: ['toy'],
    version: 1,
    check: (spec) =>
      spec.disk.artifacts
        .filter(({ type }) => type !== 'raw')
        .map(({ type }) => ({ code: 'TOY_ARTIFACT', message: `"${type}" cannot be made`, hint: 'Use raw.', severity: 'error' })),
    requires: () => ['toy-loader'],
    tools: () => ['pack'],
    prepare: async ({ spec }, tree) => tree.write('/etc/toy', spec.system.hostname ?? ''),
    build: async ({ spec, seed, tree }, steps, ctx) => {
      const key = { seed, layers: tree.layers.map(({ digest }) => digest) };
      const { digest, sizeBytes } = await steps.step('toy.pack', 1, key, async () => ({
        ...(await ctx.blobs.putBytes(new TextEncoder().encode(canonicalJson(key)))),
      }));
      return spec.disk.artifacts.map((artifact) => ({
        spec: artifact,
        extension: artifact.type,
        blob: { kind: 'blob', digest, sizeBytes },
      }));
    },
  };
}

export function toyFormatFixture(format: ImageFormat = toyFormat()): ImageFormatFixture {
  return {
    format,
    distribution: toyDistribution,
    seed: SEED,
    accepted: { 'a raw file': toySpec([{ type: 'raw' }]) },
    refused: { 'a qcow2 file': { spec: toySpec([{ type: 'qcow2' }]), names: 'qcow2' } },
    preparedTree: () => memoryTree({ files: { '/etc/hostname': 'toy\n' } }),
    makeBuild: async () => {
      const ctx = fakeContext();
      const tree = { layers: [{ kind: 'layer', digest: digestOf('tree'), entries: 1, sizeBytes: 1 }] } as const;
      return { ctx, tree, close: () => ctx[Symbol.asyncDispose]() };
    },
  };
}

const installed = (name: string): InstalledPackage & { readonly purl: string } => ({
  name,
  version: '1',
  arch: 'all',
  purl: `pkg:toy/${name}@1`,
});

const resolved = (name: string): ResolvedPackage => ({
  id: `${name}:all`,
  name,
  version: '1',
  arch: 'all',
  repository: 'toy',
  path: `pool/${name}`,
  digest: digestOf(name),
  sizeBytes: name.length,
  requires: [],
  requestedBy: ['template'],
});

export const toyBill: BillInput = {
  spec: toySpec([{ type: 'raw' }]),
  distribution: toyDistribution,
  installed: ['base', 'editor', 'shell'].map(installed),
  packages: ['base', 'editor', 'shell'].map(resolved),
  repositories: [],
  artifacts: [{ name: 'toy-1.raw', digest: SEED as Digest, sizeBytes: 1 }],
  epochSeconds: Date.parse('2026-06-01T00:00:00Z') / 1000,
  seed: SEED,
  creator: 'toy 1',
};

/** An exporter that keeps every rule. */
export function toyExporter(): Exporter {
  return {
    name: 'list',
    extension: 'list.txt',
    export: ({ installed: list, artifacts }) =>
      new TextEncoder().encode(
        [...list.map(({ purl, version }) => `${purl} ${version}`).sort(), ...artifacts.map(({ digest }) => digest)].join('\n'),
      ),
  };
}

export const toyExporterFixture = (exporter: Exporter = toyExporter()): ExporterFixture => ({ exporter, input: toyBill });
