import { efiArch } from '@ict/image-parts';
import { UNSUPPORTED_YET, type DistributionDefinition, type ImageSpec, type ProblemReport } from '@ict/plugin-api';
import { checkArtifacts, problemsOf, type Report } from './check-artifacts.js';
import { checkKernel } from './check-kernel.js';

/** Everything in a template that an ISO image cannot have, and what cannot be made yet. Pure; nothing is read. */
export function checkIso(spec: ImageSpec, distribution: DistributionDefinition): readonly ProblemReport[] {
  return problemsOf(spec, (report) => {
    checkStart(spec, distribution, report);
    // The compression is that of the initrd in it.
    checkArtifacts(spec, distribution, { type: 'iso', what: 'an ISO image', extension: 'iso' }, report);
    checkInstallation(spec, report);
    checkKernel(spec, report);
  });
}

function checkStart(spec: ImageSpec, distribution: DistributionDefinition, report: Report): void {
  const { bootType, provider } = spec.system.bootloader;
  const { arch } = spec.target;
  if (efiArch(arch) === undefined) {
    report('target.arch', `ISO images for ${arch} are not supported yet`, 'Use x86_64 or aarch64.', UNSUPPORTED_YET);
  }
  if (bootType !== 'efi') {
    const message = 'starting through legacy firmware (BIOS) is not supported yet';
    report('systemConfig.bootloader.bootType', message, 'Use bootType: efi.', UNSUPPORTED_YET);
  }
  if (provider !== 'systemd-boot') {
    const message = `ISO images that ${provider} starts are not supported yet`;
    report('systemConfig.bootloader.provider', message, 'Use provider: systemd-boot, or remove the key.', UNSUPPORTED_YET);
  } else if (distribution.boot.loaders['systemd-boot'] === undefined) {
    const message = `the definition of ${distribution.title} does not say where its systemd-boot is, which starts ISO images`;
    report('target.imageType', message, 'Add boot.loaders to the definition, or use imageType: raw or img.', UNSUPPORTED_YET);
  }
}

/** Refuses what templates of installers say of the disk that they install to. */
function checkInstallation({ disk }: ImageSpec, report: Report): void {
  const hint = 'This ISO image starts the system that it holds, in memory: remove the key, or use imageType: raw for a disk.';
  const refuse = (key: string): void =>
    report(`disk.${key}`, `installing from an ISO image (disk.${key}) is not supported yet`, hint, UNSUPPORTED_YET);
  if (disk.device !== undefined) refuse('path');
  if (disk.selectionPolicy !== undefined) refuse('selectionPolicy');
  if (disk.partitions.length > 0) refuse('partitions');
}
