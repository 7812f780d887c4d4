import { fileURLToPath } from 'node:url';
import { alternate, summarise } from './alternation.js';
import { textCurve, type Curve } from './curve.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario } from './scenario.js';
import { svgCurve } from './svg-curve.js';

const PROGRAM = fileURLToPath(new URL('solve-conflicts.js', import.meta.url));
/** Packages, each in ten versions. */
const SIZES = [25, 50, 100, 150, 200];

/** Generated instances in which hardly any two newest versions fit together, of growing size: the time must not grow exponentially. */
export const conflicts: Scenario = async ({ runs, onRun }) => {
  const contenders = SIZES.map((size) => ({ name: `${size} packages`, command: { argv: [...nodeOfIct(), PROGRAM, String(size)] } }));
  const results = await alternate(contenders, runs ?? 3, onRun);
  const points = results.map((result, i) => ({
    x: SIZES[i] as number,
    y: summarise(result.runs.map(({ cpuSeconds }) => cpuSeconds)).median,
  }));
  const curve: Curve = {
    title: 'Six conflict-heavy instances a size, solved or refuted and explained',
    points,
    labels: { x: 'packages', y: 'CPU s for six instances' },
    slope: 2,
  };
  return [{ title: curve.title, results, curve: textCurve(curve), figures: { 'conflicts.svg': svgCurve(curve) } }];
};
