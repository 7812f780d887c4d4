import { remoteCacheError } from '../errors.js';
import { findCredentials, type Credentials } from './docker-credentials.js';
import type { Transport } from './store.js';

interface LoginOptions {
  /** Of the cache. A user and password in it are used, whatever files say. */
  readonly address: URL;
  readonly repository: string;
  readonly transport: Pick<Transport, 'client' | 'env'>;
}

/** Proves to a registry who asks, as it wants it proved: by user and password, or by a token of the service that it names. */
export class RegistryLogin {
  /** What goes with each request; undefined: nothing yet. */
  authorization: string | undefined;
  private readonly options: LoginOptions;
  private actions: 'pull' | 'pull,push' = 'pull';
  private challenge = '';
  private renewing: Promise<string | undefined> | undefined;

  constructor(options: LoginOptions) {
    this.options = options;
  }

  /** From now on files are sent, too, for which a token of readers is not enough. */
  writes(): void {
    if (this.actions === 'pull,push') return;
    this.actions = 'pull,push';
    this.authorization = undefined;
  }

  /**
   * Answers a challenge (`www-authenticate`), or the last one anew, once for all requests that wait for it.
   *
   * @throws the errors of the transport; `ICT_REMOTE_CACHE_LOGIN` for a challenge, a file or a helper of which nothing can be made.
   */
  async renew(challenge = this.challenge): Promise<void> {
    this.challenge = challenge;
    this.renewing ??= this.answerTo(challenge).finally(() => (this.renewing = undefined));
    this.authorization = await this.renewing;
  }

  private async answerTo(challenge: string): Promise<string | undefined> {
    const { address, repository, transport } = this.options;
    const credentials = credentialsOf(address) ?? (await findCredentials(address.host, repository, transport.env ?? process.env));
    const bearer = /(?:^|,\s*)bearer\s+(.*)$/i.exec(challenge)?.[1];
    if (bearer !== undefined) return `Bearer ${await this.tokenFor(bearer, credentials)}`;
    return credentials !== undefined && 'user' in credentials ? basic(credentials) : undefined;
  }

  /** Token authentication of the distribution project; its OAuth 2 form for an identity token. */
  private async tokenFor(challenge: string, credentials: Credentials | undefined): Promise<string> {
    const { address, repository, transport } = this.options;
    const { realm, service } = parametersOf(challenge);
    // Whoever listens to this would know the password.
    const schemes = address.protocol === 'oci:' ? ['https:'] : ['http:', 'https:'];
    if (realm === undefined || !URL.canParse(realm) || !schemes.includes(new URL(realm).protocol)) {
      throw noToken(address, 'it names no service of tokens that may be asked');
    }
    const query = { ...(service === undefined ? {} : { service }), scope: `repository:${repository}:${this.actions}` };
    const { text } = await transport.client.send(tokenRequest(realm, query, credentials));
    const token = tokenIn(text);
    if (token === undefined) throw noToken(address, 'its service of tokens answered without a token');
    return token;
  }
}

function tokenRequest(
  realm: string,
  query: Readonly<Record<string, string>>,
  credentials: Credentials | undefined,
): Parameters<Transport['client']['send']>[0] {
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = { ...query, grant_type: 'refresh_token', client_id: 'ict', refresh_token: credentials.identityToken };
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url: realm, headers, body: { text: new URLSearchParams(form).toString() } };
  }
  const url = new URL(realm);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { method: 'GET', url: url.href, ...(credentials === undefined ? {} : { authorization: basic(credentials) }) };
}

function tokenIn(text: string): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const found = token ?? other;
    return typeof found === 'string' && found !== '' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** `name="value"` of a challenge. RFC 9110, 11.2. */
function parametersOf(challenge: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name.toLowerCase(), value]));
}

function credentialsOf({ username, password }: URL): Credentials | undefined {
  return username === '' && password === '' ? undefined : { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

function basic(credentials: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

function noToken({ host }: URL, why: string): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_LOGIN', {
    message: `The registry ${host} wants a token, and ${why}`,
    hint: 'Check that the address is that of a registry.',
    facts: { registry: host },
  });
}
