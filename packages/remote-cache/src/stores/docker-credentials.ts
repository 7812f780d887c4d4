import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNoFile, readRegularFile } from '@ict/integrity';
import { remoteCacheError } from '../errors.js';

/** What a registry knows somebody by. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly identityToken: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** `config.json` of docker, `auth.json` of podman, skopeo and buildah: containers-auth.json(5). */
interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** What docker calls its own registry in such files. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** What a helper calls the user whose secret is an identity token. */
const TOKEN_USER = '<token>';

/** As {@link AuthFile} or a program beside it know them, of the first file that is there. */
export async function findCredentials(host: string, repository: string, env: Environment): Promise<Credentials | undefined> {
  for (const file of authFiles(env)) {
    const known = await readAuthFile(file);
    if (known === undefined) continue;
    const names = namesOf(host, repository);
    const helper = names.map((name) => known.credHelpers?.[name]).find((each) => each !== undefined);
    const found = helper === undefined ? names.flatMap((name) => fromEntry(known.auths?.[name], file) ?? [])[0] : undefined;
    if (found !== undefined) return found;
    const program = helper ?? known.credsStore;
    return program === undefined ? undefined : await askHelper(program, host === 'docker.io' ? DOCKER_HUB : host, env);
  }
  return undefined;
}

/** Files that may hold them, the strongest first. */
function authFiles(env: Environment): readonly string[] {
  const named = env['REGISTRY_AUTH_FILE'];
  if (named !== undefined && named !== '') return [named];
  const docker = env['DOCKER_CONFIG'];
  if (docker !== undefined && docker !== '') return [join(docker, 'config.json')];
  const runtime = env['XDG_RUNTIME_DIR'];
  const home = env['HOME'] ?? homedir();
  return [...(runtime === undefined ? [] : [join(runtime, 'containers', 'auth.json')]), join(home, '.docker', 'config.json')];
}

/** What an entry may be called: podman knows some for parts of a registry, the longest of which counts. */
function namesOf(host: string, repository: string): readonly string[] {
  const parts = [host, ...repository.split('/')];
  const names = parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
  return [...names, `https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`, ...(host === 'docker.io' ? [DOCKER_HUB] : [])];
}

/** @throws `ICT_REMOTE_CACHE_LOGIN`; @returns undefined where no file is. */
async function readAuthFile(file: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = (await readRegularFile(file)).toString('utf8');
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unusable(`${file} cannot be read`, file, error);
  }
  try {
    return JSON.parse(text) as AuthFile;
  } catch {
    throw unusable(`${file} is no JSON`, file); // what it says may hold a password
  }
}

function fromEntry(entry: NonNullable<AuthFile['auths']>[string] | undefined, file: string): Credentials | undefined {
  if (entry === undefined) return undefined;
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') return { identityToken: entry.identitytoken };
  if (entry.auth === undefined || entry.auth === '') return undefined;
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString('utf8')) ?? [];
  if (user === undefined || password === undefined) throw unusable(`an entry of ${file} holds no user and password`, file);
  return { user, password };
}

/** Asks a credential helper. @returns undefined when it knows nothing of the server. */
async function askHelper(name: string, server: string, env: Environment): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const said = await new Promise<string | undefined>((resolve, reject) => {
    const child = execFile(program, ['get'], { env: { ...env }, timeout: 30_000 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (/not found/i.test(stdout))
        resolve(undefined); // so its protocol says it, with a status
      else reject(unusable(`${program} failed`, program, error));
    });
    child.stdin?.on('error', () => undefined); // it ended without reading, which its status tells
    child.stdin?.end(server);
  });
  if (said === undefined) return undefined;
  try {
    const { Username: user, Secret: password } = JSON.parse(said) as { readonly Username: string; readonly Secret: string };
    return user === TOKEN_USER ? { identityToken: password } : { user, password };
  } catch {
    throw unusable(`${program} said something else than a user and a secret`, program);
  }
}

function unusable(what: string, source: string, cause?: unknown): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_LOGIN', {
    message: `${what}, where users and passwords of registries are looked for`,
    hint: 'Log in again with docker, podman or skopeo, or write user and password into the address of the cache.',
    facts: { source },
    ...(cause === undefined ? {} : { cause }),
  });
}
