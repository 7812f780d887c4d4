import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reference, textCurve, type Curve } from '../src/curve.js';
import { logScale } from '../src/log-scale.js';
import { svgCurve } from '../src/svg-curve.js';

const curve = (points: readonly (readonly [x: number, y: number])[], slope = 2): Curve => ({
  title: 'a < b & c',
  points: points.map(([x, y]) => ({ x, y })),
  labels: { x: 'packages', y: 'seconds' },
  slope,
});

/** Rows of a text curve, top first, without the axis. */
const rowsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) => line.replace(/^[^|]*\|/, ''));

describe('logScale', () => {
  it('places equal factors at equal distances, and one value at 0', () => {
    const scale = logScale([1, 100, 10]);
    expect([1, 10, 100].map((value) => scale.place(value))).toEqual([0, 0.5, 1]);
    expect(logScale([5, 5]).place(5)).toBe(0);
  });

  it('has round ticks within its ends', () => {
    expect(logScale([0.15, 12]).ticks()).toEqual([0.2, 0.5, 1, 2, 5, 10]);
    expect(logScale([25, 300]).ticks()).toEqual([50, 100, 200]);
  });
});

describe('reference', () => {
  it('is the power through the first point', () => {
    expect(
      reference(
        curve([
          [10, 3],
          [20, 1],
          [40, 1],
        ]),
      ),
    ).toEqual([
      { x: 10, y: 3 },
      { x: 20, y: 12 },
      { x: 40, y: 48 },
    ]);
  });

  it('needs a point', () => expect(() => reference(curve([]))).toThrow('nothing to draw'));
});

describe('textCurve', () => {
  it('draws a power as a straight line that hides its dots', () => {
    const text = textCurve(
      curve([
        [1, 1],
        [10, 100],
        [100, 10_000],
      ]),
    );
    expect(text).not.toContain('. ');
    const marks = rowsOf(text).flatMap((row, y) => [...row].flatMap((mark, x) => (mark === '*' ? [[x, y]] : [])));
    expect(marks).toEqual([
      [55, 0],
      [28, 5],
      [0, 11],
    ]);
    expect(text).toMatch(/^seconds\n/);
    expect(text).toContain('packages; dots: the power 2');
  });

  it('shows what grows faster above the dots, and what grows slower below', () => {
    const column = (text: string, mark: string) => rowsOf(text).findIndex((row) => row.lastIndexOf(mark) === 55);
    const faster = textCurve(
      curve(
        [
          [1, 1],
          [2, 2],
          [4, 64],
        ],
        1,
      ),
    );
    expect(column(faster, '*')).toBeLessThan(column(faster, '.'));
    const slower = textCurve(
      curve(
        [
          [1, 1],
          [2, 1.5],
          [4, 2],
        ],
        2,
      ),
    );
    expect(column(slower, '*')).toBeGreaterThan(column(slower, '.'));
  });

  it('draws every point somewhere, whatever the numbers', () => {
    const number = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 5 }), (points) => {
        const rows = rowsOf(textCurve(curve(points, 1)));
        expect(rows).toHaveLength(12);
        expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(56);
        expect(rows.join('')).toContain('*');
      }),
    );
  });
});

describe('svgCurve', () => {
  const svg = svgCurve(
    curve([
      [25, 1],
      [50, 3],
      [100, 5],
    ]),
  );

  it('has a circle for each point, from the lower left to the right', () => {
    const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(circles.map(([x]) => x)).toEqual([70, 345, 620]);
    expect(circles[0]?.[1]).toBe(350);
    expect(circles[2]?.[1]).toBeLessThan(circles[1]?.[1] as number);
  });

  it('names its points and its axes, and escapes what it is given', () => {
    for (const text of ['>25<', '>50<', '>100<', '>packages<', '>seconds<', '>power 2<', 'a &lt; b &amp; c']) expect(svg).toContain(text);
    expect(svg).not.toContain('NaN');
  });
});
