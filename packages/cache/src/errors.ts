import { defineErrors } from '@ict/plugin-api';

/** Every code of this package; `ICT_CACHE_DAMAGED`, `ICT_CACHE_NOT_KEPT`, `ICT_CACHE_NOT_REMOVED` and `ICT_CACHE_READ_ONLY` are only ever warnings. */
export const cacheError = defineErrors({
  ICT_CACHE_DAMAGED: 'integrity',
  ICT_CACHE_DISK_FULL: 'host',
  ICT_CACHE_MISMATCH: 'integrity',
  ICT_CACHE_NAME: 'invalid',
  ICT_CACHE_NESTED: 'usage',
  ICT_CACHE_NOT_KEPT: 'host',
  ICT_CACHE_NOT_REMOVED: 'host',
  ICT_CACHE_READ_ONLY: 'host',
  ICT_CACHE_UNREADABLE: 'host',
  ICT_CACHE_UNWRITABLE: 'host',
  ICT_CACHE_VERSION: 'host',
});
