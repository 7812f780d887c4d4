import type { ErrorRecord, SourcePosition } from './errors.js';
import type { Digest } from './digest.js';
import type { LockChanges } from './lock-changes.js';

/** The four stages of a build, as users know them. */
export type Stage = 'validate' | 'packages' | 'compose' | 'finalize';

/** What an emitter says; the engine adds `v`, `time` and `build` (see {@link BuildEvent}). */
export type EventBody =
  | { readonly type: 'build.start'; readonly template: string; readonly target: string }
  | {
      readonly type: 'build.done';
      readonly artifacts: readonly ArtifactInfo[];
      /** Without the time that it waited for another build. */
      readonly durationMs: number;
      /** Absent when it waited for no other build. */
      readonly waitedMs?: number;
      /** Absent when no remote cache was asked for a result. */
      readonly remote?: RemoteTally;
    }
  | { readonly type: 'build.failed'; readonly error: ErrorRecord }
  /** Another build works in the same directory: this one goes on when that has ended. */
  | {
      readonly type: 'build.waiting';
      /** Where both work. */
      readonly directory: string;
      /** Id of the other's process; `elsewhere`: on another machine or in another container. */
      readonly process: number;
      readonly elsewhere: boolean;
    }
  | { readonly type: 'stage.start'; readonly stage: Stage }
  | { readonly type: 'stage.done'; readonly stage: Stage; readonly durationMs: number }
  | {
      readonly type: 'warning';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      readonly position?: SourcePosition;
    }
  | {
      readonly type: 'repository.pinned';
      readonly repository: string;
      readonly root: Digest;
      readonly signers: readonly string[];
    }
  | {
      readonly type: 'mirror.chosen';
      readonly archive: string;
      readonly url: string;
      readonly source: 'flag' | 'config' | 'host' | 'list' | 'definition';
    }
  /** Packages of the image and of its tools, each content once, and their size. */
  | { readonly type: 'resolve.done'; readonly packages: number; readonly downloadBytes: number; readonly fromLock: boolean }
  | {
      readonly type: 'lock.done';
      readonly file: string;
      /** False when the file was already as it must be, or when nothing was to be written. */
      readonly written: boolean;
      readonly changes: LockChanges;
    }
  | { readonly type: 'fetch.start'; readonly files: number; readonly totalBytes: number }
  /** `from` is there when the server is a remote cache. */
  | {
      readonly type: 'fetch.progress';
      readonly url: string;
      readonly receivedBytes: number;
      readonly totalBytes?: number;
      readonly from?: 'remote';
    }
  | {
      readonly type: 'fetch.done';
      readonly url: string;
      readonly sizeBytes: number;
      readonly durationMs: number;
      readonly from?: 'remote';
    }
  | { readonly type: 'fetch.retry'; readonly url: string; readonly attempt: number; readonly reason: string }
  | { readonly type: 'package.cached'; readonly name: string; readonly version: string; readonly check: 'signature' | 'hash' }
  | { readonly type: 'package.miss'; readonly name: string; readonly version: string }
  /** `check` is there when a cached package has its digest, but the rules of its repository refuse it: it stays in the cache, and the build fails. */
  | {
      readonly type: 'package.invalid';
      readonly name: string;
      readonly version: string;
      readonly reason: string;
      readonly check?: 'rules';
    }
  /** The damaged file was taken out of the cache, and nothing else. */
  | { readonly type: 'package.evicted'; readonly name: string; readonly version: string }
  | { readonly type: 'package.downloaded'; readonly name: string; readonly version: string; readonly sizeBytes: number }
  /** `from` is there when the package lay in the cache, and was verified again by the rules that its repository has now. */
  | {
      readonly type: 'package.verified';
      readonly name: string;
      readonly version: string;
      readonly digest: Digest;
      readonly from?: 'cache';
    }
  | { readonly type: 'package.stored'; readonly name: string; readonly version: string; readonly sizeBytes: number }
  /** Entries of the cache beyond its limits were removed. */
  | { readonly type: 'cache.collected'; readonly entries: number; readonly freedBytes: number }
  /** The image is delivered, and results are about to be sent to a remote cache, as far as that lacks them. */
  | { readonly type: 'cache.uploading'; readonly results: number }
  /** New results were sent to a remote cache; `sentBytes` counts what went over the network, compressed. */
  | {
      readonly type: 'cache.uploaded';
      readonly records: number;
      readonly blobs: number;
      readonly sentBytes: number;
      readonly durationMs: number;
    }
  | { readonly type: 'step.start'; readonly step: string; readonly key: string }
  /** Without `from`, the result lay in a local cache. */
  | { readonly type: 'step.hit'; readonly step: string; readonly key: string; readonly from?: 'remote' }
  | { readonly type: 'step.miss'; readonly step: string; readonly key: string; readonly reason: string }
  | { readonly type: 'step.stored'; readonly step: string; readonly key: string; readonly durationMs: number }
  /** How a layer of packages is made: on a copy of a cached one, or from the base tree. */
  | { readonly type: 'install.way'; readonly way: 'delta' | 'clean'; readonly reason: string }
  /** Whether a step that was run again for an audit made the layer that the cache holds. */
  | { readonly type: 'cache.audited'; readonly step: string; readonly equal: boolean }
  /** What `validate` of a template's layer said of the layer as it was last made. */
  | { readonly type: 'layer.validated'; readonly layer: string; readonly decision: 'keep' | 'update' | 'discard' }
  | {
      readonly type: 'install.progress';
      readonly phase: 'extract' | 'unpack' | 'configure';
      readonly name: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: 'command.start'; readonly command: readonly string[] }
  | { readonly type: 'command.output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'image.progress'; readonly artifact: string; readonly action: string }
  | { readonly type: 'artifact.written'; readonly artifact: ArtifactInfo }
  | { readonly type: 'boot.console'; readonly text: string }
  | { readonly type: 'boot.done'; readonly found: boolean; readonly durationMs: number };

/** Results of steps, and finished images, that remote caches were asked for. */
export interface RemoteTally {
  readonly asked: number;
  /** How many of these were used. */
  readonly found: number;
}

/** A file that the build delivers. */
export interface ArtifactInfo {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** Bytes that the file takes on disk; smaller than `sizeBytes` for a sparse image. */
  readonly allocatedBytes: number;
  readonly digest: Digest;
}

/** One event of a build: one line of JSON with `--json`. The JSON schema is `schema/event.schema.json` of this package. */
export type BuildEvent = EventBody & {
  readonly v: 1;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** Identifies one run of the engine. */
  readonly build: string;
  /** The stage that was running, if any. */
  readonly stage?: Stage;
};

export type EventType = EventBody['type'];
