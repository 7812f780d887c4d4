import type { Command } from 'commander';
import type { MirrorFlag } from './flag-values.js';
import type { LogLevel } from './log-level.js';
import type { Session, Speech } from './session.js';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly config?: string;
  readonly logLevel?: LogLevel;
  readonly logFile?: string;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

/** Flags of commands that look into the cache. */
export interface CacheFlags extends GlobalFlags {
  readonly cacheDir?: string;
}

/** Flags that stand for settings of the configuration file. */
export interface SettingsFlags extends CacheFlags {
  readonly workers?: number;
  readonly workDir?: string;
  readonly tempDir?: string;
}

/** Flags of commands that read distribution definitions. */
export interface DefinitionFlags extends GlobalFlags {
  readonly distroFile?: readonly string[];
  readonly keyring?: readonly string[];
  readonly var?: ReadonlyMap<string, string>;
}

/** Flags of commands whose engine fetches or builds. */
export interface EngineFlags extends SettingsFlags, DefinitionFlags {
  readonly mirror?: readonly MirrorFlag[];
  readonly hostMirrors: boolean;
  readonly offline?: boolean;
  readonly verify?: 'signature' | 'full';
}

export interface LockFlags extends EngineFlags {
  readonly lock?: string;
  readonly frozen?: boolean;
}

export interface PlanFlags extends LockFlags {
  readonly target?: string;
  readonly only?: readonly string[];
  readonly recommends?: boolean;
  readonly suite?: readonly string[];
  readonly component?: readonly string[];
  readonly repo?: readonly string[];
  readonly repoKey?: readonly string[];
}

export interface GraphFlags extends LockFlags {
  readonly reduce?: boolean;
  readonly format: 'dot' | 'svg';
  readonly output?: string;
}

export interface LockWriteFlags extends EngineFlags {
  readonly output?: string;
  readonly frozen?: boolean;
  readonly update?: boolean;
  readonly dryRun?: boolean;
}

export interface BuildFlags extends LockFlags {
  readonly output?: string;
  readonly cache: boolean;
  /** Percent of the layers; true for all. */
  readonly auditCache?: number | true;
  readonly packageCache?: boolean;
  readonly imageCache?: boolean;
  readonly layerCache?: boolean;
}

export interface BootFlags extends GlobalFlags {
  readonly until: string;
  readonly untilOff?: boolean;
  readonly timeout?: number;
  readonly memory?: number;
  readonly cpus?: number;
  readonly accel?: 'auto' | 'kvm' | 'tcg';
}

export interface DoctorFlags extends CacheFlags {
  readonly workDir?: string;
  readonly install?: boolean;
  readonly for?: 'build' | 'boot';
}

export const schemaNames = [
  'template',
  'config',
  'distro',
  'event',
  'manifest',
  'lock',
  'plan',
  'why',
  'why-not',
  'search',
  'show',
  'graph',
  'explanation',
] as const;
export type SchemaName = (typeof schemaNames)[number];
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Runs one command inside a session; the answer is the exit status, 0 when there is none. */
export type Runner = (flags: GlobalFlags, speech: Speech, work: (session: Session) => Promise<number | void>) => Promise<void>;

/** The flags of a command together with those of all commands. */
export function all<Flags extends GlobalFlags>(command: Command): Flags {
  return command.optsWithGlobals<Flags>();
}
