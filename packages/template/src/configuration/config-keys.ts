import { nearest } from '../problems/nearest.js';
import { templateError } from '../errors.js';
import { configSchema } from '../schema/config.js';

/** What a setting may hold, from the schema. */
export type SettingSchema = {
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description: string;
  readonly examples: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly items?: { readonly type: 'string'; readonly format?: string };
  readonly properties?: Readonly<Record<string, SettingSchema>>;
};

/** Keys that are accepted for files of the Go tool, and do nothing. */
export const WITHOUT_EFFECT = ['config_dir', 'ai'] as const;
/** What of that is no setting: a whole section whose keys nobody knows. */
const NO_SETTING = 'ai';

/** Every setting by its key (`logging.level`), in the order of the schema; groups are not settings. */
export const configKeys: ReadonlyMap<string, SettingSchema> = new Map(settingsBelow(configSchema.properties, ''));

function settingsBelow(properties: Readonly<Record<string, SettingSchema>>, prefix: string): [string, SettingSchema][] {
  return Object.entries(properties).flatMap(([name, schema]): [string, SettingSchema][] => {
    if (name === NO_SETTING) return [];
    return schema.properties === undefined ? [[prefix + name, schema]] : settingsBelow(schema.properties, `${prefix}${name}.`);
  });
}

/**
 * The environment variable of a setting, by its key. An empty variable counts as not set. `mirrors` takes `ARCHIVE=URL` pairs with
 * blanks between them, a list of addresses has blanks too, a list of files or directories has colons between them, as `PATH` has.
 */
export const configVariables: ReadonlyMap<string, string> = new Map([
  ['workers', 'ICT_WORKERS'],
  ['cache_dir', 'ICT_CACHE_DIR'],
  ['read_only_cache_dirs', 'ICT_READ_ONLY_CACHE_DIRS'],
  ['work_dir', 'ICT_WORK_DIR'],
  ['temp_dir', 'ICT_TEMP_DIR'],
  ['mirrors', 'ICT_MIRRORS'],
  ['network.retries', 'ICT_FETCH_RETRIES'],
  ['network.timeout_ms', 'ICT_FETCH_TIMEOUT_MS'],
  ['remote_cache.urls', 'ICT_REMOTE_CACHE_URLS'],
  ['remote_cache.trusted_keys', 'ICT_REMOTE_CACHE_TRUSTED_KEYS'],
  ['remote_cache.upload_url', 'ICT_REMOTE_CACHE_UPLOAD_URL'],
  ['remote_cache.signing_key', 'ICT_REMOTE_CACHE_SIGNING_KEY'],
  ['storage.package_cache.enabled', 'ICT_PACKAGE_CACHE_ENABLED'],
  ['storage.package_cache.max_size_gb', 'ICT_PACKAGE_CACHE_MAX_SIZE_GB'],
  ['storage.package_cache.retention_days', 'ICT_PACKAGE_CACHE_RETENTION_DAYS'],
  ['storage.package_cache.twins', 'ICT_PACKAGE_CACHE_TWINS'],
  ['storage.image_cache.enabled', 'ICT_IMAGE_CACHE_ENABLED'],
  ['storage.image_cache.max_count', 'ICT_IMAGE_CACHE_MAX_COUNT'],
  ['logging.level', 'ICT_LOG_LEVEL'],
  ['logging.file', 'ICT_LOG_FILE'],
]);

/**
 * What a setting may hold.
 *
 * @throws `ICT_CONFIG_KEY` for a word that is no setting
 */
export function requireConfigKey(key: string): SettingSchema {
  const schema = configKeys.get(key);
  if (schema !== undefined) return schema;
  const near = nearest(key, [...configKeys.keys()]);
  throw templateError('ICT_CONFIG_KEY', {
    message: `there is no setting "${key}"`,
    hint: near === undefined ? `The settings are: ${[...configKeys.keys()].join(', ')}.` : `Did you mean "${near}"?`,
    facts: { key },
  });
}

/**
 * A value written as words on a command line or in a variable, in the type of its setting: one word for a text, number, or true
 * or false; any number for a list; `KEY=VALUE` words for a map, where a key that is there twice gets a list. What has another form stays
 * text, for the schema to refuse.
 */
export function readSettingWords(schema: SettingSchema, words: readonly string[]): unknown {
  if (schema.type === 'array') return words;
  if (schema.type === 'object') {
    const pairs = words.map((word): readonly [string, string] => {
      // An address may itself hold "=": the one before the second address separates.
      const at = word.search(/=(?=[A-Za-z][A-Za-z0-9+.-]*:\/\/)/);
      return at === -1 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    });
    const values = Map.groupBy(pairs, ([name]) => name);
    return Object.fromEntries(
      Array.from(values, ([name, list]) => {
        const [first, ...others] = list.map(([, value]) => value);
        return [name, others.length === 0 ? first : [first, ...others]];
      }),
    );
  }
  const text = words.join(' ');
  if (schema.type === 'integer' && /^-?[0-9]{1,15}$/.test(text)) return Number(text);
  if (schema.type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true';
  return text;
}
