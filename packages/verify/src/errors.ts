import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw. A bad signature is no error: it is a `SignatureResult` with `good: false`. */
export const verifyError = defineErrors({
  ICT_VERIFY_READ: 'host',
  ICT_VERIFY_WORKER: 'internal',
});
