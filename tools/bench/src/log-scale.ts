/** A logarithmic axis over values above 0. */
export interface LogScale {
  readonly low: number;
  readonly high: number;
  /** Where a value lies: 0 at the low end, 1 at the high one; 0 when there is only one value. */
  place(value: number): number;
  /** The powers of ten, and twice and five times these, that lie on the axis. */
  ticks(): readonly number[];
}

/** @param values at least one. */
export function logScale(values: readonly number[]): LogScale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = Math.log(high) - Math.log(low);
  return {
    low,
    high,
    place: (value) => (span === 0 ? 0 : (Math.log(value) - Math.log(low)) / span),
    ticks: () => {
      const ticks: number[] = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
        // Parsed, so that a tick is the number as it is written: 0.2 and not 0.2000...01.
        for (const digit of [1, 2, 5]) ticks.push(Number(`${digit}e${power}`));
      }
      return ticks.filter((tick) => tick >= low && tick <= high);
    },
  };
}
