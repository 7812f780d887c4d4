import { fromErrorRecord, isIctError, type BuildEvent } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { coreError } from '../src/errors.js';
import { EventStream } from '../src/event-stream.js';

const PLANTED = 'hunter2-planted';

function stream(): { readonly events: EventStream; readonly seen: BuildEvent[] } {
  const seen: BuildEvent[] = [];
  const events = new EventStream((event) => seen.push(event));
  events.cover([PLANTED]);
  return { events, seen };
}

const thrown = (events: EventStream, error: unknown): Promise<unknown> =>
  events.run('compose', () => Promise.reject(error)).catch((caught: unknown) => caught);

describe('covered texts', () => {
  it('are in no event', () => {
    const { events, seen } = stream();
    events.emit({ type: 'command.output', stream: 'stdout', text: `got ${PLANTED}!` });
    expect(seen).toMatchObject([{ text: 'got <REDACTED>!' }]);
  });

  it('are in no error of a stage, which stays what it is', async () => {
    const error = fromErrorRecord({
      code: 'ICT_COMMAND_FAILED',
      kind: 'command',
      message: `sh -c x ended with status 1:\ngot ${PLANTED}`,
      hint: `not ${PLANTED}`,
      facts: { lastLines: [`got ${PLANTED}`], exitCode: 1 },
      problems: [{ code: 'ICT_X', severity: 'error', message: PLANTED }],
    });
    const caught = await thrown(stream().events, error);
    expect(caught).toMatchObject({ code: 'ICT_COMMAND_FAILED', kind: 'command', facts: { exitCode: 1, lastLines: ['got <REDACTED>'] } });
    const { message, stack, cause } = caught as Error;
    expect(JSON.stringify([caught, message, stack, cause])).not.toContain(PLANTED);
  });

  it('are in no error that nobody foresaw', async () => {
    const caught = await thrown(stream().events, new Error(`cannot parse ${PLANTED}`));
    expect(isIctError(caught)).toBe(false);
    expect((caught as Error).message).toBe('cannot parse <REDACTED>');
    expect((caught as Error).stack).not.toContain(PLANTED);
  });

  it('make no other error of one that has none of them', async () => {
    const cause = new DOMException('stop', 'AbortError');
    expect(await thrown(stream().events, cause)).toBe(cause);
    const error = coreError('ICT_HOST_UNFIT', { message: 'no', facts: { places: ['/a'] } });
    expect(await thrown(stream().events, error)).toBe(error);
  });
});

describe('warnings', () => {
  it('are told once, whoever comes upon them again', () => {
    const told: BuildEvent[] = [];
    const { emit } = new EventStream((event) => told.push(event));
    const warning = { type: 'warning', code: 'ICT_SAMPLE', message: 'a stanza was left out' } as const;
    const position = { file: 'image.yml', line: 3, column: 1 };
    for (const event of [warning, warning, { ...warning, message: 'another' }, { ...warning, position }, warning]) emit(event);
    expect(told.map((event) => event.type === 'warning' && [event.message, event.position?.line])).toEqual([
      ['a stanza was left out', undefined],
      ['another', undefined],
      ['a stanza was left out', 3],
    ]);
  });

  it('are the only events of which that is so', () => {
    const told: BuildEvent[] = [];
    const { emit } = new EventStream((event) => told.push(event));
    const retry = { type: 'fetch.retry', url: 'http://archive', attempt: 1, reason: 'timeout' } as unknown as Parameters<typeof emit>[0];
    for (const event of [retry, retry]) emit(event);
    expect(told).toHaveLength(2);
  });
});
