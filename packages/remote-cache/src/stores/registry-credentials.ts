import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNoFile, readRegularFile } from '@ict/integrity';
import { remoteCacheError } from '../errors.js';
import { entriesOf, entriesOfJson } from './answers.js';
import { askProgram } from './secret-program.js';
import type { Transport } from './store.js';

/** What a registry knows somebody by. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly identityToken: string };

type Environment = Readonly<Record<string, string | undefined>>;
type Entries = Readonly<Record<string, unknown>>;

/** `config.json` of docker, `auth.json` of podman, skopeo and buildah: containers-auth.json(5). Whatever it holds otherwise is as if it were not there. */
interface AuthFile {
  readonly auths: Entries;
  readonly credHelpers: Entries;
  readonly credsStore: unknown;
}

/** What docker calls its own registry in such files, and the names of its server. */
const DOCKER_HUB = 'https://index.docker.io/v1/';
const DOCKER_HUB_HOSTS: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** What a helper calls the user whose secret is an identity token. */
const TOKEN_USER = '<token>';

/** A helper may have to ask somebody. */
const HELPER_MS = 30_000;

/**
 * What docker, podman or skopeo were told in a login.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN` for a file or a helper that cannot be used; the signal's reason.
 */
export async function findCredentials(
  host: string,
  repository: string,
  { env = process.env, signal }: Pick<Transport, 'env' | 'signal'>,
): Promise<Credentials | undefined> {
  for (const file of authFiles(env)) {
    const known = await readAuthFile(file);
    if (known === undefined) continue;
    const names = namesOf(host, repository);
    const helper = names.map((name) => known.credHelpers[name]).find((each) => typeof each === 'string');
    const entry =
      helper === undefined ? names.map((name) => readEntry(known.auths[name], file)).find((each) => each !== undefined) : undefined;
    const program = helper ?? known.credsStore;
    const found = entry ?? (typeof program === 'string' ? await askHelper(program, serverOf(host), env, signal) : undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Files that may hold them, the strongest first. */
function authFiles(env: Environment): readonly string[] {
  const set = (name: string): readonly string[] => (env[name] === undefined || env[name] === '' ? [] : [env[name]]);
  const named = set('REGISTRY_AUTH_FILE');
  if (named.length > 0) return named;
  const home = env['HOME'] ?? homedir();
  const docker = set('DOCKER_CONFIG').map((directory) => join(directory, 'config.json'));
  const [configured = join(home, '.config')] = set('XDG_CONFIG_HOME');
  const runtime = set('XDG_RUNTIME_DIR').map((directory) => join(directory, 'containers'));
  const containers = [...runtime, `/run/containers/${process.getuid?.() ?? 0}`, join(configured, 'containers')];
  return [
    ...docker,
    ...containers.map((directory) => join(directory, 'auth.json')),
    ...(docker.length > 0 ? [] : [join(home, '.docker', 'config.json')]),
  ];
}

function serverOf(host: string): string {
  return DOCKER_HUB_HOSTS.has(host) ? DOCKER_HUB : host;
}

/** What an entry may be called: podman knows some for parts of a registry, the longest of which counts. */
function namesOf(host: string, repository: string): readonly string[] {
  const hosts = DOCKER_HUB_HOSTS.has(host) ? [...DOCKER_HUB_HOSTS] : [host];
  const parts = repository.split('/');
  const paths = parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
  return [
    ...hosts.flatMap((each) => [
      ...paths.map((path) => `${each}/${path}`),
      each,
      `https://${each}`,
      `https://${each}/v1/`,
      `https://${each}/v2/`,
    ]),
    serverOf(host),
  ];
}

async function readAuthFile(file: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = (await readRegularFile(file)).toString('utf8');
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unusable(`${file} cannot be read`, file, error);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unusable(`${file} is no JSON`, file); // what it says may hold a password
  }
  const { auths, credHelpers, credsStore } = entriesOf(content);
  return { auths: entriesOf(auths), credHelpers: entriesOf(credHelpers), credsStore };
}

function readEntry(entry: unknown, file: string): Credentials | undefined {
  const { identitytoken: identityToken, auth } = entriesOf(entry);
  if (typeof identityToken === 'string' && identityToken !== '') return { identityToken };
  if (typeof auth !== 'string' || auth === '') return undefined; // a helper has it
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? [];
  if (user === undefined || password === undefined) throw unusable(`an entry of ${file} holds no user and password`, file);
  return { user, password };
}

/** Asks a credential helper. @returns undefined when it knows nothing of the server. */
async function askHelper(
  name: string,
  server: string,
  env: Environment,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const { error, stdout } = await askProgram(program, ['get'], { env, signal, withinMs: HELPER_MS, input: server });
  if (error === null) return readAnswer(stdout, program);
  if (/not found/i.test(stdout)) return undefined; // so its protocol says it, with a status
  throw unusable(`${program} failed`, program, error);
}

function readAnswer(said: string, program: string): Credentials {
  const { Username: user, Secret: secret } = entriesOfJson(said);
  if (typeof user !== 'string' || typeof secret !== 'string')
    throw unusable(`${program} said something else than a user and a secret`, program);
  return user === TOKEN_USER ? { identityToken: secret } : { user, password: secret };
}

function unusable(what: string, source: string, cause?: unknown): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_LOGIN', {
    message: `${what}, where users and passwords of registries are looked for`,
    hint: 'Log in again with docker, podman or skopeo, or write user and password into the address of the cache.',
    facts: { source },
    ...(cause === undefined ? {} : { cause }),
  });
}
