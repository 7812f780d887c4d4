import { fileURLToPath } from 'node:url';
import { alternate, summarise } from './alternation.js';
import { drawCurve } from './curve.js';
import type { Scenario } from './scenario.js';

const PROGRAM = fileURLToPath(new URL('solve-conflicts.js', import.meta.url));
/** Packages, each in ten versions. */
const SIZES = [25, 50, 100, 200, 300];

/** Generated instances in which hardly any two newest versions fit together, of growing size: the time must not grow exponentially. */
export const conflicts: Scenario = async ({ runs, onRun }) => {
  const contenders = SIZES.map((size) => ({ name: `${size} packages`, command: { argv: [process.execPath, PROGRAM, String(size)] } }));
  const results = await alternate(contenders, runs ?? 3, onRun);
  const points = results.map((result, i) => ({
    x: SIZES[i] as number,
    y: summarise(result.runs.map(({ cpuSeconds }) => cpuSeconds)).median,
  }));
  const curve = drawCurve(points, { x: 'packages', y: 'CPU s for six instances' }, 2);
  return [{ title: `Six conflict-heavy instances a size, solved or refuted and explained\n\n\`\`\`text\n${curve}\`\`\``, results }];
};
