import { defineErrors } from '@ict/plugin-api';

/** Every error that this package throws on purpose. Each code has a page in `docs/errors/`. */
export const sandboxError = defineErrors({
  ICT_SANDBOX_START: 'host',
  ICT_SANDBOX_DIED: 'host',
  ICT_SANDBOX_CLOSED: 'internal',
  ICT_SANDBOX_MOUNT: 'host',
  ICT_SANDBOX_NETWORK: 'host',
  ICT_SANDBOX_COMMAND: 'invalid',
  ICT_SANDBOX_LAYER: 'host',
  ICT_SANDBOX_REMOVE: 'host',
  ICT_COMMAND_FAILED: 'command',
  ICT_TREE_PATH: 'invalid',
  ICT_TREE_IO: 'host',
});
