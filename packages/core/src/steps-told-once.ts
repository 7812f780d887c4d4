import type { StepReport } from './engine-api.js';

/**
 * Each step once, in the order of the first time. A build that starts over runs its steps again: what it made the first time, and then found, it made;
 * what it found and then had to make, too.
 */
export function stepsToldOnce(reports: readonly StepReport[]): readonly StepReport[] {
  const steps = new Map<string, StepReport>();
  for (const report of reports) if (!report.hit || !steps.has(report.key)) steps.set(report.key, report);
  return [...steps.values()];
}
