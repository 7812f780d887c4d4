import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { EventBody } from '@ict/plugin-api';
import type { EngineOptions } from '../src/engine-api.js';
import { CodeIdentities } from '../src/plugins/code-identity.js';
import { openServices, type Services } from '../src/services.js';
import { distribution } from './support/sample-image.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-services-'));
});
afterEach(() => rm(place, { recursive: true }));

function open(emit: (event: EventBody) => void): Promise<Services> {
  const options: EngineOptions = {
    cacheDir: join(place, 'cache'),
    workDir: join(place, 'work'),
    temporaryDir: place,
    workers: 1,
    mirrors: [],
    hostSources: false,
    plugins: [],
    distributionFiles: [],
    offline: true,
    verify: 'signature',
    storage: {
      packageCache: { enabled: true, maxSizeBytes: 0, retentionDays: 0, twins: false },
      imageCache: { enabled: false, maxCount: 0 },
    },
    emit: () => {},
    signal: new AbortController().signal,
  };
  return openServices(options, { distribution, credentialed: [] }, emit, new CodeIdentities());
}

it('says once that a build waits for another one of its work directory, and how long it did', async () => {
  const events: EventBody[] = [];
  const directory = join(place, 'work', 'a');
  const beside = Promise.withResolvers<undefined>();
  const [first, second] = [
    await open(() => {}),
    await open((event) => {
      events.push(event);
      if (event.type === 'build.waiting') beside.resolve(undefined);
    }),
  ];
  try {
    const order: string[] = [];
    const running = first.locked(directory, 0, async (waitedMs) => {
      expect(waitedMs).toBe(0);
      const waiting = second.locked(directory, 0, async (ms) => {
        order.push('second');
        return ms;
      });
      await beside.promise;
      order.push('first');
      return { waiting };
    });
    const { waiting } = await running;
    expect(await waiting).toBeGreaterThan(0);
    expect(order).toEqual(['first', 'second']);
    expect(events).toEqual([{ type: 'build.waiting', directory, process: process.pid, elsewhere: false }]);
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});
