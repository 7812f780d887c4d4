import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw; `ICT_FETCH_MIRROR_REFUSED` and `ICT_FETCH_NOT_KEPT` are only ever warnings. */
export const fetchError = defineErrors({
  ICT_FETCH_ADDRESS: 'invalid',
  ICT_FETCH_CLOSED: 'internal',
  ICT_FETCH_CONNECTION: 'network',
  ICT_FETCH_DISK_FULL: 'host',
  ICT_FETCH_MIRROR_REFUSED: 'network',
  ICT_FETCH_MISMATCH: 'integrity',
  ICT_FETCH_NOT_FOUND: 'network',
  ICT_FETCH_NOT_KEPT: 'host',
  ICT_FETCH_OFFLINE: 'offline',
  ICT_FETCH_REDIRECT: 'network',
  ICT_FETCH_STALLED: 'network',
  ICT_FETCH_STATUS: 'network',
  ICT_FETCH_TOO_LARGE: 'integrity',
  ICT_FETCH_TRUNCATED: 'network',
  ICT_FETCH_UNREADABLE: 'host',
});
