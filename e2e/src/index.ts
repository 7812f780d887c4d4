export { ACME_ARCHIVE, createAcmeDistribution, type AcmeDistribution, type TarballPublisher } from './acme-distribution.js';
export { askRoot, cutPartition, largerCopy, partitionOffset, rootTree } from './disk.js';
export { artifactOf, ict, repositoryRoot, sound, stepsOf, type IctOptions, type IctResult } from './ict.js';
export { lockFaults } from './lock-faults.js';
export { eventually, readHostState, readMounts, type HostState } from './host-state.js';
export {
  isRealHit,
  requireEnd,
  requireQuiet,
  strikeAfter,
  strikeAt,
  strikeInTime,
  type Interrupted,
  type Watched,
} from './interruption.js';
export { processesNaming, stillRunning, strike, VICTIMS, type RunningProcess, type Strike, type Victim } from './processes.js';
export {
  createMiniDistribution,
  createMiniPackages,
  MINI_DEFINITION,
  miniTemplate,
  miniTool,
  MINI_ARCHIVE,
  type MiniDistribution,
} from './mini-distribution.js';
export { build, copyRealTemplate, makePlaces, realBuild, realPackages, TEMPLATES, type BuildPlaces, type RealBuild } from './real-build.js';
export { registerEmulator } from './emulator.js';
export { ageUses, forgetDisk, forgetMetadata, forgetPackages, forgetTrees, forgetUponBase } from './forget.js';
export { Mini } from './mini-build.js';
export { randomFrom } from './random.js';
export { smallDisk } from './small-disk.js';
export { leftovers, soak, type SoakPlan, type SoakReport } from './soak.js';
export { filesWith } from './planted.js';
export { PackageWorld, worldPackage, type WorldEcosystem } from './package-world.js';
export { debianSource } from './debian-source.js';
export { installedLayers, listTree } from './tree-listing.js';
export { hidePackages, type HiddenPackages } from './hidden-packages.js';
export { LOOK_ALIKES, type LookAlike } from './rpm-look-alikes.js';
export { createRpmDistribution, RPM_ARCHIVE, rpmDefinition, rpmTemplate, type RpmDistribution } from './rpm-distribution.js';
