export { startSandbox } from './start.js';
export type {
  CopyOptions,
  Sandbox,
  LayerVerification,
  OpenTreeOptions,
  SandboxOptions,
  SealOptions,
  ToolOptions,
  VerifyOptions,
} from './sandbox.js';
export type { SandboxTree } from './tree.js';
export { changedPaths, comparePaths, layerDigest, layerRef, makeManifest, type LayerEntry, type LayerManifest } from './manifest.js';
export type { LayerSignature, LayerTimes, SealedLayer } from './protocol.js';
export { isUnread, sandboxError } from './errors.js';
export {
  inspectHost,
  type FirmwareFiles,
  type InspectForBoot,
  type InspectForBuilds,
  type InspectOptions,
  type MachineNeeds,
} from './inspect-host.js';
export { check, installCommand, type HostCheck } from './host-check.js';
export type { WrittenDirectory } from './inspect-directories.js';
export { unfitForTrees, type AskFileSystem, type FileSystemState } from './file-system.js';
export { freeSpace, type FreeSpace } from './free-space.js';
