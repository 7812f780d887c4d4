import type { ImageFormat, ImageInput } from '@ict/plugin-api';
import { checkDisk } from './check-disk.js';
import { verityPackages, withHashPartition } from './immutability.js';
import { growthPackages } from './growth.js';
import { PREPARE_VERSION, prepareKey, prepareTree } from './prepare.js';
import { initrdModules } from './initrd-modules.js';
import { requiredTools } from './required-tools.js';

/** The format of image type `raw`: disks with a GPT or an MBR that boot by UEFI or a BIOS, as raw files or virtual disks, compressed or not. */
export function createDiskFormat(): ImageFormat {
  return {
    imageTypes: ['raw'],
    version: PREPARE_VERSION,
    check: (spec, distribution) => checkDisk(withHashPartition(spec), distribution),
    requires: (spec, distribution) => {
      const loader = spec.system.bootloader.provider === 'systemd-boot' ? distribution.boot.loaders['systemd-boot'] : undefined;
      const others = [...growthPackages(spec, distribution), ...verityPackages(spec, distribution)];
      return loader === undefined ? others : [loader.package, ...others.filter(({ name }) => name !== loader.package)];
    },
    tools: (spec) => requiredTools(withHashPartition(spec)).map(({ capability }) => capability),
    initrdModules,
    prepare: (input, tree) => prepareTree(settled(input), tree),
    prepareKey: (input) => prepareKey(settled(input)),
    // What writes disks is loaded when one is asked for: most questions about a template need only what is above.
    build: async (input, steps, ctx) => (await import('./build-disk.js')).buildDisk(settled(input), steps, ctx),
  };
}

function settled<Input extends Pick<ImageInput, 'spec'>>(input: Input): Input {
  return { ...input, spec: withHashPartition(input.spec) };
}
