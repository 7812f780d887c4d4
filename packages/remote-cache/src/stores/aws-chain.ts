import { keysOfContainer, readToken } from './aws-container.js';
import { keysOfInstance } from './aws-instance.js';
import { isWord } from './answers.js';
import { readKeys, type AwsAsker, type AwsKeys, type NoAwsKeys } from './aws-keys.js';
import { keysOfProcess } from './aws-process.js';
import { noLogin, placeOf, settingOf, type AwsFiles, type AwsProfile, type AwsSection, type AwsSetting } from './aws-profile.js';
import type { AwsCredentials } from './s3-signature.js';
import { keysOfRole, type RoleRequest, type StsServer } from './aws-sts.js';

/** Keys, and the region of who gave them, where it is asked for. */
export interface FoundKeys extends AwsKeys {
  readonly region?: string;
}

/** Why there are no keys: what each source lacks. */
export interface NoKeysFound {
  readonly missing: readonly string[];
}

export interface AwsSearch {
  readonly asker: AwsAsker;
  readonly files: AwsFiles;
  readonly sts: StsServer;
  /** Whether nobody else says which region it is. */
  readonly wantsRegion: boolean;
}

/** What needs a login in a browser, which AWS's own tool makes keys of. */
const LOGINS = ['sso_session', 'sso_start_url', 'sso_account_id', 'login_session'];

/**
 * Keys of the first source that has some, in the order of AWS's command-line tool: variables; the role of the profile; the role of a web identity; keys
 * of the file of credentials; the program of the profile; keys of the file of settings; what runs a container; the metadata of an instance. A source that
 * is set and fails ends it: who set it wants no other.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`; the signal's reason.
 * @see "Configuration and credentials precedence" of the user guide of the AWS CLI
 */
export async function findAwsKeys(search: AwsSearch): Promise<FoundKeys | NoKeysFound> {
  const { asker, files, wantsRegion } = search;
  const sources: readonly (() => AwsKeys | NoAwsKeys | Promise<FoundKeys | NoAwsKeys>)[] = [
    () => keysOfEnvironment(asker),
    () => keysOfProfileRole(files.chosen, search, []),
    () => keysOfWebIdentity(search),
    () => keysOfProfile(files.chosen, search),
    () => keysOfContainer(asker),
    () => keysOfInstance(asker, files.chosen, wantsRegion),
  ];
  const missing: string[] = [];
  for (const source of sources) {
    const found = await source();
    if ('credentials' in found) return found;
    if (found.missing !== '') missing.push(found.missing);
  }
  return { missing };
}

function keysOfEnvironment({ env, clock }: AwsAsker): AwsKeys | NoAwsKeys {
  const [keyId, secret] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!keyId && !secret) return { missing: 'AWS_ACCESS_KEY_ID is not set' };
  if (!keyId || !secret) {
    const variable = keyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw noLogin(`${variable} is not set, and its other half is`, 'Set both, or none.', { variable });
  }
  const [sessionToken, expires] = [env['AWS_SESSION_TOKEN'], env['AWS_CREDENTIAL_EXPIRATION']];
  return { credentials: readKeys({ keyId, secret, sessionToken, expires }, 'AWS_ACCESS_KEY_ID', clock()), source: 'AWS_ACCESS_KEY_ID' };
}

/** Keys of `role_arn`, taken with those of another profile or of another source. @param visited profiles that lead here. */
async function keysOfProfileRole(profile: AwsProfile, search: AwsSearch, visited: readonly string[]): Promise<AwsKeys | NoAwsKeys> {
  const role = settingOf(profile, 'role_arn');
  if (role === undefined || settingOf(profile, 'web_identity_token_file') !== undefined) return { missing: '' }; // what the profile lacks is told once
  const { name } = profile;
  const [from, source] = [settingOf(profile, 'source_profile'), settingOf(profile, 'credential_source')];
  const facts = { profile: name, file: role.file, line: role.line };
  if ((from === undefined) === (source === undefined)) {
    const fault = from === undefined ? 'neither source_profile nor credential_source' : 'both source_profile and credential_source';
    throw noLogin(
      `the profile "${name}" has role_arn (${placeOf(role)}), and ${fault}`,
      'Have one of these say whose keys the role is taken with.',
      facts,
    );
  }
  const mfa = settingOf(profile, 'mfa_serial');
  if (mfa !== undefined) {
    const fault = `the role of the profile "${name}" takes a code of a device: mfa_serial (${placeOf(mfa)})`;
    throw noLogin(fault, exportHint(name), { ...facts, line: mfa.line, setting: 'mfa_serial' });
  }
  const by =
    from === undefined ? await keysOfSource(source as AwsSetting, search) : await keysOfOther(from, profile, search, [...visited, name]);
  const credentials = await takeRole(profile, role, { credentials: by.credentials }, search);
  return { credentials, source: `the role of the profile "${name}" (${placeOf(role)}), taken with ${by.source}` };
}

/** `credential_source`. */
async function keysOfSource(setting: AwsSetting, { asker, files }: AwsSearch): Promise<AwsKeys> {
  const sources: Readonly<Record<string, () => AwsKeys | NoAwsKeys | Promise<AwsKeys | NoAwsKeys>>> = {
    environment: () => keysOfEnvironment(asker),
    ecscontainer: () => keysOfContainer(asker),
    ec2instancemetadata: () => keysOfInstance(asker, files.chosen, false),
  };
  const name = setting.value.toLowerCase();
  const facts = { setting: 'credential_source', file: setting.file, line: setting.line };
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source === undefined) {
    throw noLogin(
      `credential_source (${placeOf(setting)}) names no source`,
      'Write Environment, EcsContainer or Ec2InstanceMetadata.',
      facts,
    );
  }
  const found = await source();
  if ('credentials' in found) return found;
  throw noLogin(`credential_source (${placeOf(setting)}) has none: ${found.missing}`, 'Name another source.', facts);
}

/** `source_profile`. A profile that names itself has keys beside its role. */
async function keysOfOther(setting: AwsSetting, by: AwsProfile, search: AwsSearch, visited: readonly string[]): Promise<AwsKeys> {
  const profile = search.files.profile(setting.value);
  const facts = { setting: 'source_profile', file: setting.file, line: setting.line };
  const refuse = (fault: string): Error =>
    noLogin(`source_profile (${placeOf(setting)}) ${fault}`, 'Correct its name, or the profile.', facts);
  if (profile === undefined) throw refuse('names a profile that is nowhere');
  const withKeys = hasKeys(profile.credentials) || hasKeys(profile.config);
  if (visited.includes(profile.name) && !(profile.name === by.name && withKeys)) throw refuse('leads back to where it began');
  const role = withKeys ? { missing: '' } : await keysOfProfileRole(profile, search, visited);
  if ('credentials' in role) return role;
  const identity = await keysOfTokenFile(profile, search);
  const found = 'credentials' in identity ? identity : await keysOfProfile(profile, search);
  if ('credentials' in found) return found;
  throw refuse(`names a profile without keys`);
}

/** The role that variables name, or else the profile. */
async function keysOfWebIdentity(search: AwsSearch): Promise<AwsKeys | NoAwsKeys> {
  const { asker, files, sts } = search;
  const file = asker.env['AWS_WEB_IDENTITY_TOKEN_FILE'];
  if (!file) {
    const found = await keysOfTokenFile(files.chosen, search);
    return 'credentials' in found ? found : { missing: 'AWS_WEB_IDENTITY_TOKEN_FILE is not set' };
  }
  const arn = asker.env['AWS_ROLE_ARN'];
  if (!arn) {
    throw noLogin('AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not', 'Set both, or none.', { variable: 'AWS_ROLE_ARN' });
  }
  const token = await readIdentity(file, 'AWS_WEB_IDENTITY_TOKEN_FILE');
  const sessionName = asker.env['AWS_ROLE_SESSION_NAME'] || settingOf(files.chosen, 'role_session_name')?.value;
  const role: RoleRequest = { arn, place: 'AWS_ROLE_ARN', sessionName, by: { token } };
  return { credentials: await keysOfRole(role, sts, asker), source: 'AWS_WEB_IDENTITY_TOKEN_FILE' };
}

/** `web_identity_token_file`. */
async function keysOfTokenFile(profile: AwsProfile, search: AwsSearch): Promise<AwsKeys | NoAwsKeys> {
  const file = settingOf(profile, 'web_identity_token_file');
  if (file === undefined) return { missing: '' };
  const role = settingOf(profile, 'role_arn');
  if (role === undefined) {
    const fault = `web_identity_token_file (${placeOf(file)}) is of a profile without role_arn`;
    throw noLogin(fault, 'Write role_arn beside it.', { profile: profile.name, file: file.file, line: file.line });
  }
  const token = await readIdentity(file.value, `web_identity_token_file, ${placeOf(file)}`);
  const credentials = await takeRole(profile, role, { token }, search);
  return { credentials, source: `the web identity of the profile "${profile.name}" (${placeOf(file)})` };
}

async function readIdentity(file: string, place: string): Promise<string> {
  const token = await readToken(file, place);
  if (isWord(token)) return token;
  throw noLogin(`${file} (${place}) holds something else than a token`, 'Have a token written there.', { file, place });
}

function takeRole(profile: AwsProfile, role: AwsSetting, by: RoleRequest['by'], { asker, sts }: AwsSearch): Promise<AwsCredentials> {
  const of = (name: string): string | undefined => settingOf(profile, name)?.value;
  const request: RoleRequest = {
    arn: role.value,
    place: `the profile "${profile.name}" (${placeOf(role)})`,
    sessionName: of('role_session_name'),
    externalId: of('external_id'),
    durationSeconds: of('duration_seconds'),
    by,
  };
  return keysOfRole(request, sts, asker);
}

/** Keys of a profile without a role. */
async function keysOfProfile(profile: AwsProfile, { asker, files }: AwsSearch): Promise<AwsKeys | NoAwsKeys> {
  const { name, credentials, config } = profile;
  const program = settingOf(profile, 'credential_process');
  const found =
    keysOfSection(credentials, name, asker) ??
    (program === undefined ? undefined : await keysOfProcess(program, asker)) ??
    keysOfSection(config, name, asker);
  if (found !== undefined) return found;
  const login = LOGINS.map((each) => [each, settingOf(profile, each)] as const).find(([, setting]) => setting !== undefined);
  if (login?.[1] !== undefined) {
    const [setting, { file, line }] = [login[0], login[1]];
    throw noLogin(`the profile "${name}" has ${setting} (${placeOf(login[1])}) instead of keys`, exportHint(name), {
      profile: name,
      setting,
      file,
      line,
    });
  }
  const lacks = files.profile(name) === undefined ? 'is not' : 'has neither keys nor a role or a program';
  return { missing: `the profile "${name}" ${lacks} in ${files.names.join(' or ')}` };
}

function keysOfSection(section: AwsSection, name: string, { clock }: AwsAsker): AwsKeys | undefined {
  const [keyId, secret] = [section.get('aws_access_key_id'), section.get('aws_secret_access_key')];
  const one = keyId ?? secret;
  if (one === undefined) return undefined;
  if (keyId === undefined || secret === undefined) {
    const missing = keyId === undefined ? 'aws_access_key_id' : 'aws_secret_access_key';
    const facts = { profile: name, file: one.file, line: one.line };
    throw noLogin(`the profile "${name}" has no ${missing}, but its other half (${placeOf(one)})`, 'Write both, or none.', facts);
  }
  const sessionToken = section.get('aws_session_token')?.value;
  const source = `the profile "${name}" (${placeOf(keyId)})`;
  const credentials = readKeys({ keyId: keyId.value, secret: secret.value, sessionToken, expires: undefined }, source, clock());
  return { credentials, source };
}

function hasKeys(section: AwsSection): boolean {
  return section.has('aws_access_key_id') || section.has('aws_secret_access_key');
}

/** What to do where AWS's own tool has to log in. */
function exportHint(profile: string): string {
  return (
    `Have AWS's own tool make keys of it, in another profile: credential_process = aws configure export-credentials --profile ${profile} ` +
    '--format process; or as variables: eval "$(aws configure export-credentials --profile ' +
    `${profile} --format env)".`
  );
}
