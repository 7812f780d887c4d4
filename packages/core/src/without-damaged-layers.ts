import { hasCode, type IctError, type ProblemReport } from '@ict/plugin-api';

/** How often a build starts over because of one layer: the cache may be cleaned, or its disk fail, while it builds. */
const RESTARTS = 8;

/**
 * A cached layer that was altered is dropped when it is found out; the work then starts over without it. Any number of layers may have
 * been altered, and each is found only when it is needed. Of a layer that a remote cache did not give nothing is told here: who asked that cache
 * tells what is wrong with it, and the step that makes the layer says why.
 *
 * @throws what `work` throws, `ICT_LAYER_DAMAGED` when that is of one layer again and again.
 */
export async function withoutDamagedLayers<T>(work: () => Promise<T>, warn: (reports: readonly ProblemReport[]) => void): Promise<T> {
  const found = new Map<unknown, number>();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!hasCode(error, 'ICT_LAYER_DAMAGED')) throw error;
      const { message, facts } = error as IctError;
      const times = (found.get(facts['layer']) ?? 0) + 1;
      if (times > RESTARTS) throw error;
      found.set(facts['layer'], times);
      if (facts['withheld'] !== true)
        warn([{ code: 'ICT_LAYER_DAMAGED', message, hint: 'It was dropped and is made anew.', severity: 'warning' }]);
    }
  }
}
