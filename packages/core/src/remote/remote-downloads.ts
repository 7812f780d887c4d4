import type { Context } from '@ict/plugin-api';

/** Has events of downloads say that they are of remote caches: they are none of those that a build announces. */
export function fromRemote(emit: Context['emit']): Context['emit'] {
  return (event) => emit(event.type === 'fetch.progress' || event.type === 'fetch.done' ? { ...event, from: 'remote' } : event);
}
