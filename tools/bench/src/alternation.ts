import { measure, type BenchCommand, type Measurement } from './measurement.js';

/** One side of a comparison. */
export interface Contender {
  readonly name: string;
  readonly command: BenchCommand;
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
  const results = contenders.map(({ name }) => ({ name, runs: [] as Measurement[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, command, prepare }] of contenders.entries()) {
      await prepare?.();
      const measurement = await measure(command);
      results[index]?.runs.push(measurement);
      onRun(name, measurement);
    }
  }
  return results;
}

/** Least and middle of some values; of an even number, the middle is the mean of two. @throws when there are none. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const [upper, lower] = [sorted[sorted.length >> 1], sorted[(sorted.length - 1) >> 1]];
  if (upper === undefined || lower === undefined) throw new Error('there is nothing to summarise');
  return { min: sorted[0] as number, median: (upper + lower) / 2 };
}
