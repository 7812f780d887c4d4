import { measure, type BenchCommand, type Measurement, type Milestone } from './measurement.js';

/** One side of a comparison. */
export interface Contender {
  readonly name: string;
  readonly command: BenchCommand;
  /** A moment of the run that gets a row of its own, before that of the whole. */
  readonly milestone?: Milestone;
  /** Brings about the state that a run starts from; not measured. */
  readonly prepare?: () => Promise<void>;
}

/** The runs of one contender, in order. */
export interface Runs {
  readonly name: string;
  readonly runs: readonly Measurement[];
}

/** The least and the middle value. */
export interface Summary {
  readonly min: number;
  readonly median: number;
}

/**
 * Runs contenders in turn (A B A B ...), so that a machine that slows down slows all of them.
 *
 * @param rounds how often each runs, at least once.
 * @param onRun is told of each run as it ends.
 */
export async function alternate(
  contenders: readonly Contender[],
  rounds: number,
  onRun: (name: string, measurement: Measurement) => void = () => undefined,
): Promise<readonly Runs[]> {
  const results = contenders.map(({ name, milestone }) => ({
    whole: { name, runs: [] as Measurement[] },
    ...(milestone === undefined ? {} : { part: { name: milestone.name, runs: [] as Measurement[] } }),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, { command, prepare, milestone }] of contenders.entries()) {
      await prepare?.();
      const { milestone: reached, ...measurement } = await measure(command, milestone);
      const { whole, part } = results[index] as (typeof results)[number];
      for (const [row, value] of [[part, reached] as const, [whole, measurement] as const]) {
        if (row === undefined || value === undefined) continue;
        row.runs.push(value);
        onRun(row.name, value);
      }
    }
  }
  return results.flatMap(({ whole, part }) => (part === undefined ? [whole] : [part, whole]));
}

/** Least and middle of some values; of an even number, the middle is the mean of two. @throws when there are none. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const [upper, lower] = [sorted[sorted.length >> 1], sorted[(sorted.length - 1) >> 1]];
  if (upper === undefined || lower === undefined) throw new Error('there is nothing to summarise');
  return { min: sorted[0] as number, median: (upper + lower) / 2 };
}
