export { artifactExtension, compressionCapability } from './artifact-names.js';
export { compressArtifact, compressKey, type CompressOptions, type Decompressor } from './compress-artifact.js';
export { DERIVE_VERSION, deriveBlob, runTool } from './derived-blob.js';
export { imageError } from './errors.js';
export { compareKernelVersions, findKernels, resolveTreeFile, type Kernel, type TreeFile } from './kernels.js';
export { readFully, readPieces, type ByteRange } from './piecewise.js';
export { storedBlob } from './stored-blob.js';
export { positionOf } from './template-position.js';
export { writeFully } from './write-fully.js';
