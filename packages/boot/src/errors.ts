import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const bootError = defineErrors({
  ICT_BOOT_NO_QEMU: 'host',
  ICT_BOOT_NO_FIRMWARE: 'host',
  ICT_BOOT_TEMPORARY: 'host',
  ICT_BOOT_IMAGE: 'usage',
  ICT_BOOT_VARIABLES: 'usage',
  ICT_BOOT_TIMEOUT: 'command',
  ICT_BOOT_EXITED: 'command',
  ICT_BOOT_PANIC: 'command',
  ICT_BOOT_REFUSED: 'integrity',
});
