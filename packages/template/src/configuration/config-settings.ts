import path from 'node:path';
import { bareAddress, withoutCredentials, type ProblemReport, type SourcePosition } from '@ict/plugin-api';
import type { Config, ConfigOptions, ConfigOrigin, RemoteCacheSettings, StorageSettings } from './config.js';
import { configKeys, configVariables, readSettingWords, type SettingSchema } from './config-keys.js';
import { checkSetting, type ConfigLayer } from './config-places.js';
import { formats } from '../format.js';
import { problem } from '../problems/problem.js';
import { GIB } from '../sections/size.js';

/** One setting in one source. */
interface Found {
  readonly value: unknown;
  /** Directory that relative paths count from. */
  readonly directory: string;
  readonly origin: ConfigOrigin;
  /** Where a file says it. */
  readonly position?: SourcePosition;
}

/** Picks each setting from the strongest source that has it, and remembers which that was. */
export class Settings {
  readonly origins = new Map<string, ConfigOrigin>();
  readonly problems: ProblemReport[] = [];
  private readonly options: ConfigOptions;
  private readonly layers: readonly ConfigLayer[];
  private readonly overrides: ReadonlyMap<string, unknown>;

  /** @param layers strongest first */
  constructor(options: ConfigOptions, layers: readonly ConfigLayer[]) {
    const { overrides = {} } = options;
    this.options = options;
    this.layers = layers;
    this.overrides = new Map<string, unknown>([
      ['workers', overrides.workers],
      ['cache_dir', overrides.cacheDirectory],
      ['read_only_cache_dirs', overrides.readOnlyCacheDirectories],
      ['work_dir', overrides.workDirectory],
      ['temp_dir', overrides.temporaryDirectory],
      ['logging.level', overrides.logLevel],
      ['logging.file', overrides.logFile],
    ]);
  }

  read(): Config {
    const cacheDirectory = this.path('cache_dir') ?? this.defaultCache();
    const logFile = this.path('logging.file');
    const configDirectory = this.path('config_dir');
    const timeoutMs = this.value<number>('network.timeout_ms');
    return {
      workers: this.settled<number>('workers'),
      cacheDirectory,
      readOnlyCacheDirectories: this.paths('read_only_cache_dirs'),
      workDirectory: this.path('work_dir') ?? this.defaultOf<string>('work_dir'),
      temporaryDirectory: this.path('temp_dir') ?? path.join(cacheDirectory, '.ict', 'tmp'),
      ...(configDirectory === undefined ? {} : { configDirectory }),
      mirrors: this.mirrors(),
      network: { retries: this.settled('network.retries'), ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      remoteCache: this.remoteCache(),
      storage: this.storage(),
      plugins: this.list('plugins').map(({ value, directory }) => ({
        name: /^(?:(?:\.{0,2}|~)\/|\.{1,2}$)/.test(value) ? this.absolute(directory, value) : value,
        directory,
      })),
      distros: this.list('distros').map(({ value, directory }) => this.absolute(directory, value)),
      logLevel: this.settled('logging.level'),
      ...(logFile === undefined ? {} : { logFile }),
    };
  }

  private remoteCache(): RemoteCacheSettings {
    const key = (name: string): string => `remote_cache.${name}`;
    const urls = this.addresses(key('urls'));
    const trustedKeys = this.paths(key('trusted_keys'));
    const uploadUrl = this.value<string>(key('upload_url'));
    const signingKey = this.path(key('signing_key'));
    if (urls.length > 0 && trustedKeys.length === 0)
      this.incomplete(key('urls'), key('trusted_keys'), 'nothing is used that no trusted key signed');
    if (uploadUrl !== undefined && signingKey !== undefined) {
      return { urls, trustedKeys, upload: { url: withoutSlash(uploadUrl), signingKey } };
    }
    if (uploadUrl !== undefined) this.incomplete(key('upload_url'), key('signing_key'), 'what is uploaded has to be signed');
    if (signingKey !== undefined) this.incomplete(key('signing_key'), key('upload_url'), 'nothing else is signed than uploads');
    return { urls, trustedKeys };
  }

  /** Says that a setting is of no use without another one, where no mistake of a file can be why that one is not there. */
  private incomplete(key: string, missing: string, why: string): void {
    if (this.layers.some(({ problems }) => problems.length > 0)) return;
    const position = this.sources(key)[0]?.position;
    const hint = `Set ${missing} or ${configVariables.get(missing)} as well.`;
    const details = { hint, ...(position === undefined ? {} : { position }) };
    this.problems.push(problem('ICT_CONFIG_INCOMPLETE', `${key} is set, and ${missing} is not: ${why}`, details));
  }

  private storage(): StorageSettings {
    return {
      packageCache: {
        enabled: this.settled('storage.package_cache.enabled'),
        maxSizeBytes: this.settled<number>('storage.package_cache.max_size_gb') * GIB,
        retentionDays: this.settled('storage.package_cache.retention_days'),
        twins: this.settled('storage.package_cache.twins'),
      },
      imageCache: {
        enabled: this.settled('storage.image_cache.enabled'),
        maxCount: this.settled('storage.image_cache.max_count'),
      },
    };
  }

  /** /var/cache for root; else the user's cache directory, where an XDG variable counts only when absolute, as its rule says. */
  private defaultCache(): string {
    const { env, home, root = process.getuid?.() === 0 } = this.options;
    if (root) return '/var/cache/image-composer-tool';
    const xdg = env['XDG_CACHE_HOME'];
    return path.join(xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.cache'), 'image-composer-tool');
  }

  /** The strongest value. The caller knows its type from the schema, which every source was checked against. */
  private value<T>(key: string): T | undefined {
    const [found] = this.sources(key);
    if (found !== undefined) this.origins.set(key, found.origin);
    return found?.value as T | undefined;
  }

  /** The strongest value, else the default of the schema. */
  private settled<T>(key: string): T {
    return this.value<T>(key) ?? this.defaultOf<T>(key);
  }

  private defaultOf<T>(key: string): T {
    return this.schemaOf(key).default as T;
  }

  /** The strongest value that is not empty, as an absolute path. */
  private path(key: string): string | undefined {
    const found = this.sources(key).find(({ value }) => value !== '');
    if (found === undefined) return undefined;
    this.origins.set(key, found.origin);
    return this.absolute(found.directory, found.value as string);
  }

  /** A path from a directory; `~/` is the home directory, as in a shell, which does not read files and leaves `--flag=~/x` as it is. */
  private absolute(directory: string, text: string): string {
    return path.resolve(
      directory,
      text.replace(/^~(?=\/|$)/, () => this.options.home),
    );
  }

  /** Lists of all sources joined, the strongest first, as absolute paths; each once. */
  private paths(key: string): readonly string[] {
    const sources = this.sources(key);
    this.joinOrigins(key, sources);
    return [
      ...new Set(sources.flatMap(({ value, directory }) => (value as readonly string[]).map((word) => this.absolute(directory, word)))),
    ];
  }

  /** Addresses of all sources joined, the strongest first, without a slash at the end; each once. */
  private addresses(key: string): readonly string[] {
    const sources = this.sources(key);
    this.joinOrigins(key, sources);
    return [...new Set(sources.flatMap(({ value }) => (value as readonly string[]).map(withoutSlash)))];
  }

  /** Lists of all sources joined, the weakest first; each word once. */
  private list(key: string): { readonly value: string; readonly directory: string }[] {
    const sources = this.sources(key).toReversed();
    this.joinOrigins(key, sources);
    return sources.flatMap(({ value, directory }) => (value as readonly string[]).map((word) => ({ value: word, directory })));
  }

  /** Maps of all sources laid over each other: for one archive the strongest source counts, and comes first. */
  private mirrors(): ReadonlyMap<string, readonly string[]> {
    const sources = this.sources('mirrors');
    this.joinOrigins('mirrors', sources);
    const mirrors = new Map<string, readonly string[]>();
    for (const { value } of sources) {
      for (const [archive, mirror] of Object.entries(value as Readonly<Record<string, string | readonly string[]>>)) {
        if (!mirrors.has(withoutSlash(archive))) mirrors.set(withoutSlash(archive), [mirror].flat().map(withoutSlash));
      }
    }
    return mirrors;
  }

  private joinOrigins(key: string, sources: readonly Found[]): void {
    if (sources.length > 0) this.origins.set(key, sources.map(({ origin }) => origin).join(', '));
  }

  /** Every source that has a setting, strongest first: command line, environment, files. */
  private sources(key: string): Found[] {
    const { cwd } = this.options;
    const found: Found[] = [];
    const override = this.overrides.get(key);
    if (override !== undefined) {
      this.check(key, override, `the setting "${key}"`);
      found.push({ value: override, directory: cwd, origin: 'command line' });
    }
    const variable = configVariables.get(key);
    const text = variable === undefined ? undefined : this.options.env[variable];
    if (variable !== undefined && text !== undefined && text !== '') {
      const value = readSettingWords(this.schemaOf(key), wordsOf(text, this.schemaOf(key)));
      this.check(key, value, variable);
      found.push({ value, directory: cwd, origin: `environment ${variable}` });
    }
    const at = key.split('.');
    for (const { content, file, positions } of this.layers) {
      const value = at.reduce<unknown>((group, name) => (group as Readonly<Record<string, unknown>> | undefined)?.[name], content);
      if (value === undefined) continue;
      const position = positions.keyPositionOf(at);
      const origin = position === undefined ? file : `${position.file}:${position.line}:${position.column}`;
      found.push({ value, directory: path.dirname(file), origin, ...(position === undefined ? {} : { position }) });
    }
    return found;
  }

  /** Holds a value from outside a file to the schema of its setting, which has checked those in files already. */
  private check(key: string, value: unknown, what: string): void {
    if (typeof value === 'string' && /\p{Cc}/u.test(value))
      this.problems.push(problem('ICT_CONFIG_ENVIRONMENT', `${what} contains a control character`));
    const schema = this.schemaOf(key);
    if (checkSetting(key.split('.'), value).length === 0) return;
    const message = `${what} is ${withoutCredentials(JSON.stringify(spoken(value, schema)))}; it must be ${expected(schema)}`;
    this.problems.push(problem('ICT_CONFIG_ENVIRONMENT', message));
  }

  private schemaOf(key: string): SettingSchema {
    return configKeys.get(key) as SettingSchema;
  }
}

/** The words of a variable: pairs of a map and addresses of a list have blanks between them, files colons, and the rest is one word. */
function wordsOf(text: string, { type, items }: SettingSchema): readonly string[] {
  if (type !== 'object' && type !== 'array') return [text];
  return text.split(type === 'object' || items?.format !== undefined ? /\s+/ : ':').filter((word) => word !== '');
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** A value as its user wrote it, addresses without users and passwords. */
function spoken(value: unknown, { format, items }: Pick<SettingSchema, 'format' | 'items'>): string {
  if (Array.isArray(value)) {
    // Together first: a password with a blank in it is in two words.
    const words = withoutCredentials(JSON.stringify(value.join(' ')))
      .slice(1, -1)
      .split(' ');
    return words.map((word) => spoken(word, { ...items })).join(' ');
  }
  if (format !== undefined) return bareAddress(String(value));
  if (typeof value !== 'object') return String(value);
  return Object.entries(value as Readonly<Record<string, unknown>>)
    .flatMap(([archive, mirrors]) => [mirrors].flat().map((mirror) => (mirror === '' ? archive : `${archive}=${String(mirror)}`)))
    .join(' ');
}

function expected({ type, minimum, maximum, enum: words, format, items }: SettingSchema): string {
  const address = formats[format ?? items?.format ?? '']?.expected;
  if (address !== undefined) return format === undefined ? `words with blanks between them, each ${address}` : address;
  if (words !== undefined) return `one of: ${words.join(', ')}`;
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`;
  if (type === 'boolean') return 'true or false';
  return type === 'object' ? 'ARCHIVE=URL words with blanks between them' : 'text';
}
