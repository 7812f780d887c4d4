export {
  digestFromHex,
  digestFromIntegrity,
  digestHex,
  digestOf,
  integrityFromDigest,
  integrityOf,
  isDigest,
  parseDigest,
  parseIntegrity,
  type IntegrityAlgorithm,
} from './digest.js';
export { alignedBuffer } from './aligned-buffer.js';
export { ContentHasher, HashingTransform, hashFile, hashing, type ContentIdentity } from './content-hash.js';
export { canonicalJson } from './canonical-json.js';
export { cacheKey, type CacheKey } from './cache-key.js';
export { diffInputs, type InputDifference } from './input-diff.js';
export { uuidFrom } from './uuid.js';
export {
  atomicWriteFile,
  isTemporaryName,
  publishByLink,
  replaceFile,
  sharedDirectorySync,
  syncDirectory,
  temporaryName,
} from './publish.js';
export { errnoOf, isDiskFull, systemErrorOf } from './system-error.js';
export { integrityError } from './errors.js';
