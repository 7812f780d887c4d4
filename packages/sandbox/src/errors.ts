import { defineErrors, isIctError } from '@ict/plugin-api';

/** Every error that this package throws on purpose. Each code has a page in `docs/errors/`. */
export const sandboxError = defineErrors({
  ICT_SANDBOX_START: 'host',
  ICT_SANDBOX_DIED: 'host',
  ICT_SANDBOX_CLOSED: 'internal',
  ICT_SANDBOX_BUSY: 'internal',
  ICT_SANDBOX_MOUNT: 'host',
  ICT_SANDBOX_NETWORK: 'host',
  ICT_SANDBOX_COMMAND: 'invalid',
  ICT_SANDBOX_LAYER: 'host',
  ICT_SANDBOX_REMOVE: 'host',
  ICT_COMMAND_FAILED: 'command',
  ICT_TREE_PATH: 'invalid',
  ICT_TREE_IO: 'host',
});

/**
 * Whether an error says that a layer or an archive could not be read, as on a failing disk: then nothing is known of what it holds.
 */
export function isUnread(error: unknown): boolean {
  return isIctError(error) && error.code === 'ICT_SANDBOX_LAYER' && error.facts['unread'] === true;
}
