import type { Curve } from './curve.js';
import { reference } from './curve.js';
import { logScale } from './log-scale.js';

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 70, right: 20, top: 40, bottom: 50 };

/** A curve as an SVG document, both axes logarithmic, with a dashed power for comparison. Equal for equal input. */
export function svgCurve(curve: Curve): string {
  const { points, labels, slope, title } = curve;
  const power = reference(curve);
  const xs = logScale(points.map(({ x }) => x));
  const ys = logScale([...points, ...power].map(({ y }) => y));
  const left = (x: number): string => (MARGIN.left + xs.place(x) * (WIDTH - MARGIN.left - MARGIN.right)).toFixed(1);
  const top = (y: number): string => (HEIGHT - MARGIN.bottom - ys.place(y) * (HEIGHT - MARGIN.top - MARGIN.bottom)).toFixed(1);
  const line = (through: Curve['points']): string => through.map(({ x, y }) => `${left(x)},${top(y)}`).join(' ');
  const text = (x: number | string, y: number | string, content: string, more = ''): string =>
    `<text x="${x}" y="${y}"${more}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
  const [right, bottom] = [WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(MARGIN.left, 24, title, ' font-size="14"'),
    ...ys
      .ticks()
      .flatMap((y) => [
        `<line x1="${MARGIN.left}" y1="${top(y)}" x2="${right}" y2="${top(y)}" stroke="#ddd"/>`,
        text(MARGIN.left - 8, top(y), String(y), ' text-anchor="end" dominant-baseline="middle"'),
      ]),
    ...points.flatMap(({ x }) => [
      `<line x1="${left(x)}" y1="${MARGIN.top}" x2="${left(x)}" y2="${bottom}" stroke="#ddd"/>`,
      text(left(x), bottom + 16, String(x), ' text-anchor="middle"'),
    ]),
    text(right, bottom + 36, labels.x, ' text-anchor="end"'),
    text(16, MARGIN.top, labels.y, ` text-anchor="end" transform="rotate(-90 16 ${MARGIN.top})"`),
    `<polyline points="${line(power)}" fill="none" stroke="#888" stroke-dasharray="4 4"/>`,
    text(right, Number(top((power.at(-1) as Curve['points'][number]).y)) + 14, `power ${slope}`, ' text-anchor="end" fill="#666"'),
    `<polyline points="${line(points)}" fill="none" stroke="#06c" stroke-width="2"/>`,
    ...points.map(({ x, y }) => `<circle cx="${left(x)}" cy="${top(y)}" r="4" fill="#06c"/>`),
    '</svg>',
    '',
  ].join('\n');
}
