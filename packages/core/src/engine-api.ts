import type { TwinOfPackage } from '@ict/cache';
import type { Explanation, Plan } from './plans/plan-documents.js';
import type { GraphDocument, SearchDocument, ShowDocument, Why, WhyNot } from './questions/answers.js';
import type { AuditSample } from './compose/audit.js';
import type {
  ArtifactInfo,
  BuildEvent,
  DistributionDefinition,
  ErrorRecord,
  LockChanges,
  ProblemReport,
  RemoteTally,
  Stage,
} from '@ict/plugin-api';
import type { Difference, ExplainedValue, ExplainedVariable, StorageSettings, Template, VariableSources } from '@ict/template';
import type { DefinitionMemory } from './plugins/definition-file.js';
import type { RepositoryChoice } from './repositories/repository-choice.js';

export type { AuditSample } from './compose/audit.js';

/** @returns the namespace of the module in a file. */
export type ModuleImporter = (file: string) => Promise<unknown>;

/** What an engine is opened with. Paths are absolute. */
export interface EngineOptions {
  readonly cacheDir: string;
  readonly workDir: string;
  readonly temporaryDir: string;
  /** Caches that are asked, in this order, for what the one in `cacheDir` does not have, and never written. */
  readonly readOnlyCacheDirs?: readonly string[];
  /** Servers that are asked for results which no local cache has, and the one that gets new ones; default: none. */
  readonly remoteCache?: RemoteCacheOptions;
  /** Downloads and checks that run side by side. */
  readonly workers: number;
  /** Addresses that stand in for an archive. */
  readonly mirrors: readonly MirrorOption[];
  /** Also try the mirrors that the host's own package manager uses for the same archive. */
  readonly hostSources: boolean;
  /** Directories of plugin packages, each with an `ict` field in its package.json. */
  readonly plugins: readonly string[];
  /** Loads the module of a plugin by its absolute path; default: from that file. */
  readonly importModule?: ModuleImporter;
  /** What was read of the text of a definition before, by this very code; default: nothing, and each is read. */
  readonly recallDefinition?: DefinitionMemory;
  /** Distribution definitions beside those that plugins ship. */
  readonly distributionFiles: readonly string[];
  /** Absolute paths of OpenPGP keyrings for repositories whose definition names none. */
  readonly keyrings?: readonly string[];
  readonly offline: boolean;
  /** How patient downloads are; default: what the transport thinks best. */
  readonly network?: { readonly retries?: number; readonly timeoutMs?: number };
  /** `signature`: trust a cached file whose stat signature is unchanged; `full`: hash every byte. */
  readonly verify: 'signature' | 'full';
  readonly storage: StorageSettings;
  readonly emit: (event: BuildEvent) => void;
  readonly signal: AbortSignal;
  /** Seconds since 1970; default: the machine's clock. */
  readonly clock?: () => number;
  /** `SOURCE_DATE_EPOCH`, when the caller's environment sets it. */
  readonly sourceDateEpoch?: number;
  /** Values for the variables of templates. */
  readonly variables?: VariableSources;
}

/** Remote caches of a build. Servers are trusted with nothing: only what a trusted key signed is believed. */
export interface RemoteCacheOptions {
  /** Base addresses of what is asked, in this order; may hold a user and a password. */
  readonly urls: readonly string[];
  /** Public keys whose records are believed. */
  readonly trustedKeys: readonly PemFile[];
  /** Where new results go; default: nowhere. */
  readonly upload?: { readonly url: string; readonly signingKey: PemFile };
}

/** A key as its file holds it. */
export interface PemFile {
  /** Absolute path, for messages. */
  readonly file: string;
  /** The text of the file. */
  readonly pem: string;
}

export interface MirrorOption {
  readonly archive: string;
  readonly url: string;
  readonly source: 'flag' | 'config';
}

export interface Validation {
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
  /** What kept a part of the template from being judged: the packages, when the metadata of their repositories is not at hand. */
  readonly unread?: ErrorRecord;
}

export interface ReadOptions {
  /** Text to take for the template, such as standard input; paths in it count from the directory of its name. */
  readonly text?: string;
}

export interface ValidateOptions extends ReadOptions {
  /** What cannot be built yet, or not here, is a problem too. */
  readonly strict?: boolean;
  /** Also resolves the packages, with what the engine may use of the repositories. */
  readonly packages?: boolean;
}

/** A template with all that it inherits, and where every value comes from. No secret is in it. */
export interface ResolvedTemplate extends Validation {
  /** The template laid over those that it extends; undefined when it says not even what it is made of. */
  readonly template: Template | undefined;
  /** The same over the defaults of its distribution. */
  readonly full: Template | undefined;
  readonly values: readonly ExplainedValue[];
  readonly variables: readonly ExplainedVariable[];
  readonly differences: readonly Difference[];
}

/** Sorted names of packages. */
export interface PackageNames {
  /** Of everything that the repositories have. */
  readonly all: readonly string[];
  /** Of the image, as its lock says; empty without a lock that fits. */
  readonly locked: readonly string[];
}

export interface LockOptions {
  /** Lock file to read; default: `NAME.lock.yml` beside the template, when it is there. */
  readonly lock?: string;
  /** Fail when the template no longer fits the lock, or when there is none. */
  readonly frozen?: boolean;
}

export interface SearchOptions extends LockOptions {
  /** Packages that are named at most; default 100. */
  readonly limit?: number;
}

export interface ShowOptions extends LockOptions {
  /** Also the newest entries of the changelogs, where the repositories publish them. */
  readonly changelog?: boolean;
}

/** Which tiers of the cache a build uses; what is absent is left to configuration and template. */
export interface CacheUse {
  readonly packages?: boolean;
  /** Layers of trees, file systems, disks: the results of all steps. */
  readonly layers?: boolean;
  readonly images?: boolean;
  /** Remote caches, both asking and uploading; default: true. */
  readonly remote?: boolean;
}

export interface BuildOptions extends LockOptions {
  readonly caches?: CacheUse;
  /** Copy artifacts and documents here as well. */
  readonly output?: string;
  /** Makes a sample of the layers anew and compares them with what the cache, or a delta, gave. */
  readonly audit?: AuditSample;
}

/** A question without template: what would these names bring into an empty root? */
export interface PackageQuestion extends RepositoryChoice {
  /** `{os}-{dist}-{arch}`. */
  readonly target: string;
  /** As in a template: `name`, `name=version`, `name/suite`. */
  readonly only: readonly string[];
  /** Follow Recommends; default: no, as a template that says nothing. */
  readonly recommends?: boolean;
  /** Architectures whose packages may come beside those of the target's own, the preferred one first, as the package ecosystem calls them. */
  readonly foreignArchitectures?: readonly string[];
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
  /** Packages of the image. */
  readonly packages: number;
  /** Packages that only the tree of tools has, as a plan lists them. */
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
  /** Time that it waited for another build of its work directory, of which no stage has a part; absent when it waited for none. */
  readonly waitedMs?: number;
  readonly steps: readonly StepReport[];
  /** Absent when no remote cache was asked for a result. */
  readonly remote?: RemoteTally;
  readonly warnings: readonly ProblemReport[];
  readonly lock: string;
}

/** What {@link Engine.warm} made sure of. */
export interface WarmReport {
  readonly target: string;
  /** Packages of the image and of its tools, each content once, that lie in the cache, verified. */
  readonly packages: number;
}

/**
 * Composes images. One engine serves any number of templates, of any distributions, one after the other or at once. Its `signal` stops whatever runs;
 * `close` ends its workers and its sandbox, and is to be called in any case.
 */
export interface Engine {
  /** The JSON schema of templates, with what the plugins at hand let them say. */
  templateSchema(): object;
  /** Every distribution that a plugin or a file defines. */
  distributions(): readonly DistributionDefinition[];
  validate(template: string, options?: ValidateOptions): Promise<Validation>;
  /** What in a template makes its layers be made anew more often than need be; with what keeps it from being read. */
  lintCache(template: string, options?: ReadOptions): Promise<Validation>;
  resolve(template: string, options?: ReadOptions): Promise<ResolvedTemplate>;
  plan(template: string, options?: LockOptions): Promise<Plan>;
  /** Which steps of a build would hit, and of the others which inputs changed. */
  explain(template: string, options?: LockOptions): Promise<Explanation>;
  /** What names would bring into an empty root. */
  planPackages(question: PackageQuestion): Promise<Plan>;
  lock(template: string, options?: LockWriteOptions): Promise<LockReport>;
  /** Why a package is there. */
  why(template: string, name: string, options?: LockOptions): Promise<Why>;
  /** What keeps a package, `name` or `name=version`, out of the image. */
  whyNot(template: string, wanted: string, options?: LockOptions): Promise<WhyNot>;
  /** Packages that have all words in name, summary or description. */
  search(template: string, words: readonly string[], options?: SearchOptions): Promise<SearchDocument>;
  /** Names of packages, for completion: of a template's repositories, or of a target's (`{os}-{dist}-{arch}`). */
  packageNames(of: { readonly template: string } | { readonly target: string }): Promise<PackageNames>;
  /** What the repositories say of a package: `name`, `name:arch` or `name=version`. */
  show(template: string, wanted: string, options?: ShowOptions): Promise<ShowDocument>;
  /** How the packages of the image need each other. */
  graph(template: string, options?: LockOptions & { readonly reduce?: boolean }): Promise<GraphDocument>;
  build(template: string, options?: BuildOptions): Promise<BuildReport>;
  /** Downloads what the cache lacks of a template's packages, and builds nothing. */
  warm(template: string, options?: LockOptions): Promise<WarmReport>;
  /** Makes the uncompressed twin of a package anew, in an empty directory: what differs from the one in the cache, undefined when nothing does. */
  checkTwin(twin: TwinOfPackage, directory: string): Promise<string | undefined>;
  close(): Promise<void>;
}
