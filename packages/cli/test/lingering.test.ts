import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endSoon, type LingeringProcess } from '../src/lingering.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks(); // first: a spy stands on what is faked
  vi.useRealTimers();
});

/** A process with this much to print, and these things open. */
function lingering(open: readonly string[]) {
  const said: string[] = [];
  const stdout = { writableLength: 0 };
  const exits: number[] = [];
  const process: LingeringProcess = {
    stdout,
    stderr: { writableLength: 0, write: (text) => said.push(text) },
    getActiveResourcesInfo: () => open,
    exit: () => exits.push(Date.now()),
  };
  return { process, stdout, said, exits };
}

it('ends a process that something keeps open, and names it', () => {
  const { process, said, exits } = lingering(['PipeWrap', 'Timeout', 'Timeout', 'TCPSocketWrap']);
  endSoon(process);
  expect(exits).toEqual([]);
  vi.advanceTimersToNextTimer();
  expect(exits).toHaveLength(1);
  expect(said).toEqual([
    'warning: the command has ended, and something is left open (Timeout, TCPSocketWrap), maybe by a plugin: it ends now\n',
  ]);
});

it('waits for who reads slowly what was printed', () => {
  const { process, stdout, exits } = lingering(['PipeWrap']);
  stdout.writableLength = 5;
  endSoon(process);
  vi.advanceTimersToNextTimer();
  expect(exits).toEqual([]);
  stdout.writableLength = 0;
  vi.advanceTimersToNextTimer();
  expect(exits).toHaveLength(1);
});

it('keeps no process from ending by itself', () => {
  const unref = vi.fn();
  vi.spyOn(globalThis, 'setTimeout').mockReturnValue({ unref } as never);
  endSoon(lingering([]).process);
  expect(unref).toHaveBeenCalledOnce();
});
