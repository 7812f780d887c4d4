import { defineErrors } from '@ict/plugin-api';

/** Every error code that the engine can throw or report. */
export const coreError = defineErrors({
  ICT_TARGET_CLAIMED_TWICE: 'usage',
  ICT_DISTRO_KEYS_MISSING: 'usage',
  ICT_PLUGIN_INVALID: 'usage',
  ICT_HOST_UNFIT: 'host',
  ICT_HOST_SPACE: 'host',
  ICT_RESOLVE_UNSOLVABLE: 'unsolvable',
  ICT_LOCK_UNREADABLE: 'usage',
  ICT_LOCK_OUTDATED: 'invalid',
  ICT_LOCK_MISSING: 'usage',
  ICT_LOCK_NEWER: 'usage',
  ICT_LOCK_TARGET: 'invalid',
  ICT_LOCK_UNKNOWN_PACKAGE: 'invalid',
  ICT_OUTPUT_DISK_FULL: 'host',
  ICT_OUTPUT_UNWRITABLE: 'host',
  ICT_LAYER_DAMAGED: 'integrity',
  ICT_CACHE_AUDIT: 'integrity',
  ICT_LAYER_INPUT: 'invalid',
  ICT_LAYER_VALIDATE: 'invalid',
  ICT_USER_INVALID: 'invalid',
  ICT_FILE_OWNER_UNKNOWN: 'invalid',
  ICT_KERNEL_VERSION: 'invalid',
  ICT_KERNEL_MISSING: 'invalid',
});
