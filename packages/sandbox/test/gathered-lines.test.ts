import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GatheredLines } from '../src/agent/gathered-lines.js';
import type { OutputLine } from '../src/protocol.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const out = (text: string): OutputLine => ['stdout', text];
const err = (text: string): OutputLine => ['stderr', text];

it('makes one message of lines that come close together, in their order', () => {
  const sent: (readonly OutputLine[])[] = [];
  const lines = new GatheredLines((message) => void sent.push(message));
  lines.add([out('a'), out('b')]);
  vi.advanceTimersByTime(49);
  lines.add([err('c')]);
  lines.add([out('d')]);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sent).toEqual([[out('a'), out('b'), err('c'), out('d')]]);
  lines.add([out('e')]);
  vi.advanceTimersByTime(50);
  expect(sent.slice(1)).toEqual([[out('e')]]);
});

it('sends at once what is asked for, and nothing twice', () => {
  const sent: (readonly OutputLine[])[] = [];
  const lines = new GatheredLines((message) => void sent.push(message));
  lines.add([out('last')]);
  lines.flush();
  lines.flush();
  vi.advanceTimersByTime(100);
  expect(sent).toEqual([[out('last')]]);
});

it('does not wait with much, and lets whoever prints it wait for a slow reader', async () => {
  const drained = Promise.withResolvers<void>();
  const sent: number[] = [];
  const lines = new GatheredLines((message) => {
    sent.push(message.length);
    return drained.promise;
  });
  expect(lines.add([out('x'.repeat(65_535))])).toBeUndefined();
  const waiting = lines.add([out('y')]);
  expect([sent, waiting]).toEqual([[2], drained.promise]);
  drained.resolve();
  await waiting;
});
