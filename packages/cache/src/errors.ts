import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw; `ICT_CACHE_DAMAGED` is only ever a warning. */
export const cacheError = defineErrors({
  ICT_CACHE_DAMAGED: 'integrity',
  ICT_CACHE_DISK_FULL: 'host',
  ICT_CACHE_MISMATCH: 'integrity',
  ICT_CACHE_NAME: 'invalid',
  ICT_CACHE_UNWRITABLE: 'host',
  ICT_CACHE_VERSION: 'host',
});
