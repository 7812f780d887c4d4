import { createFetcher, type FetcherOptions } from '@ict/fetch';
import type { Context, LayerRef, RemoteTally } from '@ict/plugin-api';
import { openRemoteCache, openRemoteUpload, openStore, readPublicKey, readSigningKey, withoutNetwork } from '@ict/remote-cache';
import type { EngineOptions } from '../engine-api.js';
import type { StepExchange } from '../steps.js';
import type { LayerFinder, LayerShelf } from '../trees/layer-shelf.js';
import type { LazySandbox } from '../trees/trees.js';
import { inBrief } from './patience.js';
import { openRemoteClients } from './remote-clients.js';
import { fromRemote } from './remote-downloads.js';
import { RemoteImages } from './remote-images.js';
import { RemoteLayers } from './remote-layers.js';
import { RemoteResults, type RemoteAnswers, type RemoteSource } from './remote-results.js';
import { UploadQueue, type Uploads } from './upload-queue.js';
import { WithheldUploads } from './withheld-uploads.js';

/** The remote caches of an engine, open. */
export interface RemoteCaches {
  /** What one build asks, and what it uploads to. @param secret whether it knows secrets: then it uploads nothing, as its results may hold them. */
  forBuild(secret: boolean): BuildRemote;
  close(): Promise<void>;
}

/** The remote caches as one build uses them. */
export interface BuildRemote {
  /** Whether results may come from other machines. */
  readonly asks: boolean;
  readonly images: RemoteImages;
  /**
   * @param own where layers of this machine are looked for.
   * @param cache where layers that are downloaded go.
   */
  steps(own: LayerFinder, cache: LayerShelf, sandbox: LazySandbox): RemoteSteps;
  /** What was asked of other machines so far, and had; undefined when nothing was. */
  tally(): RemoteTally | undefined;
}

/** Steps of a build whose results may come from other machines, and go to them. */
export interface RemoteSteps {
  /** Layers of this machine and of others. */
  readonly layers: LayerFinder;
  readonly exchange: StepExchange;
  /** Sends what this machine has and the server lacks of the results that the build used; its image, too. */
  upload(): Promise<void>;
}

/**
 * Opens the remote caches that the options name, if there are any; offline those that need no network. No server is asked yet.
 *
 * @param scratch directory for what is uploaded.
 * @throws `ICT_REMOTE_CACHE_KEY`, `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openRemoteCaches(
  { remoteCache, offline }: Pick<EngineOptions, 'remoteCache' | 'offline'>,
  context: Context,
  transport: FetcherOptions,
  scratch: string,
): RemoteCaches | undefined {
  if (remoteCache === undefined) return undefined;
  const { urls, trustedKeys, upload } = offline ? withoutNetwork(remoteCache) : remoteCache;
  if (urls.length === 0 && upload === undefined) return undefined;
  const { temporary, emit, signal, clock } = context;
  const keys = trustedKeys.map(({ pem, file }) => readPublicKey(pem, file));
  const brief = { ...transport, ...inBrief(transport), offline, emit: fromRemote(emit) };
  const fetcher = createFetcher(brief);
  const clients = openRemoteClients(brief);
  const network = { ...clients, fetcher, signal, ...(brief.env === undefined ? {} : { env: brief.env }) };
  const reader = openRemoteCache({ stores: urls.map((url) => openStore(url, network)), trustedKeys: keys, temporary, emit, signal });
  const writer =
    upload &&
    openRemoteUpload({
      store: openStore(upload.url, network, 'write'),
      signingKey: readSigningKey(upload.signingKey.pem, upload.signingKey.file),
      reader,
      temporary: scratch,
      clock,
      signal,
    });
  return {
    forBuild: (secret) => {
      const uploads = writer && (secret ? new WithheldUploads(emit) : new UploadQueue(writer, context, scratch));
      return openBuildRemote(urls.length === 0 ? undefined : reader, uploads, context);
    },
    close: async () => {
      await Promise.all([fetcher.close(), clients.close()]);
    },
  };
}

/** @param remote absent: nothing is looked for. @param uploads absent: nothing is sent. */
export function openBuildRemote(
  remote: RemoteSource | undefined,
  uploads: Uploads | undefined,
  { blobs, emit }: Pick<Context, 'blobs' | 'emit'>,
): BuildRemote {
  const answers: RemoteAnswers = new Map();
  const results = (note: (...layer: Parameters<RemoteLayers['note']>) => Promise<boolean>): RemoteResults | undefined =>
    remote && new RemoteResults(remote, blobs, note, answers);
  return {
    asks: remote !== undefined,
    images: new RemoteImages(
      blobs,
      results(async (_layer: LayerRef) => false),
      (result) => uploads?.add(result),
    ),
    steps: (own, cache, sandbox) => {
      const layers = remote === undefined ? undefined : new RemoteLayers(own, cache, remote, sandbox, emit);
      const found = layers && results((layer, archive) => layers.note(layer, archive));
      return {
        layers: layers ?? own,
        exchange: { find: async (...asked) => found?.find(...asked), offer: (result) => uploads?.add(result) },
        upload: async () => uploads?.send({ blobs, layers: own, sandbox }),
      };
    },
    tally: () => (answers.size === 0 ? undefined : { asked: answers.size, found: [...answers.values()].filter(Boolean).length }),
  };
}
