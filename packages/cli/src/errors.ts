import { defineErrors } from '@ict/plugin-api';

/** Every error code that the command line itself can throw. */
export const cliError = defineErrors({
  ICT_CLI_NO_TEMPLATE: 'usage',
  ICT_CLI_INPUT: 'usage',
  ICT_CLI_USAGE: 'usage',
  ICT_CLI_FLAG_INVALID: 'usage',
  ICT_CLI_CACHE_AMBIGUOUS: 'usage',
  ICT_CLI_CACHE_UNKNOWN: 'usage',
  ICT_CLI_FILE_EXISTS: 'usage',
  ICT_CLI_FILE_UNWRITABLE: 'usage',
  ICT_CLI_IMAGE_DAMAGED: 'integrity',
  ICT_CLI_KEY_UNREADABLE: 'usage',
  ICT_CLI_LOG_FILE: 'usage',
  ICT_CLI_OUTPUT: 'usage',
  ICT_CLI_DIRECTORY_UNSAFE: 'host',
  ICT_CLI_PLUGIN_NOT_FOUND: 'usage',
  ICT_CLI_GRAPH_TOO_LARGE: 'usage',
  ICT_CLI_HOST_MISSING: 'host',
  ICT_CLI_INSTALL_FAILED: 'host',
  ICT_CLI_STUCK: 'internal',
  ICT_CLI_EXITED: 'internal',
  ICT_CLI_INTERRUPTED: 'interrupted',
});
