import { describe, expect, it } from 'vitest';
import { SignalWatch } from '../src/signals.js';
import { Signals } from './fixture.js';

function watch(): { signals: Signals; watch: SignalWatch; first: string[]; exits: number[]; clock: { ms: number } } {
  const signals = new Signals();
  const first: string[] = [];
  const exits: number[] = [];
  const clock = { ms: 0 };
  const made = new SignalWatch(
    signals,
    (signal) => first.push(signal),
    (status) => exits.push(status),
    () => clock.ms,
  );
  return { signals, watch: made, first, exits, clock };
}

describe('SignalWatch', () => {
  it('aborts on the first signal', () => {
    const { signals, watch: made, first, exits } = watch();
    expect(made.signal.aborted).toBe(false);
    signals.send('SIGTERM');
    expect(made.signal.aborted).toBe(true);
    expect(made.received).toBe('SIGTERM');
    expect([first, exits]).toEqual([['SIGTERM'], []]);
  });

  it('takes the echo of a signal for the same request', () => {
    const { signals, exits, clock } = watch();
    signals.send('SIGINT');
    clock.ms = 200;
    signals.send('SIGINT');
    expect(exits).toEqual([]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('exits at once on a second %s', (signal, status) => {
    const { signals, exits, clock } = watch();
    signals.send('SIGINT');
    clock.ms = 1000;
    signals.send(signal);
    expect(exits).toEqual([status]);
  });

  it('listens no more when closed', () => {
    const { signals, watch: made } = watch();
    made.close();
    expect(signals.count).toBe(0);
  });
});
