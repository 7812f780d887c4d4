import { createHash } from 'node:crypto';
import { digestOf, hashFile, isSha256Digest } from '@ict/integrity';
import { hasCode, type Digest, type IctError } from '@ict/plugin-api';
import { remoteCacheError } from '../errors.js';
import { printedAddress, unescaped } from './address.js';
import type { Credentials } from './registry-credentials.js';
import { download } from './download.js';
import { RegistryLogin } from './registry-login.js';
import type { Store, StoreUse, Transport, TransportAnswer, TransportRequest } from './store.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CACHE = 'application/vnd.ict.cache.v1';
const FILE = 'application/vnd.ict.cache.file.v1';

/** What stands where the configuration of an image would. OCI image specification 1.1, "Guidance for an Empty Descriptor". */
const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 };

/** Of the OCI distribution specification 1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

const NO_MANIFEST = 'its manifest is none of a cache';

/** A file as a manifest names it: as it is sent, so compressed if it is. */
interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * A repository of an OCI registry. Each place is a tag, `ict-` and the SHA-256 of the place, of a manifest whose only layer is the file: what one build
 * adds changes nothing that others have, and no registry collects a file that a tag leads to.
 *
 * A store that writes takes it that a repository which may not be read is not there yet, and leaves it to the first upload to make it.
 *
 * @param address `oci://registry.example/repository`, or `oci+http://` without TLS.
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openRegistryStore(address: URL, transport: Transport, use: StoreUse): Store {
  const { fetcher, client } = transport;
  const { name, host, repository, server, own } = readAddress(address);
  const api = `${server}/v2/${repository}`;
  const login = new RegistryLogin({ host, repository, server, own, use, transport });
  const absent = use === 'write' ? [401, 403, 404] : [404];
  let emptyIsThere = false;

  /** Asks, and logs in when the registry wants that; what storage beside it wants is of no concern to it. */
  async function ask(request: TransportRequest): Promise<TransportAnswer> {
    if (new URL(request.url).origin !== server) return client.send(request); // its address says who may
    await login.begin();
    const { accept = [] } = request;
    const answer = await client.send({ ...request, ...proof(), accept: [...accept, 401] });
    if (answer.status !== 401) return answer;
    if (new URL(answer.url).origin === server) await login.renew(answer.headers['www-authenticate']);
    return client.send({ ...request, ...proof() }).catch((error: unknown) => {
      throw login.explain(error);
    });
  }

  function proof(): Pick<TransportRequest, 'authorization'> {
    return login.authorization === undefined ? {} : { authorization: login.authorization };
  }

  const manifestOf = (place: string): string => `${api}/manifests/ict-${createHash('sha256').update(place).digest('hex')}`;

  async function hasBlob({ digest }: Descriptor): Promise<boolean> {
    // Where storage of its own answers, it may refuse HEAD.
    return (await ask({ method: 'HEAD', url: `${api}/blobs/${digest}`, accept: [400, 401, 403, 404, 405] })).status < 300;
  }

  /** As `docker push` sends them, whole and in one piece, so that every registry takes it. */
  async function sendBlob({ digest }: Descriptor, body: NonNullable<TransportRequest['body']>): Promise<void> {
    const start = await ask({ method: 'POST', url: `${api}/blobs/uploads/`, body: { text: '' } });
    const session = sessionAt(start);
    const sent = await ask({ method: 'PATCH', url: session.href, body, once: true });
    const end = sent.headers['location'] === undefined ? session : sessionAt(sent);
    end.searchParams.set('digest', digest);
    await ask({ method: 'PUT', url: end.href, body: { text: '' }, once: true });
  }

  /** Sends a blob in a session, which may break; it may have arrived for all that. */
  async function putBlob(descriptor: Descriptor, body: NonNullable<TransportRequest['body']>): Promise<void> {
    try {
      await sendBlob(descriptor, body);
    } catch (error) {
      transport.signal?.throwIfAborted();
      if (!isBroken(error)) throw error;
      if (!(await hasBlob(descriptor))) await sendBlob(descriptor, body);
    }
  }

  return {
    name,
    async get({ place, ...request }) {
      const text = await manifestText(place);
      if (typeof text !== 'string') return text;
      const descriptor = readManifest(text);
      if (descriptor === undefined) return { fault: NO_MANIFEST };
      const { digest, size: sizeBytes } = descriptor;
      if (sizeBytes > request.maxBytes) return { fault: `it is larger than ${request.maxBytes} bytes` };
      const found = { ...request, url: `${api}/blobs/${digest}`, expect: { digest, sizeBytes } };
      const answer = await download(fetcher, { ...found, ...proof() }).catch(async (error: unknown) => {
        if (!hasCode(error, 'ICT_FETCH_STATUS') || (error as IctError).facts['status'] !== 401) throw error;
        await login.renew(); // its token was good until now
        return download(fetcher, { ...found, ...proof() });
      });
      return answer ?? { fault: `its registry lost ${digest}` };
    },
    async has(place) {
      return (await ask({ method: 'HEAD', url: manifestOf(place), headers: { accept: MANIFEST }, accept: absent })).status < 300;
    },
    async put(place, file) {
      const { digest, sizeBytes: size } = await hashFile(file);
      const blob = { digest, size };
      if (!(await hasBlob(blob))) await putBlob(blob, { file });
      if (!emptyIsThere && !(await hasBlob(EMPTY))) await putBlob(EMPTY, { text: '{}' });
      emptyIsThere = true;
      const headers = { 'content-type': MANIFEST };
      const manifest = { method: 'PUT', url: manifestOf(place), headers, body: { text: writeManifest(place, blob) } } as const;
      const { status } = await ask({ ...manifest, accept: [400, 404] });
      if (status < 300) return;
      // Where many send the same at once, a registry may forget a blob that it had.
      await putBlob(blob, { file });
      await putBlob(EMPTY, { text: '{}' });
      await ask(manifest);
    },
  };

  /** @returns undefined where there is none. */
  async function manifestText(place: string): Promise<string | { readonly fault: string } | undefined> {
    try {
      const { status, text } = await ask({ method: 'GET', url: manifestOf(place), headers: { accept: MANIFEST }, accept: absent });
      return status < 300 ? text : undefined;
    } catch (error) {
      if (hasCode(error, 'ICT_FETCH_TOO_LARGE')) return { fault: NO_MANIFEST };
      throw error;
    }
  }
}

interface RegistryAddress {
  readonly name: string;
  readonly host: string;
  readonly repository: string;
  /** Origin of the registry. */
  readonly server: string;
  readonly own: Credentials | undefined;
}

/** @throws `ICT_REMOTE_CACHE_ADDRESS` */
function readAddress(address: URL): RegistryAddress {
  const name = printedAddress(address.href);
  const refuse = (fault: string, hint: string): Error =>
    remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', { message: `${name} ${fault}`, hint, facts: { url: name } });
  const repository = address.pathname.replace(/^\/+|\/+$/g, '');
  const [user, password] = [address.username, address.password].map(unescaped);
  const server = `${address.protocol === 'oci:' ? 'https' : 'http'}://${address.host}`;
  if (address.host === '' || !URL.canParse(server) || !REPOSITORY.test(repository)) {
    throw refuse(
      'names no repository of a registry',
      'Write oci://registry.example/group/name, of small letters, digits and single separators.',
    );
  }
  if (user === undefined || password === undefined) {
    throw refuse('has a "%" that escapes nothing in its user or password', 'Write it as %25.');
  }
  const { host } = new URL(server);
  return {
    name,
    host,
    repository,
    server: new URL(server.replace(/:\/\/docker\.io$/, '://registry-1.docker.io')).origin,
    own: user === '' && password === '' ? undefined : { user, password },
  };
}

/** Whether an upload broke, rather than being refused: its session may be gone, or its end was not told. */
function isBroken(error: unknown): boolean {
  if (hasCode(error, 'ICT_FETCH_CONNECTION') || hasCode(error, 'ICT_FETCH_STALLED')) return true;
  const status = hasCode(error, 'ICT_FETCH_STATUS') ? (error as IctError).facts['status'] : undefined;
  return typeof status === 'number' && (status >= 500 || [400, 404, 408, 416, 429].includes(status));
}

/** Where an upload goes on: relative, or of another server, which is as private. */
function sessionAt({ headers, url: from }: TransportAnswer): URL {
  const location = headers['location'];
  if (location !== undefined && URL.canParse(location, from)) {
    const session = new URL(location, from);
    session.username = '';
    session.password = '';
    if (session.protocol === 'https:' || session.protocol === new URL(from).protocol) return session;
  }
  throw remoteCacheError('ICT_REMOTE_CACHE_UNREACHABLE', {
    message: `The registry ${new URL(from).host} names no address, or one without TLS, to upload to`,
    hint: 'Behind a proxy, a registry has to be told its own address.',
    facts: { registry: new URL(from).host },
  });
}

function writeManifest(place: string, { digest, size }: Descriptor): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: CACHE,
    config: EMPTY,
    layers: [{ mediaType: FILE, digest, size }],
    annotations: { 'org.opencontainers.image.title': place },
  });
}

/** @returns undefined for text that is no manifest of a file. */
function readManifest(text: string): Descriptor | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return undefined;
  }
  const layers = (manifest as { readonly layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers) || layers.length !== 1) return undefined;
  const { mediaType, digest, size } = (layers[0] ?? {}) as Readonly<Record<string, unknown>>;
  if (mediaType !== FILE || typeof digest !== 'string' || !isSha256Digest(digest)) return undefined;
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { digest, size } : undefined;
}
