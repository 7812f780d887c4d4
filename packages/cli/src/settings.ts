import { resolve } from 'node:path';
import type { EngineOptions } from '@ict/core';
import { readRegularFile } from '@ict/integrity';
import type { ProblemReport } from '@ict/plugin-api';
import type { Config, ConfigRow, LoadedConfig, RemoteCacheSettings, TransportDefaults } from '@ict/template';
import { describeConfig, loadConfig, requireConfig } from '@ict/template';
import { cliError } from './errors.js';
import type { ConfiguredPlugin } from './plugin-discovery.js';
import type { EngineFlags, GlobalFlags, SettingsFlags } from './flag-types.js';
import type { Session, Surroundings } from './session.js';

/** What flags, environment and configuration file say together. */
export interface Settings {
  readonly engine: Omit<EngineOptions, 'plugins' | 'emit' | 'signal'>;
  /** What is configured of remote caches; an engine has it from `withRemoteCaches`. */
  readonly remoteCache: RemoteCacheSettings;
  readonly plugins: readonly ConfiguredPlugin[];
  readonly logLevel: Config['logLevel'];
  readonly logFile: string | undefined;
  /** False when someone named the work directory, and so answers for it. */
  readonly defaultWorkDirectory: boolean;
  /** Undefined when nobody named one. */
  readonly temporaryDirectory: string | undefined;
  readonly warnings: readonly ProblemReport[];
}

/** The settings as the configuration knows them, each with its origin. */
export interface SettingsReport {
  /** The files that were read, strongest first. */
  readonly files: readonly string[];
  readonly settings: readonly ConfigRow[];
  readonly warnings: readonly ProblemReport[];
}

/** @throws `ICT_CONFIG_*`, `ICT_CLI_FLAG_INVALID` */
export async function resolveSettings(surroundings: Surroundings, flags: EngineFlags): Promise<Settings> {
  const { cwd, env } = surroundings;
  const loaded = await load(surroundings, flags);
  const config = requireConfig(loaded);
  const sourceDateEpoch = readEpoch(env.SOURCE_DATE_EPOCH);
  return {
    engine: {
      cacheDir: config.cacheDirectory,
      readOnlyCacheDirs: config.readOnlyCacheDirectories,
      workDir: config.workDirectory,
      temporaryDir: config.temporaryDirectory,
      workers: config.workers,
      // The first that answers well is used: flags outrank the file.
      mirrors: [
        ...(flags.mirror ?? []).map(({ archive, url }) => ({ archive, url, source: 'flag' as const })),
        ...[...config.mirrors].flatMap(([archive, urls]) => urls.map((url) => ({ archive, url, source: 'config' as const }))),
      ],
      hostSources: flags.hostMirrors,
      distributionFiles: [...config.distros, ...(flags.distroFile ?? []).map((file) => resolve(cwd, file))],
      keyrings: await Promise.all((flags.keyring ?? []).map((file) => readableKeyring(file, cwd))),
      network: config.network,
      variables: { ...(flags.var === undefined ? {} : { given: flags.var }), env },
      offline: flags.offline === true,
      verify: flags.verify ?? 'signature',
      storage: config.storage,
      ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
    },
    remoteCache: config.remoteCache,
    plugins: config.plugins.map(({ name, directory }) => ({ name, base: directory })),
    logLevel: config.logLevel,
    logFile: config.logFile,
    defaultWorkDirectory: !loaded.origins.has('work_dir'),
    temporaryDirectory: loaded.origins.has('temp_dir') ? config.temporaryDirectory : undefined,
    warnings: loaded.warnings,
  };
}

/** The path of a keyring, which is there even if no repository turns out to need it. @throws `ICT_CLI_FLAG_INVALID` */
async function readableKeyring(file: string, cwd: string): Promise<string> {
  const path = resolve(cwd, file);
  try {
    await readRegularFile(path);
  } catch (cause) {
    throw cliError('ICT_CLI_FLAG_INVALID', {
      message: `the keyring ${file} of --keyring cannot be read: ${(cause as Error).message}`,
      hint: 'Name a readable file, or leave out the flag.',
      facts: { flag: '--keyring', file: path },
      cause,
    });
  }
  return path;
}

/** The settings of a command that opens no engine; from now on the session speaks as they say. @throws as {@link resolveSettings} */
export async function takeSettings(session: Session, flags: SettingsFlags): Promise<Settings> {
  const settings = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  await session.configure(settings);
  return settings;
}

/** @throws `ICT_CONFIG_*` */
export async function describeSettings(
  surroundings: Surroundings,
  flags: SettingsFlags,
  transport: TransportDefaults,
): Promise<SettingsReport> {
  const loaded = await load(surroundings, flags);
  requireConfig(loaded);
  return { files: loaded.files, settings: describeConfig(loaded, transport), warnings: loaded.warnings };
}

function load({ env, cwd, home, uid }: Surroundings, flags: SettingsFlags): Promise<LoadedConfig> {
  const { workers, cacheDir, readOnlyCacheDir, workDir, tempDir, logFile, config } = flags;
  const logLevel = chosenLevel(flags);
  return loadConfig({
    env,
    cwd,
    home,
    root: uid === 0,
    ...(config === undefined ? {} : { file: config }),
    overrides: {
      ...(workers === undefined ? {} : { workers }),
      ...(cacheDir === undefined ? {} : { cacheDirectory: cacheDir }),
      ...(readOnlyCacheDir === undefined ? {} : { readOnlyCacheDirectories: readOnlyCacheDir }),
      ...(workDir === undefined ? {} : { workDirectory: workDir }),
      ...(tempDir === undefined ? {} : { temporaryDirectory: tempDir }),
      ...(logLevel === undefined ? {} : { logLevel }),
      ...(logFile === undefined ? {} : { logFile }),
    },
  });
}

/** The level that flags ask for, if they do: `--log-level` is the most exact. */
export function chosenLevel(flags: Pick<GlobalFlags, 'logLevel' | 'verbose' | 'quiet'>): Config['logLevel'] | undefined {
  return flags.logLevel ?? (flags.verbose === true ? 'debug' : flags.quiet === true ? 'warn' : undefined);
}

/** @see https://reproducible-builds.org/specs/source-date-epoch/ */
function readEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw cliError('ICT_CLI_FLAG_INVALID', {
    message: 'SOURCE_DATE_EPOCH is not a whole number of seconds since 1970',
    hint: 'Unset it, or set it to a number such as 1756684800.',
    facts: { flag: 'SOURCE_DATE_EPOCH' },
  });
}
