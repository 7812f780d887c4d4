import type { Digest, Json, SourcePosition } from '@ict/plugin-api';

/** The document of `ict plan --json`. */
export interface Plan {
  readonly schemaVersion: 1;
  readonly target: string;
  readonly repositories: readonly {
    readonly id: string;
    readonly archive: string;
    readonly suite: string;
    readonly components: readonly string[];
    readonly root: Digest;
    readonly date: string;
    readonly signers: readonly string[];
  }[];
  /** Those of the image, then those that only its tools tree has. */
  readonly packages: readonly PlannedPackage[];
  /** In the order of a build, which runs none of the others when the first, the finished image, is a hit. */
  readonly steps: readonly PlannedStep[];
  /** Bytes of packages to download: none when the finished image is a hit. */
  readonly fetchBytes: number;
}

export interface PlannedStep {
  readonly type: string;
  /** Absent while it depends on what a step before it makes. */
  readonly key?: string;
  /** Whether its result is known to come from the cache. */
  readonly hit: boolean;
  /** Why the step would run, or that it depends on what another one makes; empty for a hit. */
  readonly reason: string;
  /** Of a step that runs unless another one gives the same as before: that step. */
  readonly waitsFor?: string;
  /** Of a layer of packages that would be made: on a copy of a cached one, or from the base tree, and why. */
  readonly install?: { readonly way: 'delta' | 'clean'; readonly reason: string };
}

/** The document of `ict cache explain --json`. */
export interface Explanation {
  readonly schemaVersion: 1;
  readonly target: string;
  /** In the order of a build. */
  readonly steps: readonly ExplainedStep[];
  /** Bytes of packages to download, unless the finished image is in the cache. */
  readonly fetchBytes: number;
}

export interface ExplainedStep {
  readonly type: string;
  /** `hit`: its result is in the cache. `miss`: it would run. `open`: it would run unless the steps that it waits for give the same as before. */
  readonly verdict: 'hit' | 'miss' | 'open';
  /** Why it would run, as a build says it; empty for a hit. */
  readonly reason: string;
  /** Every input that differs from the nearest result in the cache. */
  readonly differences: readonly ExplainedDifference[];
  /** Of an open step: the step whose result decides. */
  readonly waitsFor?: string;
  readonly install?: PlannedStep['install'];
  /** The nearest result in the cache: what making it took, and what it takes on disk. */
  readonly past?: { readonly madeAt: string; readonly durationMs?: number; readonly sizeBytes: number };
}

export interface ExplainedDifference {
  /** Where in the inputs of the step: `input.packages["jq:amd64"]`. */
  readonly path: string;
  /** Absent where one side has nothing. */
  readonly before?: Json;
  readonly after?: Json;
  /** The line of the template that it comes from, where there is one. */
  readonly position?: SourcePosition;
}

export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly requestedBy: readonly string[];
  /** Where it goes: into the image, or only into the tree of tools that write it. */
  readonly part: 'image' | 'tools';
  /** Whether a build takes it from the package cache: never where that is switched off. */
  readonly cached: boolean;
}
