import { fetchError } from './errors.js';
import { redactUrl } from './redact-url.js';

/** How quickly bodies have to come. */
export interface LeastRate {
  /** Of all bodies that are received at once: they share one line. */
  readonly bytesPerSecond: number;
  /** How long a body may be slower. */
  readonly overMs: number;
}

/** Watches one body. */
export interface Pace {
  /** A piece came. @throws `ICT_FETCH_STALLED` when the body comes too slowly. */
  note(sizeBytes: number): void;
  /** Nothing more will. */
  end(): void;
}

/**
 * Tells bodies that come too slowly, as a server can keep anybody waiting that sends a byte now and then. A body is looked at as its pieces come: what sends
 * none at all ends by a timeout.
 */
export class Paces {
  readonly #now: () => number;
  readonly #least: LeastRate;
  #receiving = 0;

  /** @param now milliseconds from any fixed point. */
  constructor(now: () => number, least: LeastRate) {
    this.#now = now;
    this.#least = least;
  }

  /**
   * Begins to watch the body of an answer.
   *
   * @param wholeMs how long all of it may take, at whatever rate; absent: as long as it is not too slow.
   */
  begin(url: URL, wholeMs?: number): Pace {
    const begunMs = this.#now();
    let [sinceMs, receivedBytes, allBytes, most, ended] = [begunMs, 0, 0, (this.#receiving += 1), false];
    const { bytesPerSecond, overMs } = this.#least;
    return {
      note: (sizeBytes) => {
        const nowMs = this.#now();
        receivedBytes += sizeBytes;
        allBytes += sizeBytes;
        most = Math.max(most, this.#receiving);
        if (wholeMs !== undefined) {
          if (nowMs - begunMs > wholeMs) throw tooSlow(url, allBytes, nowMs - begunMs);
          return;
        }
        const passedMs = nowMs - sinceMs;
        if (passedMs < overMs) return;
        if (receivedBytes < (bytesPerSecond * passedMs) / 1000 / most) throw tooSlow(url, receivedBytes, passedMs);
        [sinceMs, receivedBytes, most] = [nowMs, 0, this.#receiving];
      },
      end: () => {
        if (!ended) this.#receiving -= 1;
        ended = true;
      },
    };
  }
}

function tooSlow(address: URL, receivedBytes: number, passedMs: number): Error {
  const url = redactUrl(address);
  return fetchError('ICT_FETCH_STALLED', {
    message: `${url} sent only ${receivedBytes} bytes in ${Math.round(passedMs / 1000)} seconds`,
    hint: 'Try again later or use another mirror.',
    facts: { url, reason: 'SLOW', receivedBytes, passedMs: Math.round(passedMs) },
  });
}
