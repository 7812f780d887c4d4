import { defineErrors } from '@ict/plugin-api';

/** Every code of this package; `ICT_REMOTE_CACHE_UNREACHABLE`, `ICT_REMOTE_CACHE_RECORD` and `ICT_REMOTE_CACHE_BLOB` are only ever warnings. */
export const remoteCacheError = defineErrors({
  ICT_REMOTE_CACHE_ADDRESS: 'invalid',
  ICT_REMOTE_CACHE_BLOB: 'integrity',
  ICT_REMOTE_CACHE_KEY: 'invalid',
  ICT_REMOTE_CACHE_LOGIN: 'network',
  ICT_REMOTE_CACHE_RECORD: 'integrity',
  ICT_REMOTE_CACHE_UNREACHABLE: 'network',
  ICT_REMOTE_CACHE_UPLOAD: 'network',
});
