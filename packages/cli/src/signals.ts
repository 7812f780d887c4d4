import type { EndingSignal } from './exit-status.js';
import { statusOfSignal } from './exit-status.js';

/**
 * The same signal within this time is one request: a key press reaches every process of a terminal's group, and npm, npx and
 * `sudo` pass on what they get as well.
 */
const ECHO_MS = 250;

/** Signals as the process emits them; a part of `process`. */
export interface SignalSource {
  on(signal: EndingSignal, listener: () => void): unknown;
  off(signal: EndingSignal, listener: () => void): unknown;
}

/** Turns the first signal into an abort, and the second into an exit at once. */
export class SignalWatch {
  private readonly controller = new AbortController();
  private readonly listeners = new Map<EndingSignal, () => void>();
  private readonly source: SignalSource;
  private first: { readonly signal: EndingSignal; readonly timeMs: number } | undefined;

  /**
   * @param onFirst called once, when stopping begins.
   * @param exit ends the process with a status.
   * @param now milliseconds, never going back.
   */
  constructor(
    source: SignalSource,
    onFirst: (signal: EndingSignal) => void,
    exit: (status: number) => void,
    now: () => number = () => performance.now(),
  ) {
    this.source = source;
    for (const signal of Object.keys(statusOfSignal) as EndingSignal[]) {
      const listener = (): void => {
        const timeMs = now();
        if (this.first === undefined) {
          this.first = { signal, timeMs };
          onFirst(signal);
          this.controller.abort(new DOMException(`stopped by ${signal}`, 'AbortError'));
        } else if (timeMs - this.first.timeMs > ECHO_MS) exit(statusOfSignal[signal]);
      };
      this.listeners.set(signal, listener);
      source.on(signal, listener);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The signal that asked to stop, if one did. */
  get received(): EndingSignal | undefined {
    return this.first?.signal;
  }

  close(): void {
    for (const [signal, listener] of this.listeners) this.source.off(signal, listener);
  }
}
