import { access } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from '@ict/integrity';
import { hasCode, type ProblemReport } from '@ict/plugin-api';
import { compiled } from '../validation/compiled-validator.js';
import { templateError } from '../errors.js';
import { problem } from '../problems/problem.js';
import { type ConfigFile, configSchema } from '../schema/config.js';
import { whyUnreadable } from '../documents/unreadable-file.js';
import { type DocumentPositions, MAX_BYTES, parseYaml } from '../documents/yaml-document.js';

/** Whose settings a file holds, strongest first; `named` is the file of `--config`, which stands in for all others. */
export const configScopes = ['project', 'user', 'system'] as const;
export type ConfigScope = (typeof configScopes)[number];

/** Where configuration files are looked for. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Directory of the machine's configuration. Absent: /etc/image-composer-tool. */
  readonly systemDirectory?: string;
}

/** One configuration file that was read. */
export interface ConfigLayer {
  readonly scope: ConfigScope | 'named';
  readonly file: string;
  /** What it sets; nothing when it has problems. */
  readonly content: ConfigFile;
  readonly positions: DocumentPositions;
  readonly problems: readonly ProblemReport[];
}

const configValidator = compiled('config', configSchema);

/** The names that the configuration file of a scope may have, first to last: only the first that exists is read. Absolute. */
export function configCandidates(options: ConfigSurroundings): Readonly<Record<ConfigScope, readonly string[]>> {
  const { env, cwd, home, systemDirectory = '/etc/image-composer-tool' } = options;
  const xdg = env['XDG_CONFIG_HOME'];
  const config = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.config');
  const inside = (directory: string): string[] => ['config.yml', 'config.yaml'].map((name) => path.join(directory, name));
  return {
    project: ['image-composer-tool.yml', '.image-composer-tool.yml', 'image-composer-tool.yaml', '.image-composer-tool.yaml'].map((name) =>
      path.join(cwd, name),
    ),
    user: [...inside(path.join(home, '.image-composer-tool')), ...inside(path.join(config, 'image-composer-tool'))],
    system: inside(systemDirectory),
  };
}

/** The file that a scope's settings are written to: the one that is read, else the usual name of a new one. */
export async function configFileOf(scope: ConfigScope, options: ConfigSurroundings): Promise<string> {
  const candidates = configCandidates(options)[scope];
  for (const candidate of candidates) if (await exists(candidate)) return candidate;
  const [first] = scope === 'user' ? candidates.slice(2) : candidates;
  return first as string;
}

/** What is wrong with settings that no file holds: `at` is the path of the one that `value` is for. */
export function checkSetting(at: readonly string[], value: unknown): readonly ProblemReport[] {
  return configValidator().check(
    at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
    'configuration',
  );
}

/** Reads the text of a configuration file, without looking at any disk: nothing but comments sets nothing. */
export function parseConfig(text: string, file: string, scope: ConfigLayer['scope']): ConfigLayer {
  const { data, positions, problems } = parseYaml(text, file);
  const content = data ?? {};
  const found = problems.length > 0 ? problems : configValidator().check(content, 'configuration', positions);
  return { scope, file, content: found.length === 0 ? content : {}, positions, problems: found };
}

/**
 * The configuration files that count, strongest first, and a warning for each that another one hides.
 *
 * @param named the only file to read, when the user names one
 * @throws `ICT_CONFIG_UNREADABLE` when the named file, or one that exists in the usual places, cannot be read
 */
export async function readConfigLayers(
  options: ConfigSurroundings,
  named: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly layers: readonly ConfigLayer[]; readonly warnings: readonly ProblemReport[] }> {
  if (named !== undefined) {
    const file = path.resolve(options.cwd, named);
    const text = await readText(file, signal);
    if (text === undefined) throw unreadable(file, 'it does not exist');
    return { layers: [parseConfig(text, file, 'named')], warnings: [] };
  }
  const layers: ConfigLayer[] = [];
  const warnings: ProblemReport[] = [];
  const candidates = configCandidates(options);
  for (const scope of configScopes) {
    let read: string | undefined;
    for (const file of candidates[scope]) {
      if (read !== undefined) {
        if (await exists(file)) {
          const hint = 'Join the two files, or remove one.';
          warnings.push(problem('ICT_CONFIG_HIDDEN', `${file} is not read: ${read} stands before it`, { hint, severity: 'warning' }));
        }
        continue;
      }
      const text = await readText(file, signal);
      if (text === undefined) continue;
      read = file;
      layers.push(parseConfig(text, file, scope));
    }
  }
  return { layers, warnings };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The text of a file; undefined when there is none. */
async function readText(file: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const bytes = await readBounded(file, MAX_BYTES, signal);
    if (bytes.length > MAX_BYTES) throw unreadable(file, `it has more than ${MAX_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    signal?.throwIfAborted();
    if (hasCode(cause, 'ICT_CONFIG_UNREADABLE')) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(file, code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : whyUnreadable(cause), cause);
  }
}

function unreadable(file: string, why: string, cause?: unknown): Error {
  return templateError('ICT_CONFIG_UNREADABLE', {
    message: `cannot read the configuration ${file}: ${why}`,
    hint: 'Give the path of a readable YAML file, or remove it.',
    facts: { file },
    cause,
  });
}
