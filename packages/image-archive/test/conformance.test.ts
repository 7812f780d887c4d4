import { describe, expect, it } from 'vitest';
import { hostBuild } from '@ict/fixtures';
import { describeImageFormat, memoryTree, type ImageFormatFixture } from '@ict/plugin-testkit';
import { createInitrdFormat } from '../src/initrd-format.js';
import { createIsoFormat } from '../src/iso-format.js';
import { createWslFormat } from '../src/wsl-format.js';
import { settleTimes } from './support/everything.js';
import { SEED, distribution, imageSpec, live, type SpecChanges } from './support/specs.js';

const cpio = (compression?: 'gz' | 'zstd' | 'xz' | 'bz2') => ({
  type: 'cpio' as const,
  ...(compression === undefined ? {} : { compression }),
});

const tar = (compression?: 'gz' | 'xz') => ({ type: 'tar' as const, ...(compression === undefined ? {} : { compression }) });

const shared = (): Pick<ImageFormatFixture, 'distribution' | 'seed' | 'identifiers' | 'preparedTree' | 'makeBuild'> => ({
  distribution: structuredClone(distribution),
  seed: SEED,
  identifiers: false,
  preparedTree: () => memoryTree({ files: { '/etc/hostname': 'minimal\n' } }),
  makeBuild: async () => {
    const build = hostBuild();
    const tree = build.tree(live);
    settleTimes(build.directory(tree));
    return { ctx: build.ctx, tree, close: () => build.remove() };
  },
});

const initrd = (): ImageFormatFixture => ({
  ...shared(),
  format: createInitrdFormat(),
  accepted: {
    'what is usual': imageSpec(),
    'several artifacts': imageSpec({ disk: { artifacts: [cpio('zstd'), cpio(), cpio('xz')] } }),
  },
  refused: {
    'an artifact of a disk': { spec: imageSpec({ disk: { artifacts: [{ type: 'qcow2' }] } }), names: 'qcow2' },
    'an artifact twice': { spec: imageSpec({ disk: { artifacts: [cpio('gz'), cpio('gz')] } }), names: 'cpio.gz' },
    'a compression without programs': { spec: imageSpec({ disk: { artifacts: [cpio('bz2')] } }), names: 'bz2' },
    'modules for another initrd': { spec: imageSpec({ kernel: { extraModules: ['nvme'] } }), names: 'modules' },
  },
});

const isoSpec = (changes: SpecChanges = {}) => imageSpec({ imageType: 'iso', ...changes });
const partitions = [{ id: 'a', name: 'a', type: 'linux', filesystem: 'ext4' as const, startBytes: 0, flags: [] }];

const iso = (): ImageFormatFixture => ({
  ...shared(),
  identifiers: true,
  format: createIsoFormat(),
  accepted: {
    'what is usual': isoSpec(),
    'another compression of its initrd': isoSpec({ disk: { artifacts: [{ type: 'iso', compression: 'zstd' }] } }),
  },
  refused: {
    'an artifact of a disk': { spec: isoSpec({ disk: { artifacts: [{ type: 'qcow2' }] } }), names: 'qcow2' },
    'two files of one name': {
      spec: isoSpec({ disk: { artifacts: [{ type: 'iso' }, { type: 'iso', compression: 'xz' }] } }),
      names: 'iso',
    },
    partitions: { spec: isoSpec({ disk: { partitions } }), names: 'partitions' },
    'the disk of an installer': { spec: isoSpec({ disk: { device: '/dev/sda' } }), names: 'path' },
    'another loader': { spec: isoSpec({ bootloader: { provider: 'grub' } }), names: 'grub' },
    'legacy firmware': { spec: isoSpec({ bootloader: { bootType: 'legacy' } }), names: 'BIOS' },
    'modules for another initrd': { spec: isoSpec({ kernel: { extraModules: ['nvme'] } }), names: 'modules' },
  },
});

const wsl = (): ImageFormatFixture => ({
  ...shared(),
  format: createWslFormat(),
  accepted: { 'what templates ask for': imageSpec({ imageType: 'wsl2', disk: { artifacts: [tar('gz'), tar()] } }) },
  refused: { 'an artifact of an initrd': { spec: imageSpec({ imageType: 'wsl2', disk: { artifacts: [cpio()] } }), names: 'cpio' } },
});

describeImageFormat('initrd', initrd, { describe, it, expect });
describeImageFormat('iso', iso, { describe, it, expect });
describeImageFormat('wsl2', wsl, { describe, it, expect });
