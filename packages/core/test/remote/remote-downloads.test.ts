import type { EventBody } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { fromRemote } from '../../src/remote/remote-downloads.js';

const url = 'http://cache.example/v1/blobs/sha256/00/00.zst';

it.each<[EventBody, object]>([
  [{ type: 'fetch.progress', url, receivedBytes: 1, totalBytes: 2 }, { from: 'remote' }],
  [{ type: 'fetch.done', url, sizeBytes: 2, durationMs: 1 }, { from: 'remote' }],
  [{ type: 'fetch.retry', url, attempt: 1, reason: 'reset' }, {}],
])('says of a download that it is of a remote cache: %o', (event, more) => {
  const events: EventBody[] = [];
  fromRemote((said) => events.push(said))(event);
  expect(events).toEqual([{ ...event, ...more }]);
});
