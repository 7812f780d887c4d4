import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { taggedReferences } from '@ict/cache';
import type { CacheKey } from '@ict/integrity';
import { hasCode, type BlobRef, type BlobStore, type Context, type Digest, type IctError, type Json, type LayerRef } from '@ict/plugin-api';
import type { RemoteUpload } from '@ict/remote-cache';
import type { LayerShelf } from '../trees/layer-shelf.js';
import type { LazySandbox } from '../trees/trees.js';

/** A result that this machine made, now or before. */
export interface KeptResult {
  readonly type: string;
  readonly key: CacheKey;
  readonly output: Json;
  readonly tool: string;
  readonly durationMs?: number;
  /** Where blobs lie that the cache does not have as such. */
  readonly places?: ReadonlyMap<Digest, string>;
}

/** What an upload takes its files from. */
export interface UploadSource {
  readonly blobs: BlobStore;
  /** Layers of this machine. */
  readonly layers: LayerShelf;
  readonly sandbox: LazySandbox;
}

/**
 * Results that a build used and that others may want. They are sent when the image is delivered: what they name first, so that a record never
 * names what is not there. What the server has is not sent again; what is not here any more is left out.
 */
export class UploadQueue {
  private readonly upload: RemoteUpload;
  private readonly context: Pick<Context, 'emit' | 'signal' | 'temporary' | 'verify'>;
  private readonly results = new Map<string, KeptResult>();
  /** Of layers that were sent, by their digest. */
  private readonly archives = new Map<string, BlobRef>();

  constructor(upload: RemoteUpload, context: Pick<Context, 'emit' | 'signal' | 'temporary' | 'verify'>) {
    this.upload = upload;
    this.context = context;
  }

  add(result: KeptResult): void {
    this.results.set(`${result.type} ${result.key}`, result);
  }

  /** Sends everything. Whatever a server does costs a warning, and what comes after it stays here. */
  async send(source: UploadSource): Promise<void> {
    const start = performance.now();
    const sent = { records: 0, blobs: 0, sentBytes: 0 };
    const count = (bytes: number): void => {
      if (bytes === 0) return;
      sent.blobs++;
      sent.sentBytes += bytes;
    };
    try {
      for (const result of this.results.values()) {
        if (await this.upload.has(result.type, result.key)) continue;
        const archives = await this.sendFiles(result, source, count);
        if (archives === undefined) continue;
        const { type, key, output, tool, durationMs } = result;
        await this.upload.putRecord(type, key, { output, archives, tool, ...(durationMs === undefined ? {} : { durationMs }) });
        sent.records++;
      }
    } catch (error) {
      if (!hasCode(error, 'ICT_REMOTE_CACHE_UPLOAD')) throw error;
      const { code, message, hint } = error as IctError;
      this.context.emit({ type: 'warning', code, message, hint });
    }
    this.results.clear();
    if (sent.records > 0) this.context.emit({ type: 'cache.uploaded', ...sent, durationMs: Math.round(performance.now() - start) });
  }

  /** @returns the archives of the layers that the result names; undefined when something that it names is not here. */
  private async sendFiles(
    { output, places }: KeptResult,
    source: UploadSource,
    count: (bytes: number) => void,
  ): Promise<Record<string, BlobRef> | undefined> {
    const archives: Record<string, BlobRef> = {};
    for (const reference of taggedReferences(output)) {
      if (reference.kind === 'layer') {
        const archive = this.archives.get(reference.digest) ?? (await this.sendLayer(reference, source, count));
        if (archive === undefined) return undefined;
        archives[reference.digest] = archive;
      } else {
        const file = places?.get(reference.digest) ?? (await source.blobs.path(reference.digest));
        if (file === undefined) return undefined;
        count(await this.upload.putBlob(reference, file));
      }
    }
    return archives;
  }

  /** Archives a layer and sends it; one that is not what was stored is left for the build that mounts it to find. */
  private async sendLayer(
    layer: LayerRef,
    { layers, sandbox }: UploadSource,
    count: (bytes: number) => void,
  ): Promise<BlobRef | undefined> {
    const { signal, temporary, verify } = this.context;
    const stored = await layers.find(layer);
    if (stored === undefined) return undefined;
    const file = join(temporary, `layer-${randomUUID()}.tar.gz`);
    try {
      const manifest = await (await sandbox.get()).readLayer(stored.directory, { archive: file, signal });
      if (manifest.digest !== layer.digest) return undefined;
      const archive: BlobRef = { kind: 'blob', ...(await verify.digestFile(file)) };
      count(await this.upload.putBlob(archive, file));
      this.archives.set(layer.digest, archive);
      return archive;
    } finally {
      await rm(file, { force: true });
    }
  }
}
