import { bareAddress, type ProblemReport } from '@ict/plugin-api';
import { configKeys, WITHOUT_EFFECT } from './config-keys.js';
import { type ConfigLayer, type ConfigSurroundings, readConfigLayers } from './config-places.js';
import { Settings } from './config-settings.js';
import { templateError } from '../errors.js';
import { orderProblems, problem, countProblems } from '../problems/problem.js';
import { GIB } from '../sections/size.js';

/** Settings of one run, every path absolute. */
export interface Config {
  /** How many things run at once, 1 to 64. */
  readonly workers: number;
  readonly cacheDirectory: string;
  /** Other caches, asked in this order for what the first does not have. */
  readonly readOnlyCacheDirectories: readonly string[];
  readonly workDirectory: string;
  readonly temporaryDirectory: string;
  /** Where files of the Go tool have its definitions; nothing here reads it. */
  readonly configDirectory?: string;
  /** Mirrors in the order to try, by archive address, all without a slash at the end. */
  readonly mirrors: ReadonlyMap<string, readonly string[]>;
  readonly network: NetworkSettings;
  readonly remoteCache: RemoteCacheSettings;
  readonly storage: StorageSettings;
  readonly plugins: readonly PluginSetting[];
  /** Absolute paths of distribution definitions. */
  readonly distros: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFile?: string;
}

/** A plugin that a configuration file lists. */
export interface PluginSetting {
  /** A package name as written; a path (beginning with `.` or `/`) absolute. */
  readonly name: string;
  /** Directory of the file: a package is looked up from there. */
  readonly directory: string;
}

/** What the caches keep. */
export interface StorageSettings {
  readonly packageCache: {
    /** Whether packages of earlier builds are used. */
    readonly enabled: boolean;
    readonly maxSizeBytes: number;
    readonly retentionDays: number;
    /** Whether uncompressed twins of packages that are used again are kept. */
    readonly twins: boolean;
  };
  readonly imageCache: {
    /** Whether images of earlier builds are used. */
    readonly enabled: boolean;
    readonly maxCount: number;
  };
}

/** Servers with results that other machines made. */
export interface RemoteCacheSettings {
  /** Base addresses in the order to ask, without a slash at the end, with their users and passwords. */
  readonly urls: readonly string[];
  /** Absolute paths of public keys; not empty where `urls` is not. */
  readonly trustedKeys: readonly string[];
  /** Where new results go, and the absolute path of the private key that signs them. */
  readonly upload?: { readonly url: string; readonly signingKey: string };
}

/** How patient downloads are. */
export interface NetworkSettings {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Longest wait, in milliseconds, for a connection, for an answer and between two pieces of it. Absent: as the transport thinks best. */
  readonly timeoutMs?: number;
}

/** Where a setting came from, for people: `default`, `environment ICT_WORKERS`, `image-composer-tool.yml:3:1`, `command line`. */
export type ConfigOrigin = string;

/** Settings of the command line; they win over everything. Relative paths count from `cwd`. */
export interface ConfigOverrides {
  readonly workers?: number;
  readonly cacheDirectory?: string;
  readonly readOnlyCacheDirectories?: readonly string[];
  readonly workDirectory?: string;
  readonly temporaryDirectory?: string;
  readonly logLevel?: Config['logLevel'];
  readonly logFile?: string;
}

export interface ConfigOptions extends ConfigSurroundings {
  /** The only file to read; without it the usual places are searched. */
  readonly file?: string;
  /** Whether the caller is root: decides the default cache. Absent: this process. */
  readonly root?: boolean;
  readonly overrides?: ConfigOverrides;
  readonly signal?: AbortSignal;
}

export interface LoadedConfig {
  /** Undefined when `problems` is not empty. */
  readonly config: Config | undefined;
  /** Origin of each setting, by its key in the file: `cache_dir`, `logging.level`. */
  readonly origins: ReadonlyMap<string, ConfigOrigin>;
  /** The files that were read, strongest first. */
  readonly files: readonly string[];
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

/**
 * Settings from, strongest first: the command line, `ICT_*` variables (`configVariables` has their names), the configuration files of
 * project, user and machine, defaults. A setting comes whole from the strongest source that has it; mirrors are laid over each other
 * archive by archive, and lists are joined.
 *
 * @throws `ICT_CONFIG_UNREADABLE` when the named file, or one that exists in the usual places, cannot be read
 */
export async function loadConfig(options: ConfigOptions): Promise<LoadedConfig> {
  const { layers, warnings } = await readConfigLayers(options, options.file, options.signal);
  const settings = new Settings(options, layers);
  const config = settings.read();
  const problems = [...layers.flatMap((layer) => layer.problems), ...settings.problems];
  return {
    config: problems.length === 0 ? config : undefined,
    origins: settings.origins,
    files: layers.map(({ file }) => file),
    problems: orderProblems(problems),
    warnings: [...warnings, ...layers.flatMap(withoutEffect)],
  };
}

function withoutEffect({ positions }: ConfigLayer): ProblemReport[] {
  return WITHOUT_EFFECT.flatMap((key) => {
    const position = positions.keyPositionOf([key]);
    if (position === undefined) return [];
    const message = `the setting "${key}" has no effect`;
    return [problem('ICT_CONFIG_NO_EFFECT', message, { position, snippet: positions.snippet(position), severity: 'warning' })];
  });
}

/**
 * The settings of a configuration without problems.
 *
 * @throws `ICT_CONFIG_INVALID` with all problems otherwise
 */
export function requireConfig(loaded: LoadedConfig): Config {
  if (loaded.config !== undefined) return loaded.config;
  throw templateError('ICT_CONFIG_INVALID', {
    message: `the configuration is not valid: ${countProblems(loaded.problems)}`,
    hint: 'Correct the settings named above.',
    facts: { files: loaded.files },
    problems: loaded.problems,
  });
}

/** A setting in its own type; null for one that is not set and has no default. Maps of mirrors have lists. */
export type ConfigValue = string | number | boolean | null | readonly string[] | Readonly<Record<string, readonly string[]>>;

/** One setting: its key in the file, its value, and where the value came from. */
export interface ConfigRow {
  readonly key: string;
  readonly value: ConfigValue;
  /** The value for people; empty for none. */
  readonly text: string;
  readonly origin: ConfigOrigin;
}

/** What the transport does where the configuration leaves it the choice, in words for people. */
export interface TransportDefaults {
  readonly timeoutMs: string;
}

/**
 * Every setting that is in force, with its origin, in a fixed order, without credentials of addresses. Empty without a valid
 * configuration.
 */
export function describeConfig({ config, origins }: LoadedConfig, transport: TransportDefaults): ConfigRow[] {
  if (config === undefined) return [];
  const { network, remoteCache, storage } = config;
  const values: Readonly<Record<string, ConfigValue | undefined>> = {
    workers: config.workers,
    cache_dir: config.cacheDirectory,
    read_only_cache_dirs: config.readOnlyCacheDirectories,
    work_dir: config.workDirectory,
    temp_dir: config.temporaryDirectory,
    config_dir: config.configDirectory,
    mirrors: Object.fromEntries([...config.mirrors].map(([archive, mirrors]) => [bareAddress(archive), mirrors.map(bareAddress)])),
    'network.retries': network.retries,
    'network.timeout_ms': network.timeoutMs,
    'remote_cache.urls': remoteCache.urls.map(bareAddress),
    'remote_cache.trusted_keys': remoteCache.trustedKeys,
    'remote_cache.upload_url': remoteCache.upload && bareAddress(remoteCache.upload.url),
    'remote_cache.signing_key': remoteCache.upload?.signingKey,
    plugins: config.plugins.map(({ name }) => name),
    distros: config.distros,
    'storage.package_cache.enabled': storage.packageCache.enabled,
    'storage.package_cache.max_size_gb': storage.packageCache.maxSizeBytes / GIB,
    'storage.package_cache.retention_days': storage.packageCache.retentionDays,
    'storage.package_cache.twins': storage.packageCache.twins,
    'storage.image_cache.enabled': storage.imageCache.enabled,
    'storage.image_cache.max_count': storage.imageCache.maxCount,
    'logging.level': config.logLevel,
    'logging.file': config.logFile,
  };
  const unset: Readonly<Record<string, string>> = { 'network.timeout_ms': transport.timeoutMs };
  return [...configKeys.keys()].map((key) => {
    const value = values[key] ?? null;
    return { key, value, text: value === null ? (unset[key] ?? '') : settingText(value), origin: origins.get(key) ?? 'default' };
  });
}

function settingText(value: NonNullable<ConfigValue>): string {
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.join(', ');
  return Object.entries(value as Readonly<Record<string, readonly string[]>>)
    .map(([archive, mirrors]) => `${archive} -> ${mirrors.join(', ')}`)
    .join(', ');
}
