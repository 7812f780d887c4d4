import type { BigIntStats } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { LayerEntry } from '../manifest.js';
import { layerIo } from './layer-failure.js';
import { look, NANOSECONDS, stateOf, textOf, type RawPath } from './layer-walk.js';

/** Clocks of file systems advance by the tick of the kernel, of 10 ms at most; two of them. */
const TICKS_MS = 20;

const NANOSECONDS_IN_MS = 1_000_000n;

/** What a directory held at one moment, and how the file system reported each entry then. */
export class LayerBaseline {
  readonly #entries: ReadonlyMap<string, LayerEntry>;
  readonly #states: ReadonlyMap<string, string>;

  private constructor(entries: readonly LayerEntry[], states: ReadonlyMap<string, string>) {
    this.#entries = new Map(entries.map((entry) => [entry.path, entry]));
    this.#states = states;
  }

  /**
   * Looks at a directory that was just written. It returns when the clock has moved on, so that every later change gives an entry
   * another ctime. Where that cannot be waited for, nothing counts as unchanged.
   *
   * @param entries what the directory holds.
   * @throws `ICT_SANDBOX_LAYER`.
   */
  static async take(directory: string, entries: readonly LayerEntry[]): Promise<LayerBaseline> {
    const states = new Map<string, string>();
    let latest = 0n;
    layerIo('Looking at a layer', directory, () =>
      look(directory, (relative, stats) => {
        if (stats.ctimeNs > latest) latest = stats.ctimeNs;
        states.set(relative, stateOf(stats));
      }),
    );
    const ahead = Number(latest / NANOSECONDS_IN_MS) + TICKS_MS - Date.now();
    // A clock that was set back could give a later change the time of an earlier one, and so could a file system that keeps whole seconds.
    if (ahead > TICKS_MS || latest % NANOSECONDS === 0n) return new LayerBaseline([], new Map());
    if (ahead > 0) await setTimeout(ahead);
    return new LayerBaseline(entries, states);
  }

  /** The entry at a path below the directory where it is still what it was; undefined when it is new or may have changed. */
  unchanged(relative: RawPath, stats: BigIntStats): LayerEntry | undefined {
    if (this.#states.get(relative) !== stateOf(stats)) return undefined;
    return this.#entries.get(relative === '' ? '/' : textOf(relative));
  }
}
