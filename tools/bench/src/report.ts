import { summarise, type Runs } from './alternation.js';
import type { Measurement } from './measurement.js';

/** A comparison under a title; the last of its rows is what the others are divided by. */
export interface Comparison {
  readonly title: string;
  readonly results: readonly Runs[];
  /** The results as a curve of text. */
  readonly curve?: string;
  /** Drawings of the results, by file name. */
  readonly figures?: Readonly<Record<string, string>>;
}

const HEADINGS = ['', 'runs', 'CPU s, min', 'CPU s, median', 'wall s, min', 'wall s, median', 'CPU ratio', 'wall ratio'];

/** A Markdown table: least and median of CPU and wall time, and the ratio of medians to the last row; then the curve, if there is one. */
export function renderComparison({ title, results, curve }: Comparison): string {
  const column = (runs: readonly Measurement[], field: keyof Measurement) => summarise(runs.map((run) => run[field]));
  const summaries = results.map(({ name, runs }) => ({
    name,
    count: runs.length,
    cpu: column(runs, 'cpuSeconds'),
    wall: column(runs, 'wallSeconds'),
  }));
  const base = summaries.at(-1);
  const rows = summaries.map(({ name, count, cpu, wall }) => [
    name,
    String(count),
    ...[cpu.min, cpu.median, wall.min, wall.median].map((seconds) => seconds.toFixed(2)),
    ratio(cpu.median, base?.cpu.median),
    ratio(wall.median, base?.wall.median),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const drawn = curve === undefined ? [] : ['```text', curve.trimEnd(), '```', ''];
  return [`${title}`, '', line(HEADINGS), line(HEADINGS.map(() => '---')), ...rows.map(line), '', ...drawn].join('\n');
}

function ratio(value: number, base: number | undefined): string {
  return base === undefined || base === 0 ? '-' : (value / base).toFixed(2);
}
