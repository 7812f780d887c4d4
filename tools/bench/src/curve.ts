import { logScale } from './log-scale.js';

/** One point of a curve; both numbers above 0. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A measured curve, beside a power that begins at its first point. */
export interface Curve {
  readonly title: string;
  /** At least one, in the order of x. */
  readonly points: readonly Point[];
  readonly labels: { readonly x: string; readonly y: string };
  /** Exponent of the power. */
  readonly slope: number;
}

const WIDTH = 56;
const HEIGHT = 12;

/** Points of the power that a curve is compared with. */
export function reference({ points: [first, ...more], slope }: Curve): readonly Point[] {
  if (first === undefined) throw new Error('there is nothing to draw');
  return [first, ...more.map(({ x }) => ({ x, y: first.y * (x / first.x) ** slope }))];
}

/** A curve as text, both axes logarithmic: a power is a straight line, drawn with dots, an exponential bends upwards. */
export function textCurve(curve: Curve): string {
  const { points, labels, slope } = curve;
  const power = reference(curve);
  const xs = logScale(points.map(({ x }) => x));
  const ys = logScale([...points, ...power].map(({ y }) => y));
  const grid = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(' '));
  const put = (mark: string) => (point: Point) => {
    const row = HEIGHT - 1 - Math.round(ys.place(point.y) * (HEIGHT - 1));
    (grid[row] as string[])[Math.round(xs.place(point.x) * (WIDTH - 1))] = mark;
  };
  power.forEach(put('.'));
  points.forEach(put('*'));
  const [top, bottom] = [ys.high.toPrecision(2), ys.low.toPrecision(2)];
  const margin = Math.max(top.length, bottom.length);
  const rows = grid.map((row, i) => `${(i === 0 ? top : i === HEIGHT - 1 ? bottom : '').padStart(margin)} |${row.join('').trimEnd()}`);
  const [left, right] = [String(xs.low), String(xs.high)];
  return [
    labels.y,
    ...rows,
    `${' '.repeat(margin)} +${'-'.repeat(WIDTH)}`,
    `${' '.repeat(margin + 2)}${left}${right.padStart(WIDTH - left.length)}`,
    `${labels.x}; dots: the power ${slope}`,
    '',
  ].join('\n');
}
