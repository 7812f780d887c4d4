export { brokenRelations, readPlainly, type PlainStanza } from './closure-check.js';
export { artifactOf, ict, repositoryRoot, type IctOptions, type IctResult } from './ict.js';
export { eventually, readHostState, type HostState } from './host-state.js';
export { processesNaming, stillRunning, strike, VICTIMS, type RunningProcess, type Victim } from './processes.js';
export { createMiniDistribution, miniTemplate, miniTool, MINI_ARCHIVE, type MiniDistribution } from './mini-distribution.js';
export { build, copyRealTemplate, makePlaces, realBuild, realPackages, TEMPLATES, type BuildPlaces, type RealBuild } from './real-build.js';
export { Mini } from './mini-build.js';
export { PackageWorld, worldPackage } from './package-world.js';
export { createRpmDistribution, RPM_ARCHIVE, type RpmDistribution } from './rpm-distribution.js';
