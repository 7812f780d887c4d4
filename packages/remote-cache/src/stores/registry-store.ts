import { createHash } from 'node:crypto';
import { digestOf, hashFile, isDigest } from '@ict/integrity';
import { hasCode, type Digest, type IctError } from '@ict/plugin-api';
import { remoteCacheError } from '../errors.js';
import { printedAddress } from './address.js';
import { download } from './download.js';
import { RegistryLogin } from './registry-login.js';
import type { Store, Transport, TransportAnswer, TransportRequest } from './store.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CACHE = 'application/vnd.ict.cache.v1';
const FILE = 'application/vnd.ict.cache.file.v1';

/** What stands where the configuration of an image would. OCI image specification 1.1, "Guidance for an Empty Descriptor". */
const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 };

/** Of the OCI distribution specification 1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** The registry that is known by another name than that of its server. */
const SERVERS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** What an upload session answers that a broken connection spoiled. */
const SPOILED: ReadonlySet<unknown> = new Set([400, 404, 416]);

/** A file as a manifest names it: as it is sent, so compressed if it is. */
interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * A repository of an OCI registry. Each place is a tag, `ict-` and the SHA-256 of the place, of a manifest whose only layer is the file: what one build
 * adds changes nothing that others have, and no registry collects a file that a tag leads to.
 *
 * @param address `oci://registry.example/repository`, or `oci+http://` without TLS.
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openRegistryStore(address: URL, transport: Transport): Store {
  const { fetcher, client } = transport;
  const repository = address.pathname.replace(/^\/+|\/+$/g, '');
  const name = printedAddress(address.href);
  if (address.host === '' || !REPOSITORY.test(repository)) {
    throw remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', {
      message: `${name} names no repository of a registry`,
      hint: 'Write oci://registry.example/group/name, of small letters, digits and single separators.',
      facts: { url: name },
    });
  }
  const scheme = address.protocol === 'oci:' ? 'https' : 'http';
  const server = new URL(`${scheme}://${SERVERS[address.host] ?? address.host}`).origin;
  const api = `${server}/v2/${repository}`;
  const login = new RegistryLogin({ address, repository, transport });
  let emptyIsThere = false;

  /** Asks, and logs in when the registry wants that. */
  async function ask(request: TransportRequest): Promise<TransportAnswer> {
    if (new URL(request.url).origin !== server) return client.send(request); // storage of the registry, whose address says who may
    const answer = await client.send({ ...request, ...proof(), accept: [...(request.accept ?? []), 401] });
    if (answer.status !== 401) return answer;
    await login.renew(answer.headers['www-authenticate']);
    return client.send({ ...request, ...proof() });
  }

  function proof(): Pick<TransportRequest, 'authorization'> {
    return login.authorization === undefined ? {} : { authorization: login.authorization };
  }

  const manifestOf = (place: string): string => `${api}/manifests/ict-${createHash('sha256').update(place).digest('hex')}`;

  async function hasBlob({ digest }: Descriptor): Promise<boolean> {
    return (await ask({ method: 'HEAD', url: `${api}/blobs/${digest}`, accept: [404] })).status < 300;
  }

  async function putBlob(descriptor: Descriptor, body: TransportRequest['body'], again = true): Promise<void> {
    if (await hasBlob(descriptor)) return;
    const { headers, url } = await ask({ method: 'POST', url: `${api}/blobs/uploads/`, body: { text: '' } });
    const session = sessionAt(headers['location'], url);
    session.searchParams.set('digest', descriptor.digest);
    try {
      await ask({ method: 'PUT', url: session.href, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      if (!again || !hasCode(error, 'ICT_FETCH_STATUS') || !SPOILED.has((error as IctError).facts['status'])) throw error;
      await putBlob(descriptor, body, false);
    }
  }

  return {
    name,
    async get({ place, ...request }) {
      const { status, text } = await ask({ method: 'GET', url: manifestOf(place), headers: { accept: MANIFEST }, accept: [404] });
      if (status === 404) return undefined;
      const descriptor = readManifest(text);
      if (descriptor === undefined) return { fault: 'its manifest is none of a cache' };
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
      return (await ask({ method: 'HEAD', url: manifestOf(place), headers: { accept: MANIFEST }, accept: [404] })).status < 300;
    },
    async put(place, file) {
      login.writes();
      const { digest, sizeBytes: size } = await hashFile(file);
      await putBlob({ digest, size }, { file });
      if (!emptyIsThere) await putBlob(EMPTY, { text: '{}' });
      emptyIsThere = true;
      const headers = { 'content-type': MANIFEST };
      await ask({ method: 'PUT', url: manifestOf(place), headers, body: { text: writeManifest(place, { digest, size }) } });
    },
  };
}

/** Where an upload goes on: relative, or of another server, which is as private. */
function sessionAt(location: string | undefined, from: string): URL {
  if (location !== undefined && URL.canParse(location, from)) {
    const session = new URL(location, from);
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
  if (mediaType !== FILE || typeof digest !== 'string' || !isDigest(digest) || !digest.startsWith('sha256:')) return undefined;
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { digest, size } : undefined;
}
