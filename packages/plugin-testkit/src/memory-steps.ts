import { canonicalJson } from '@ict/integrity';
import type { Json, StepRunner } from '@ict/plugin-api';

/** Remembers the result of each step by type, version and key, as the engine does. */
export interface MemorySteps extends StepRunner {
  /** Types of the steps that ran, in order; a hit is not among them. */
  readonly ran: readonly string[];
}

/** A {@link StepRunner} over a map. */
export function memorySteps(): MemorySteps {
  const results = new Map<string, Json>();
  const ran: string[] = [];
  return {
    ran,
    step: async (type, version, key, run) => {
      const id = canonicalJson([type, version, key]);
      const known = results.get(id);
      if (known !== undefined) return known as Awaited<ReturnType<typeof run>>;
      ran.push(type);
      const result = await run();
      results.set(id, result);
      return result;
    },
  };
}
