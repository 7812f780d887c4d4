import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNoFile, readRegularFile } from '@ict/integrity';
import { remoteCacheError } from '../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings by their names in small letters. */
export type AwsSection = ReadonlyMap<string, string>;

/** What the files of AWS's own tools say of a profile; a section that is not there is empty. */
export interface AwsProfile {
  readonly name: string;
  readonly credentials: AwsSection;
  readonly config: AwsSection;
}

/**
 * The profile that `AWS_PROFILE` names, or `default`.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN` for a file that cannot be read, or a profile that is named and is nowhere.
 */
export async function readAwsProfile(env: Environment): Promise<AwsProfile> {
  const name = env['AWS_PROFILE'] || 'default';
  const [credentials, config] = await Promise.all([
    readSections(fileOf(env, 'AWS_SHARED_CREDENTIALS_FILE', 'credentials')),
    readSections(fileOf(env, 'AWS_CONFIG_FILE', 'config')),
  ]);
  const known = credentials.get(name);
  const configured = config.get(`profile ${name}`) ?? (name === 'default' ? config.get(name) : undefined);
  if (known === undefined && configured === undefined && env['AWS_PROFILE']) {
    throw noLogin(`no file of AWS's tools has the profile "${name}" of AWS_PROFILE`, 'Correct its name, or that of the file.', {
      profile: name,
    });
  }
  return { name, credentials: known ?? new Map(), config: configured ?? new Map() };
}

/** @param what completes a sentence. */
export function noLogin(what: string, hint: string, facts: Readonly<Record<string, unknown>>, cause?: unknown): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_LOGIN', {
    message: `No keys of S3 can be had: ${what}`,
    hint,
    facts,
    ...(cause === undefined ? {} : { cause }),
  });
}

function fileOf(env: Environment, variable: string, name: string): string {
  const home = env['HOME'] || homedir();
  return env[variable]?.replace(/^~(?=\/)/, home) || join(home, '.aws', name);
}

/** Sections of a file by their names; none where no file is. */
async function readSections(file: string): Promise<ReadonlyMap<string, AwsSection>> {
  let text: string;
  try {
    text = (await readRegularFile(file)).toString('utf8');
  } catch (error) {
    if (isNoFile(error)) return new Map();
    throw noLogin(`${file} cannot be read`, 'Let the user of this process read it, or name another file.', { file }, error);
  }
  return parseSections(text, file);
}

/**
 * Lines of `name = value` below `[section]`. What is indented deeper than the setting above belongs to that, and to none of ours.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`, which names a line, and not what it holds.
 */
function parseSections(text: string, file: string): ReadonlyMap<string, AwsSection> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let indent = Infinity;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const depth = line.search(/\S/);
    if (depth > indent) continue;
    const header = /^\[([^\]]+)\]\s*(?:[#;].*)?$/.exec(line)?.[1];
    const [, name, value] = /^\s*([^=\s[]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (header !== undefined) {
      const title = sectionName(header);
      section = sections.get(title) ?? new Map<string, string>();
      sections.set(title, section);
      indent = Infinity;
    } else if (section !== undefined && name !== undefined && value !== undefined) {
      section.set(name.toLowerCase(), value.replace(/(?:^|\s+)[#;].*$/, ''));
      indent = depth;
    } else {
      const hint = 'Write it as `aws configure` does: `[profile]` in one line, and `name = value` in each below.';
      throw noLogin(`line ${index + 1} of ${file} is neither a section nor a setting`, hint, { file, line: index + 1 });
    }
  }
  return sections;
}

/** `profile x` of `profile "x"`. */
function sectionName(header: string): string {
  const [, kind = '', name = ''] = /^(profile\s+)?(.*)$/s.exec(header.trim()) ?? [];
  return `${kind === '' ? '' : 'profile '}${name.replace(/^(["'])(.*)\1$/s, '$2')}`;
}
