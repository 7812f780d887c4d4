import { defineErrors, type IctError, type IctErrorDetails, type SourcePosition } from '@ict/plugin-api';

/** Every error code that the engine can throw or report. */
export const coreError = defineErrors({
  ICT_TARGET_CLAIMED_TWICE: 'usage',
  ICT_DISTRO_FINGERPRINT: 'integrity',
  ICT_DISTRO_KEYS_MISSING: 'usage',
  ICT_PLUGIN_INVALID: 'usage',
  ICT_PLUGIN_FAILED: 'internal',
  ICT_HOST_UNFIT: 'host',
  ICT_HOST_DIRECTORY: 'host',
  ICT_HOST_SPACE: 'host',
  ICT_HOST_FILE_SYSTEM: 'host',
  ICT_HOST_DISK_FULL: 'host',
  ICT_HOST_ARCHITECTURE: 'host',
  ICT_ARCHITECTURE_REFUSED: 'invalid',
  ICT_RESOLVE_UNSOLVABLE: 'unsolvable',
  ICT_PACKAGES_OFFLINE: 'offline',
  ICT_PACKAGE_MISMATCH: 'integrity',
  ICT_LOCK_UNREADABLE: 'usage',
  ICT_LOCK_UNWRITABLE: 'usage',
  ICT_LOCK_OUTDATED: 'invalid',
  ICT_LOCK_MISSING: 'usage',
  ICT_LOCK_NEWER: 'usage',
  ICT_LOCK_TARGET: 'invalid',
  ICT_LOCK_UNKNOWN_PACKAGE: 'invalid',
  ICT_PACKAGE_NOT_CHOSEN: 'invalid',
  ICT_PACKAGE_UNKNOWN: 'invalid',
  ICT_CATALOGUE_MISSING: 'usage',
  ICT_CATALOGUE_NO_CHANGELOGS: 'invalid',
  ICT_METADATA_GONE: 'network',
  ICT_METADATA_NOT_CACHED: 'offline',
  ICT_LOCK_WITHOUT_INDEXES: 'invalid',
  ICT_REPOSITORY_UNKNOWN: 'invalid',
  ICT_TARGET_UNKNOWN: 'invalid',
  ICT_DIRECTORY_REMOVED: 'host',
  ICT_OUTPUT_DISK_FULL: 'host',
  ICT_OUTPUT_UNWRITABLE: 'usage',
  ICT_LAYER_DAMAGED: 'integrity',
  ICT_CACHE_AUDIT: 'integrity',
  ICT_CACHE_LIMIT_SMALL: 'usage',
  ICT_REMOTE_CACHE_SECRET: 'usage',
  ICT_LINT_CONFIGURATION: 'invalid',
  ICT_LINT_INPUT: 'invalid',
  ICT_LINT_NETWORK: 'invalid',
  ICT_LINT_ORDER: 'invalid',
  ICT_LAYER_INPUT: 'invalid',
  ICT_LAYER_OFFLINE: 'offline',
  ICT_LAYER_PACKAGE_UNKNOWN: 'invalid',
  ICT_LAYER_VALIDATE: 'invalid',
  ICT_USER_INVALID: 'invalid',
  ICT_FILE_OWNER_UNKNOWN: 'invalid',
  ICT_NETWORK_BACKEND: 'invalid',
  ICT_INITRD_MODULES: 'invalid',
  ICT_KERNEL_VERSION: 'invalid',
  ICT_KERNEL_MISSING: 'invalid',
});

/** An error about one place of a template, when that is known: it is told as a problem with its line. */
export function coreErrorAt(
  position: SourcePosition | undefined,
  code: Parameters<typeof coreError>[0],
  details: Omit<IctErrorDetails, 'problems'>,
): IctError {
  const { message, hint, facts } = details;
  const problems = position === undefined ? [] : [{ code, message, hint, position, severity: 'error' as const }];
  return coreError(code, { ...details, facts: { ...facts, position }, problems });
}
