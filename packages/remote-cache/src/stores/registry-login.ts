import { isIctError } from '@ict/plugin-api';
import { remoteCacheError } from '../errors.js';
import { entriesOfJson, FORM, isWord, REDIRECTS } from './answers.js';
import { readChallenges } from './challenge.js';
import { findCredentials, type Credentials } from './registry-credentials.js';
import type { StoreUse, Transport, TransportRequest } from './store.js';

interface LoginOptions {
  /** As files of logins have it. */
  readonly host: string;
  readonly repository: string;
  /** Origin of the registry: whoever listens to a service of tokens on plain HTTP would know the password. */
  readonly server: string;
  /** Those of the address, which count whatever files say. */
  readonly own: Credentials | undefined;
  readonly use: StoreUse;
  readonly transport: Pick<Transport, 'client' | 'env' | 'signal'>;
}

/** Proves to a registry who asks, as it wants it proved: by user and password, or by a token of the service that it names. */
export class RegistryLogin {
  /** What goes with each request; undefined: nothing yet. */
  authorization: string | undefined;
  private readonly options: LoginOptions;
  private challenge: string | undefined;
  private first: Promise<void> | undefined;
  private renewing: Promise<string | undefined> | undefined;
  private credentials: Promise<Credentials | undefined> | undefined;
  /** Why nobody is known to the registry by more than silence. */
  private trouble: Error | undefined;

  constructor(options: LoginOptions) {
    this.options = options;
  }

  /** Asks the registry, once, how it wants to be asked: some say of what needs a login only that it is not there. */
  async begin(): Promise<void> {
    this.first ??= this.askRegistry();
    await this.first;
  }

  /**
   * Answers a challenge (`www-authenticate`), or the last one anew, once for all requests that wait for it.
   *
   * @throws the errors of the transport; `ICT_REMOTE_CACHE_LOGIN` for a challenge, a file or a helper of which nothing can be made.
   */
  async renew(challenge = this.challenge ?? ''): Promise<void> {
    this.challenge = challenge;
    this.renewing ??= this.answerTo(challenge).finally(() => (this.renewing = undefined));
    this.authorization = await this.renewing;
  }

  /** What says more about a refusal than the refusal. */
  explain(refusal: unknown): unknown {
    return this.trouble !== undefined && isIctError(refusal) && isDenial(refusal.facts['status']) ? this.trouble : refusal;
  }

  private async askRegistry(): Promise<void> {
    const { server, transport } = this.options;
    const answer = await transport.client.send({ method: 'GET', url: `${server}/v2/`, accept: [...REDIRECTS, 400, 401, 403, 404, 405] });
    if (answer.status === 401) await this.renew(answer.headers['www-authenticate']);
  }

  private async answerTo(challenge: string): Promise<string | undefined> {
    const challenges = readChallenges(challenge);
    const credentials = await (this.credentials ??= this.find());
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) return `Bearer ${await this.tokenFor(bearer.parameters, credentials)}`;
    return credentials !== undefined && 'user' in credentials ? basic(credentials) : undefined;
  }

  /** A login that cannot be read is none: what everybody may read needs none. */
  private async find(): Promise<Credentials | undefined> {
    const { own, host, repository, transport } = this.options;
    if (own !== undefined) return own;
    try {
      return await findCredentials(host, repository, transport);
    } catch (error) {
      transport.signal?.throwIfAborted();
      this.trouble = error as Error;
      return undefined;
    }
  }

  /** Token authentication of the distribution project; its OAuth 2 form for an identity token. */
  private async tokenFor(
    { realm, service }: Readonly<Record<string, string | undefined>>,
    credentials: Credentials | undefined,
  ): Promise<string> {
    const { server, host, repository, use, transport } = this.options;
    const schemes = server.startsWith('https:') ? ['https:'] : ['http:', 'https:'];
    if (realm === undefined || !URL.canParse(realm) || !schemes.includes(new URL(realm).protocol)) {
      throw noToken(host, 'it names no service of tokens that may be asked');
    }
    const actions = use === 'write' ? 'pull,push' : 'pull';
    const query = { ...(service === undefined ? {} : { service }), scope: `repository:${repository}:${actions}` };
    const token = await transport.client.send(tokenRequest(realm, query, credentials)).then(
      ({ text }) => tokenIn(text),
      (error: unknown) => {
        throw this.explain(error);
      },
    );
    if (token === undefined) throw noToken(host, 'its service of tokens answered without a token');
    return token;
  }
}

/** Whether a status says that somebody may not do what was asked. */
function isDenial(status: unknown): boolean {
  return status === 401 || status === 403;
}

function tokenRequest(realm: string, query: Readonly<Record<string, string>>, credentials: Credentials | undefined): TransportRequest {
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = { ...query, grant_type: 'refresh_token', client_id: 'ict', refresh_token: credentials.identityToken };
    const headers = { 'content-type': FORM };
    return { method: 'POST', url: realm, headers, body: { text: new URLSearchParams(form).toString() }, accept: REDIRECTS };
  }
  const url = new URL(realm);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { method: 'GET', url: url.href, ...(credentials === undefined ? {} : { authorization: basic(credentials) }) };
}

function tokenIn(text: string): string | undefined {
  const { token, access_token: other } = entriesOfJson(text);
  const found = token ?? other;
  return isWord(found) ? found : undefined;
}

function basic(credentials: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

function noToken(host: string, why: string): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_LOGIN', {
    message: `The registry ${host} wants a token, and ${why}`,
    hint: 'Check that the address is that of a registry.',
    facts: { registry: host },
  });
}
