export { openRemoteCache, type RemoteCache, type RemoteCacheOptions } from './remote-cache.js';
export { openRemoteUpload, type RemoteUpload, type RemoteUploadOptions } from './remote-upload.js';
export { type RemoteResult } from './record.js';
export { generateKeys, keyId, readPublicKey, readSigningKey, type KeyPair } from './keys.js';
export { remoteCacheError } from './errors.js';
export { withoutNetwork, type CacheAddresses } from './stores/offline.js';
export { bucketLogin, type BucketLogin } from './stores/s3-login.js';
export { openAwsLogin, type AwsLogin } from './stores/aws-login.js';
export { openStore, type Store, type StoreAnswer, type StoreRequest, type StoreUse, type Transport } from './stores/store.js';
