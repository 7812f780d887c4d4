import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ProblemReport } from '@ict/plugin-api';
import { compiled } from './compiled-validator.js';
import { templateError } from './errors.js';
import type { Path } from './path.js';
import { orderProblems, problem, summarize } from './problem.js';
import type { ConfigFile } from './schema/config.js';
import { type DocumentPositions, parseYaml } from './yaml-document.js';

/** Settings of one run, every path absolute. */
export interface Config {
  /** How many things run at once, 1 to 64. */
  readonly workers: number;
  readonly cacheDirectory: string;
  readonly workDirectory: string;
  readonly temporaryDirectory: string;
  /** Mirror address by archive address, both without a slash at the end. */
  readonly mirrors: ReadonlyMap<string, string>;
  readonly network: NetworkSettings;
  /** Package names as written; paths (beginning with `.` or `/`) absolute. */
  readonly plugins: readonly string[];
  /** Absolute paths of distribution definitions. */
  readonly distros: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFile?: string;
}

/** How patient downloads are; what is absent is left to the transport. */
export interface NetworkSettings {
  /** Attempts after the first one. */
  readonly retries?: number;
  /** Longest wait, in milliseconds, for a connection, for an answer and between two pieces of it. */
  readonly timeoutMs?: number;
}

/** Where a setting came from, for people: `default`, `environment ICT_WORKERS`, `image-composer-tool.yml:3:1`, `command line`. */
export type ConfigOrigin = string;

/** Settings of the command line; they win over everything. Relative paths count from `cwd`. */
export interface ConfigOverrides {
  readonly workers?: number;
  readonly cacheDirectory?: string;
  readonly workDirectory?: string;
  readonly temporaryDirectory?: string;
  readonly logLevel?: Config['logLevel'];
  readonly logFile?: string;
}

export interface ConfigOptions {
  /** The file to read; without it the usual places are searched. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Whether the caller is root: decides the default cache. Absent: this process. */
  readonly root?: boolean;
  /** Directory of the machine's configuration. Absent: /etc/image-composer-tool. */
  readonly systemDirectory?: string;
  readonly overrides?: ConfigOverrides;
  readonly signal?: AbortSignal;
}

export interface LoadedConfig {
  /** Undefined when `problems` is not empty. */
  readonly config: Config | undefined;
  /** Origin of each setting, by its key in the file: `cache_dir`, `logging.level`. */
  readonly origins: ReadonlyMap<string, ConfigOrigin>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

const configValidator = compiled('config');

/** The places where a configuration file is looked for, first to last. Only the first that exists is read. */
export function configCandidates(options: Pick<ConfigOptions, 'cwd' | 'home' | 'systemDirectory'>): string[] {
  const { cwd, home, systemDirectory = '/etc/image-composer-tool' } = options;
  const here = ['image-composer-tool.yml', '.image-composer-tool.yml', 'image-composer-tool.yaml', '.image-composer-tool.yaml'];
  const directories = [path.join(home, '.image-composer-tool'), path.join(home, '.config', 'image-composer-tool'), systemDirectory];
  return [
    ...here.map((name) => path.join(cwd, name)),
    ...directories.flatMap((one) => ['config.yml', 'config.yaml'].map((name) => path.join(one, name))),
  ];
}

/**
 * Settings from, strongest first: the command line, `ICT_*` variables, the configuration file, defaults.
 *
 * Variables: `ICT_WORKERS`, `ICT_CACHE_DIR`, `ICT_WORK_DIR`, `ICT_TEMP_DIR`, `ICT_FETCH_RETRIES`, `ICT_FETCH_TIMEOUT_MS`; an empty
 * one counts as not set.
 *
 * @throws `ICT_CONFIG_UNREADABLE` when the named file, or one that exists in the usual places, cannot be read
 */
export async function loadConfig(options: ConfigOptions): Promise<LoadedConfig> {
  const found = await readConfigFile(options);
  const problems: ProblemReport[] = [];
  const warnings: ProblemReport[] = [];
  let content: ConfigFile = {};
  let positions: DocumentPositions | undefined;
  if (found !== undefined) {
    const parsed = parseYaml(found.text, found.file);
    positions = parsed.positions;
    problems.push(...parsed.problems);
    // A file with nothing but comments sets nothing.
    const data = parsed.data ?? {};
    if (parsed.problems.length === 0) problems.push(...configValidator().check(data, 'configuration', positions));
    if (problems.length === 0) content = data as ConfigFile;
  }
  for (const key of ['config_dir', 'ai'] as const) {
    if (content[key] === undefined) continue;
    const position = positions?.keyPositionOf([key]);
    const details = position === undefined ? {} : { position, snippet: positions?.snippet(position) ?? '' };
    warnings.push(problem('ICT_CONFIG_NO_EFFECT', `the setting "${key}" has no effect`, { ...details, severity: 'warning' }));
  }
  const settings = new Settings(options, content, found?.file, positions);
  const config = settings.read();
  problems.push(...settings.problems);
  return {
    config: problems.length === 0 ? config : undefined,
    origins: settings.origins,
    file: found?.file,
    problems: orderProblems(problems),
    warnings,
  };
}

/**
 * The settings of a configuration without problems.
 *
 * @throws `ICT_CONFIG_INVALID` with all problems otherwise
 */
export function requireConfig(loaded: LoadedConfig): Config {
  if (loaded.config !== undefined) return loaded.config;
  throw templateError('ICT_CONFIG_INVALID', {
    message: `the configuration is not valid:\n${summarize(loaded.problems)}`,
    hint: 'Correct the marked places.',
    facts: { file: loaded.file ?? null },
    problems: loaded.problems,
  });
}

/** One setting for people: its key in the file, its value, and where the value came from. */
export interface ConfigRow {
  readonly key: string;
  readonly value: string;
  readonly origin: ConfigOrigin;
}

/** An address without user and password. */
function withoutCredentials(address: string): string {
  return address.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/@]*@/, '$1');
}

/** What the transport does where the configuration leaves it the choice, in words for people. */
export type TransportDefaults = Readonly<Record<keyof NetworkSettings, string>>;

/**
 * Every setting that is in force, with its origin, in a fixed order, without credentials of addresses. Empty without a valid
 * configuration.
 */
export function describeConfig({ config, origins }: LoadedConfig, transport: TransportDefaults): ConfigRow[] {
  if (config === undefined) return [];
  const row = (key: string, value: string): ConfigRow => ({ key, value, origin: origins.get(key) ?? 'default' });
  return [
    row('workers', String(config.workers)),
    row('cache_dir', config.cacheDirectory),
    row('work_dir', config.workDirectory),
    row('temp_dir', config.temporaryDirectory),
    row('mirrors', [...config.mirrors].map(([archive, mirror]) => `${archive} -> ${withoutCredentials(mirror)}`).join(', ')),
    row('network.retries', String(config.network.retries ?? transport.retries)),
    row('network.timeout_ms', String(config.network.timeoutMs ?? transport.timeoutMs)),
    row('plugins', config.plugins.join(', ')),
    row('distros', config.distros.join(', ')),
    row('logging.level', config.logLevel),
    row('logging.file', config.logFile ?? ''),
  ];
}

async function readConfigFile(options: ConfigOptions): Promise<{ readonly file: string; readonly text: string } | undefined> {
  const named = options.file === undefined ? undefined : path.resolve(options.cwd, options.file);
  for (const file of named === undefined ? configCandidates(options) : [named]) {
    try {
      const bytes = await readFile(file, { ...(options.signal === undefined ? {} : { signal: options.signal }) });
      return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch (cause) {
      options.signal?.throwIfAborted();
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      if (named === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) continue;
      const why = code === 'ENOENT' ? 'it does not exist' : code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : code;
      throw templateError('ICT_CONFIG_UNREADABLE', {
        message: `cannot read the configuration ${file}: ${why}`,
        hint: 'Give the path of a readable YAML file, or remove it.',
        facts: { file },
        cause,
      });
    }
  }
  return undefined;
}

/** Picks each setting from the strongest source that has it, and remembers which that was. */
class Settings {
  readonly origins = new Map<string, ConfigOrigin>();
  readonly problems: ProblemReport[] = [];
  private readonly options: ConfigOptions;
  private readonly content: ConfigFile;
  private readonly directory: string;
  private readonly positions: DocumentPositions | undefined;

  constructor(options: ConfigOptions, content: ConfigFile, file: string | undefined, positions: DocumentPositions | undefined) {
    this.options = options;
    this.content = content;
    this.directory = file === undefined ? options.cwd : path.dirname(file);
    this.positions = positions;
  }

  read(): Config {
    const { overrides = {} } = this.options;
    const { mirrors = {}, network = {}, plugins = [], distros = [], logging = {} } = this.content;
    const cacheDirectory = this.directoryOf('cache_dir', 'ICT_CACHE_DIR', overrides.cacheDirectory, this.defaultCache());
    const logFile = this.optionalLogFile(overrides.logFile, logging.file);
    for (const key of ['mirrors', 'plugins', 'distros'] as const) if (this.content[key] !== undefined) this.fromFile([key], key);
    if (overrides.logLevel !== undefined) this.origins.set('logging.level', 'command line');
    else if (logging.level !== undefined) this.fromFile(['logging', 'level'], 'logging.level');
    const retries = this.whole(['network', 'retries'], 'ICT_FETCH_RETRIES', [0, 100], undefined, network.retries);
    const timeoutMs = this.whole(['network', 'timeout_ms'], 'ICT_FETCH_TIMEOUT_MS', [100, 3_600_000], undefined, network.timeout_ms);
    const bare = (url: string): string => url.replace(/\/+$/, '');
    return {
      workers: this.whole(['workers'], 'ICT_WORKERS', [1, 64], overrides.workers, this.content.workers) ?? 16,
      cacheDirectory,
      workDirectory: this.directoryOf('work_dir', 'ICT_WORK_DIR', overrides.workDirectory, '/var/tmp/image-composer-tool'),
      temporaryDirectory: this.directoryOf(
        'temp_dir',
        'ICT_TEMP_DIR',
        overrides.temporaryDirectory,
        path.join(cacheDirectory, '.ict', 'tmp'),
      ),
      mirrors: new Map(Object.entries(mirrors).map(([archive, mirror]) => [bare(archive), bare(mirror)])),
      network: { ...(retries === undefined ? {} : { retries }), ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      plugins: plugins.map((plugin) => (/^(?:\.{0,2}\/|\.{1,2}$)/.test(plugin) ? path.resolve(this.directory, plugin) : plugin)),
      distros: distros.map((file) => path.resolve(this.directory, file)),
      logLevel: overrides.logLevel ?? logging.level ?? 'info',
      ...(logFile === undefined ? {} : { logFile }),
    };
  }

  /** /var/cache for root; else the user's cache directory, where an XDG variable counts only when absolute, as its rule says. */
  private defaultCache(): string {
    const { env, home, root = process.getuid?.() === 0 } = this.options;
    if (root) return '/var/cache/image-composer-tool';
    const xdg = env['XDG_CACHE_HOME'];
    return path.join(xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.cache'), 'image-composer-tool');
  }

  private fromFile(at: Path, key: string): void {
    const position = this.positions?.keyPositionOf(at);
    this.origins.set(key, position === undefined ? 'configuration' : `${position.file}:${position.line}:${position.column}`);
  }

  private directoryOf(
    key: 'cache_dir' | 'work_dir' | 'temp_dir',
    variable: string,
    override: string | undefined,
    otherwise: string,
  ): string {
    const { cwd, env } = this.options;
    const fromEnvironment = env[variable];
    const inFile = this.content[key];
    if (override !== undefined) {
      this.origins.set(key, 'command line');
      return path.resolve(cwd, override);
    }
    if (fromEnvironment !== undefined && fromEnvironment !== '') {
      this.origins.set(key, `environment ${variable}`);
      if (/\p{Cc}/u.test(fromEnvironment))
        this.problems.push(problem('ICT_CONFIG_ENVIRONMENT', `${variable} contains a control character`));
      return path.resolve(cwd, fromEnvironment);
    }
    if (inFile !== undefined && inFile !== '') {
      this.fromFile([key], key);
      return path.resolve(this.directory, inFile);
    }
    return otherwise;
  }

  private optionalLogFile(override: string | undefined, inFile: string | undefined): string | undefined {
    if (override !== undefined) {
      this.origins.set('logging.file', 'command line');
      return path.resolve(this.options.cwd, override);
    }
    if (inFile === undefined || inFile === '') return undefined;
    this.fromFile(['logging', 'file'], 'logging.file');
    return path.resolve(this.directory, inFile);
  }

  /** A whole number from the command line, a variable or the file, whose schema knows the same bounds. */
  private whole(
    at: readonly string[],
    variable: string,
    bounds: readonly [number, number],
    override: number | undefined,
    inFile: number | undefined,
  ): number | undefined {
    const key = at.join('.');
    const fromEnvironment = this.options.env[variable];
    if (override !== undefined) {
      this.origins.set(key, 'command line');
      return this.checkWhole(override, String(override), `the setting "${key}"`, bounds);
    }
    if (fromEnvironment !== undefined && fromEnvironment !== '') {
      this.origins.set(key, `environment ${variable}`);
      return this.checkWhole(/^[0-9]{1,9}$/.test(fromEnvironment) ? Number(fromEnvironment) : NaN, fromEnvironment, variable, bounds);
    }
    if (inFile !== undefined) this.fromFile(at, key);
    return inFile;
  }

  private checkWhole(value: number, text: string, what: string, [minimum, maximum]: readonly [number, number]): number {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      this.problems.push(
        problem('ICT_CONFIG_ENVIRONMENT', `${what} is ${JSON.stringify(text)}; it must be a whole number from ${minimum} to ${maximum}`),
      );
    }
    return value;
  }
}
