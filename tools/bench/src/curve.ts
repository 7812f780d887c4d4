/** One point of a curve; both numbers above 0. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const WIDTH = 56;
const HEIGHT = 12;

/**
 * A curve as text, both axes logarithmic: a power is a straight line, an exponential bends upwards.
 *
 * @param slope exponent of a power that is drawn through the first point with dots, for comparison.
 */
export function drawCurve(points: readonly Point[], labels: { readonly x: string; readonly y: string }, slope: number): string {
  const first = points[0];
  if (first === undefined) throw new Error('there is nothing to draw');
  const reference = points.map(({ x }) => ({ x, y: first.y * (x / first.x) ** slope }));
  const all = [...points, ...reference];
  const span = (values: readonly number[]) => ({ low: Math.log(Math.min(...values)), high: Math.log(Math.max(...values)) });
  const [xs, ys] = [span(all.map(({ x }) => x)), span(all.map(({ y }) => y))];
  const place = (value: number, { low, high }: { low: number; high: number }, cells: number): number =>
    high === low ? 0 : Math.round(((Math.log(value) - low) / (high - low)) * (cells - 1));
  const grid = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(' '));
  const put = (mark: string) => (point: Point) => {
    (grid[HEIGHT - 1 - place(point.y, ys, HEIGHT)] as string[])[place(point.x, xs, WIDTH)] = mark;
  };
  reference.forEach(put('.'));
  points.forEach(put('*'));
  const [top, bottom] = [Math.exp(ys.high).toPrecision(2), Math.exp(ys.low).toPrecision(2)];
  const margin = Math.max(top.length, bottom.length);
  const rows = grid.map((row, i) => `${(i === 0 ? top : i === HEIGHT - 1 ? bottom : '').padStart(margin)} |${row.join('').trimEnd()}`);
  const [left, right] = [String(Math.round(Math.exp(xs.low))), String(Math.round(Math.exp(xs.high)))];
  return [
    labels.y,
    ...rows,
    `${' '.repeat(margin)} +${'-'.repeat(WIDTH)}`,
    `${' '.repeat(margin + 2)}${left}${right.padStart(WIDTH - left.length)}`,
    `${labels.x}; dots: the power ${slope}`,
    '',
  ].join('\n');
}
