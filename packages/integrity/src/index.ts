export {
  digestAlgorithm,
  digestFromHex,
  digestFromIntegrity,
  digestHex,
  digestOf,
  digestParts,
  integrityFromDigest,
  integrityOf,
  isAnyDigest,
  isContentAlgorithm,
  isSha256Digest,
  parseDigest,
  parseIntegrity,
  type IntegrityAlgorithm,
  isStatedHex,
  statedDigest,
} from './digest.js';
export { alignedBuffer } from './aligned-buffer.js';
export { ContentHasher, HashingTransform, hashFile, hashing, type ContentIdentity } from './content-hash.js';
export { canonicalJson } from './canonical-json.js';
export { compareText } from './compare-text.js';
export { cacheKey, type CacheKey } from './cache-key.js';
export { diffInputs, type InputDifference } from './input-diff.js';
export { machineStart, processStart } from './process-start.js';
export { uuidFrom } from './uuid.js';
export {
  atomicWriteFile,
  flushFile,
  isTemporaryName,
  linkNew,
  publishByLink,
  replaceFile,
  sharedDirectorySync,
  syncDirectory,
  temporaryName,
  writeNewFile,
} from './publish.js';
export { ensureDirectory, ensureOwnDirectory } from './ensure-directory.js';
export { copySparse } from './copy-sparse.js';
export { fileStateOf } from './file-state.js';
export { fileTime } from './file-time.js';
export { moveFile } from './move-file.js';
export { readBounded } from './bounded-file.js';
export { readPrivateKey, type PrivateKeyReading } from './private-key.js';
export { readKeyringFiles, type KeyringFault } from './keyring-files.js';
export { readPresentFile, readRegularFile, readRegularFileSync, refuseNamedPipe, refuseSpecialFile } from './regular-file.js';
export { errnoOf, ignoreSystemError, isDiskFull, isNoFile, isReadFailure, isRefusal, systemErrorOf } from './system-error.js';
export { integrityError } from './errors.js';
