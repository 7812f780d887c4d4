import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNoFile, readRegularFile } from '@ict/integrity';
import { remoteCacheError } from '../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting of a file, which is not empty. */
export interface AwsSetting {
  readonly value: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Settings by their names in small letters. */
export type AwsSection = ReadonlyMap<string, AwsSetting>;

/** What the files of AWS's own tools say of a profile; a section that is not there is empty. */
export interface AwsProfile {
  readonly name: string;
  readonly credentials: AwsSection;
  readonly config: AwsSection;
}

/** The files of AWS's own tools. */
export interface AwsFiles {
  /** Names of the files, there or not: that of credentials first. */
  readonly names: readonly string[];
  /** Of the profile that `AWS_PROFILE` names, or `default`. */
  readonly chosen: AwsProfile;
  /** @returns undefined for a profile that is nowhere. */
  profile(name: string): AwsProfile | undefined;
}

/** @throws `ICT_REMOTE_CACHE_LOGIN` for a file that cannot be read, or a profile of `AWS_PROFILE` that is nowhere. */
export async function readAwsFiles(env: Environment): Promise<AwsFiles> {
  const name = env['AWS_PROFILE'] || 'default';
  const names = [fileOf(env, 'AWS_SHARED_CREDENTIALS_FILE', 'credentials'), fileOf(env, 'AWS_CONFIG_FILE', 'config')];
  const [credentials, config] = await Promise.all(names.map(readSections));
  const profile = (of: string): AwsProfile | undefined => {
    const known = credentials?.get(of);
    const configured = config?.get(`profile ${of}`) ?? (of === 'default' ? config?.get(of) : undefined);
    if (known === undefined && configured === undefined) return undefined;
    return { name: of, credentials: known ?? new Map(), config: configured ?? new Map() };
  };
  const chosen = profile(name);
  if (chosen === undefined && env['AWS_PROFILE']) {
    const hint = 'Correct its name, or that of the file.';
    throw noLogin(`neither ${names.join(' nor ')} has the profile "${name}" of AWS_PROFILE`, hint, { profile: name, files: names });
  }
  return { names, chosen: chosen ?? { name, credentials: new Map(), config: new Map() }, profile };
}

/** A setting of either file: that of credentials says what both say, as for AWS's tools. */
export function settingOf({ credentials, config }: AwsProfile, name: string): AwsSetting | undefined {
  return credentials.get(name) ?? config.get(name);
}

/** Where a setting stands, as it is told. */
export function placeOf({ file, line }: AwsSetting): string {
  return `line ${line} of ${file}`;
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
  const sections = new Map<string, Map<string, AwsSetting>>();
  let section: Map<string, AwsSetting> | undefined;
  let indent = Infinity;
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:[#;]|$)/.test(written)) continue;
    const depth = written.search(/\S/);
    if (depth > indent) continue;
    const line = index + 1;
    const header = /^\[([^\]]+)\]\s*(?:[#;].*)?$/.exec(written)?.[1];
    const [, name, assigned] = /^\s*([^=\s[]+)\s*[=:]\s*(.*?)\s*$/.exec(written) ?? [];
    if (header !== undefined) {
      const title = sectionName(header);
      section = sections.get(title) ?? new Map<string, AwsSetting>();
      sections.set(title, section);
      indent = Infinity;
    } else if (section !== undefined && name !== undefined && assigned !== undefined) {
      const value = assigned.replace(/(?:^|\s+)[#;].*$/, '');
      if (value === '') section.delete(name.toLowerCase());
      else section.set(name.toLowerCase(), { value, file, line });
      indent = depth;
    } else {
      const hint = 'Write it as `aws configure` does: `[profile]` in one line, and `name = value` in each below.';
      throw noLogin(`line ${line} of ${file} is neither a section nor a setting`, hint, { file, line });
    }
  }
  return sections;
}

/** `profile x` of `profile "x"`. */
function sectionName(header: string): string {
  const [, kind = '', name = ''] = /^(profile\s+)?(.*)$/s.exec(header.trim()) ?? [];
  return `${kind === '' ? '' : 'profile '}${name.replace(/^(["'])(.*)\1$/s, '$2')}`;
}
