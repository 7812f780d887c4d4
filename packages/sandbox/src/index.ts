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
export type { LayerSignature } from './protocol.js';
export { isUnread, sandboxError } from './errors.js';
export {
  inspectHost,
  type FirmwareFiles,
  type HostCheck,
  type InspectForBoot,
  type InspectForBuilds,
  type InspectOptions,
  type MachineNeeds,
  type WrittenDirectory,
} from './inspect-host.js';
export { unfitForTrees, type AskFileSystem, type FileSystemState } from './file-system.js';
export { freeSpace, type FreeSpace } from './free-space.js';
