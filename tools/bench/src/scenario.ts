import type { Measurement } from './measurement.js';
import type { Comparison } from './report.js';

export interface ScenarioOptions {
  /** Rounds; default: the scenario's own. */
  readonly runs?: number;
  /** An absolute directory for everything that is made; what can be used again stays there. */
  readonly directory: string;
  /** Flags of `ict build` for the first build, the only one that uses the network. */
  readonly firstBuild: readonly string[];
  /** Puts away what a run left, so that the next begins without it; it is removed when all runs are over. */
  readonly putAway: (path: string) => Promise<void>;
  readonly onRun: (name: string, measurement: Measurement) => void;
  /** Says what is being done. */
  readonly say: (text: string) => void;
}

export type Scenario = (options: ScenarioOptions) => Promise<readonly Comparison[]>;
