import { readFileSync } from 'node:fs';
import type { Context, EventBody } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { PluginCalls } from '../../src/plugins/plugin-calls.js';
import { hearEvent, PLUGIN_EVENTS } from '../../src/plugins/plugin-events.js';

interface Branch {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

const schema = JSON.parse(readFileSync(new URL('../../../plugin-api/schema/event.schema.json', import.meta.url), 'utf8')) as {
  readonly $defs: Readonly<Record<string, Branch>>;
};

/** One of each type, with all that it may have. */
const events: readonly EventBody[] = [
  { type: 'warning', code: 'ACME_OLD', message: 'old', hint: 'Renew it.', position: { file: 'a.yml', line: 1, column: 2 } },
  { type: 'fetch.start', files: 1, totalBytes: 2 },
  { type: 'fetch.progress', url: 'http://h/a', receivedBytes: 1, totalBytes: 2, from: 'remote' },
  { type: 'fetch.done', url: 'http://h/a', sizeBytes: 2, durationMs: 0.5, from: 'remote' },
  { type: 'fetch.retry', url: 'http://h/a', attempt: 1, reason: 'gone' },
  { type: 'install.progress', phase: 'unpack', name: 'base', done: 0, total: 1 },
  { type: 'command.start', command: ['true'] },
  { type: 'command.output', stream: 'stderr', text: 'half of one: \ud800' },
  { type: 'image.progress', artifact: 'raw', action: 'write' },
];

describe('an event of a plugin', () => {
  it('is of a type of which there is one in these tests', () => {
    expect(events.map(({ type }) => type)).toEqual(Object.keys(PLUGIN_EVENTS));
  });

  it.each(events)('is handed on as it is: $type', (event) => {
    expect(hearEvent(event)).toEqual({ event });
  });

  it.each(events)('has what its schema says, and needs what that requires: $type', (event) => {
    const { properties, required } = schema.$defs[event.type] as Branch;
    expect(Object.keys(event).sort()).toEqual(Object.keys(properties).sort());
    for (const name of Object.keys(properties)) {
      const without = Object.fromEntries(Object.entries(event).filter(([member]) => member !== name));
      expect('event' in hearEvent(without), name).toBe(!required.includes(name));
      expect(hearEvent({ ...event, [name]: Symbol('damage') }), name).toHaveProperty('fault');
    }
  });

  it('says nothing that its type does not have', () => {
    const event = { ...events[1], stage: 'teapot', v: 7, size: 1n } as unknown as EventBody;
    expect(hearEvent(event)).toEqual({ event: events[1] });
  });

  it.each<[string, unknown]>([
    ['it is "done", not an object', 'done'],
    ['it is undefined, not an object', undefined],
    ['type is undefined, not "warning" or', {}],
    ['type is "teapot", not "warning" or', { type: 'teapot' }],
    ['type is "constructor", not "warning" or', { type: 'constructor' }],
    ['type is "build.done", not "warning" or', { type: 'build.done', artifacts: [], durationMs: 1 }],
    ['message is undefined, not a text that is not empty', { type: 'warning', code: 'A' }],
    ['code is "", not a text that is not empty', { type: 'warning', code: '', message: 'm' }],
    ['phase is "brew", not "extract" or', { ...events[5], phase: 'brew' }],
    ['done is NaN, not a number', { ...events[5], done: Number.NaN }],
    ['command is "true", not a list of texts', { type: 'command.start', command: 'true' }],
    ['command[1] is 1, not a text', { type: 'command.start', command: ['true', 1] }],
    ['position.line is undefined, not a number', { ...events[0], position: { file: 'a.yml' } }],
    ['position is an object, not data that JSON can hold', { ...events[0], position: { file: 'a', line: 1, column: 1, size: 1n } }],
  ])('is refused with the place and what is meant: %s', (fault, value) => {
    expect(hearEvent(value)).toEqual({ fault: expect.stringContaining(fault) as string });
  });
});

describe('a call of a plugin', () => {
  const heard: unknown[] = [];
  const ctx = { signal: new AbortController().signal, emit: (event: unknown) => void heard.push(event), temporary: '/t' } as Context;
  const saying = (event: unknown) => {
    const work = async (_tree: unknown, _distribution: unknown, { emit, temporary }: Context) => {
      expect(temporary).toBe('/t');
      emit(event as EventBody);
    };
    const provider = new PluginCalls().guard({ installer: { unpack: work } }, { name: '@acme/toy', version: '1.2.3' });
    return (provider as unknown as { readonly installer: { unpack: (...args: unknown[]) => Promise<void> } }).installer.unpack({}, {}, ctx);
  };

  it('says what it does', async () => {
    await saying(events[5]);
    expect(heard).toEqual([events[5]]);
  });

  it('fails with the names of both when it says what is none of its business, which nobody hears', async () => {
    heard.length = 0;
    await expect(saying({ type: 'build.done' })).rejects.toMatchObject({
      code: 'ICT_PLUGIN_FAILED',
      message: expect.stringMatching(
        /^the plugin @acme\/toy 1\.2\.3 failed in installer\.unpack: in the event that it emits, type is "build\.done", not /,
      ) as string,
      facts: { plugin: '@acme/toy', version: '1.2.3', call: 'installer.unpack' },
    });
    expect(heard).toEqual([]);
  });
});
