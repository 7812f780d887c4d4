import type {
  Digest,
  DistributionDefinition,
  ImageFormat,
  ImageSpec,
  PackageRecord,
  Provider,
  RepositorySpec,
  ResolvedPackage,
  Snapshot,
  SystemSpec,
} from '@ict/plugin-api';

/** A digest of 64 times the same hexadecimal digit. */
export function digestOfAll(digit: string): Digest {
  return `sha256:${digit.repeat(64)}` as Digest;
}

export function repository(id: string): RepositorySpec {
  return { id, archive: `http://archive/${id}`, suite: 'stable', components: ['main'], keyrings: [] };
}

export const distribution: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'sample',
  os: 'sample',
  dist: 'sample1',
  title: 'Sample 1',
  architectures: ['x86_64'],
  repositories: [repository('main'), repository('updates')],
  essential: { priorities: ['required'], packages: [] },
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['mkinitramfs', '-o', '${output}', '${kernelVersion}'],
    links: { '/vmlinuz': 'boot/vmlinuz-${kernelVersion}' },
    loaders: {},
  },
  tools: { packages: { ext: ['e2fsprogs'], convert: ['qemu-block-extra', 'qemu-utils'] } },
  defaults: {},
};

/** A small template; `system` replaces parts of its systemConfig. */
export function sampleSpec(system: Partial<SystemSpec> = {}): ImageSpec {
  return {
    file: '/template.yml',
    image: { name: 'sample', version: '1' },
    target: { os: 'sample', dist: 'sample1', arch: 'x86_64', imageType: 'raw' },
    disk: { name: 'disk', sizeBytes: 1024, partitionTable: 'gpt', artifacts: [{ type: 'raw' }], partitions: [] },
    system: {
      name: 'minimal',
      packages: [{ name: 'bash' }, { name: 'tar' }],
      recommends: false,
      kernel: { cmdline: 'quiet', packages: [{ name: 'linux' }] },
      bootloader: { bootType: 'efi', provider: 'systemd-boot' },
      users: [],
      files: [],
      configurations: [],
      ...system,
    },
    repositories: [],
    layers: [],
    caches: { packages: true, images: true },
    secrets: [],
    positions: new Map(),
  };
}

export function sampleFormat(parts: Partial<ImageFormat> = {}): ImageFormat {
  return {
    imageTypes: ['raw'],
    version: 1,
    check: () => [],
    requires: () => ['loader'],
    tools: () => ['ext'],
    prepare: async () => undefined,
    build: async () => [],
    ...parts,
  };
}

/** A provider whose parts a test gives; what it leaves out fails when it is used. */
export function sampleProvider(parts: Partial<Provider>): Provider {
  return { ecosystem: 'sample', fileName: ({ name }: PackageRecord) => `${name}.pkg`, ...parts } as Provider;
}

export function resolvedPackage(name: string, parts: Partial<ResolvedPackage> = {}): ResolvedPackage {
  return {
    id: `${name}:amd64`,
    name,
    version: '1',
    arch: 'amd64',
    repository: 'main',
    path: `pool/${name}.pkg`,
    digest: digestOfAll('a'),
    sizeBytes: 10,
    requires: [],
    requestedBy: ['template'],
    ...parts,
  };
}

export function snapshotOf(spec: RepositorySpec, root: Digest = digestOfAll('1')): Snapshot {
  return {
    repository: spec,
    root: { path: 'InRelease', digest: root, sizeBytes: 9, dateSeconds: 1_700_000_000 },
    signers: ['ABCD'],
    indexes: [],
  };
}
