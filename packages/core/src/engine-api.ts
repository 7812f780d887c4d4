import type { AuditSample } from './audit.js';
import type { StorageOptions } from '@ict/cache';
import type { ArtifactInfo, BuildEvent, Digest, DistributionDefinition, LockChanges, ProblemReport, Stage } from '@ict/plugin-api';

export type { AuditSample } from './audit.js';

/** What an engine is opened with. Paths are absolute. */
export interface EngineOptions {
  readonly cacheDir: string;
  readonly workDir: string;
  readonly temporaryDir: string;
  /** Downloads and checks that run side by side. */
  readonly workers: number;
  /** Addresses that stand in for an archive. */
  readonly mirrors: readonly MirrorOption[];
  /** Also try the mirrors that the host's own package manager uses for the same archive. */
  readonly hostSources: boolean;
  /** Directories of plugin packages, each with an `ict` field in its package.json. */
  readonly plugins: readonly string[];
  /** Distribution definitions beside those that plugins ship. */
  readonly distributionFiles: readonly string[];
  /** Absolute paths of OpenPGP keyrings for repositories whose definition names none. */
  readonly keyrings?: readonly string[];
  readonly offline: boolean;
  /** How patient downloads are; default: what the transport thinks best. */
  readonly network?: { readonly retries?: number; readonly timeoutMs?: number };
  /** `signature`: trust a cached file whose stat signature is unchanged; `full`: hash every byte. */
  readonly verify: 'signature' | 'full';
  readonly storage: StorageOptions;
  readonly emit: (event: BuildEvent) => void;
  readonly signal: AbortSignal;
  /** Seconds since 1970; default: the machine's clock. */
  readonly clock?: () => number;
  /** `SOURCE_DATE_EPOCH`, when the caller's environment sets it. */
  readonly sourceDateEpoch?: number;
}

export interface MirrorOption {
  readonly archive: string;
  readonly url: string;
  readonly source: 'flag' | 'config';
}

export interface Validation {
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

export interface LockOptions {
  /** Lock file to read; default: `NAME.lock.yml` beside the template, when it is there. */
  readonly lock?: string;
  /** Fail when the template no longer fits the lock, or when there is none. */
  readonly frozen?: boolean;
}

export interface BuildOptions extends LockOptions {
  /** Copy artifacts and documents here as well. */
  readonly output?: string;
  /** Makes a sample of the layers anew and compares them with what the cache, or a delta, gave. */
  readonly audit?: AuditSample;
}

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
  readonly packages: readonly PlannedPackage[];
  readonly steps: readonly PlannedStep[];
  readonly fetchBytes: number;
}

export interface PlannedStep {
  readonly type: string;
  readonly key: string;
  readonly hit: boolean;
  /** Why the step would run; empty for a hit. */
  readonly reason: string;
  /** Of a layer of packages that would be made: on a copy of a cached one, or from the base tree, and why. */
  readonly install?: { readonly way: 'delta' | 'clean'; readonly reason: string };
}

export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly requestedBy: readonly string[];
  readonly cached: boolean;
}

export interface LockWriteOptions {
  /** File to write; default: `NAME.lock.yml` beside the template. */
  readonly output?: string;
  /** Only check that the lock is there and fits the template; nothing is resolved or written. */
  readonly frozen?: boolean;
  /** Start from the lock that is there: keep everything but these packages, and what must move with them. No names: keep nothing. */
  readonly update?: readonly string[];
  /** Say what would change, and write nothing. */
  readonly dryRun?: boolean;
}

export interface LockReport {
  readonly file: string;
  readonly written: boolean;
  /** There was no lock to compare with: everything counts as new. */
  readonly first: boolean;
  readonly packages: number;
  readonly tools: number;
  /** What differs from the lock that was there before. */
  readonly changes: LockChanges;
}

export interface StepReport {
  readonly type: string;
  readonly key: string;
  readonly hit: boolean;
  /** Why the result was made anew; empty for a hit. */
  readonly reason: string;
  readonly durationMs: number;
}

export interface BuildReport {
  readonly target: string;
  /** Directory of everything that the build delivered. */
  readonly directory: string;
  readonly artifacts: readonly ArtifactInfo[];
  /** Bills of material, the manifest and the lock. */
  readonly documents: readonly string[];
  readonly stages: readonly { readonly stage: Stage; readonly durationMs: number }[];
  readonly steps: readonly StepReport[];
  readonly warnings: readonly ProblemReport[];
  readonly lock: string;
}

/** Composes images. One engine serves one process; `close` ends its workers and its sandbox. */
export interface Engine {
  /** Every distribution that a plugin or a file defines. */
  distributions(): readonly DistributionDefinition[];
  validate(template: string): Promise<Validation>;
  plan(template: string, options?: LockOptions): Promise<Plan>;
  lock(template: string, options?: LockWriteOptions): Promise<LockReport>;
  build(template: string, options?: BuildOptions): Promise<BuildReport>;
  close(): Promise<void>;
}
