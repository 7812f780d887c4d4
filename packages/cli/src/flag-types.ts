import type { Command } from 'commander';
import type { MirrorFlag } from './flag-values.js';
import type { LogLevel } from './views/log-level.js';
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
  readonly readOnlyCacheDir?: readonly string[];
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

/** Runs one command inside a session; the answer is the exit status, 0 when there is none. */
export type Runner = (flags: GlobalFlags, speech: Speech, work: (session: Session) => Promise<number | void>) => Promise<void>;

/** The flags of a command together with those of all commands. */
export function all<Flags extends GlobalFlags>(command: Command): Flags {
  return command.optsWithGlobals<Flags>();
}
