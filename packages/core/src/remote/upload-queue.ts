import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { taggedReferences } from '@ict/cache';
import type { CacheKey } from '@ict/integrity';
import { hasCode, toErrorRecord, type BlobRef, type BlobStore, type Context, type Digest, type Json, type LayerRef } from '@ict/plugin-api';
import type { RemoteUpload } from '@ict/remote-cache';
import type { LayerFinder } from '../trees/layer-shelf.js';
import type { LazySandbox } from '../trees/trees.js';

const UPLOAD = 'ICT_REMOTE_CACHE_UPLOAD';

/** The status of servers that refuse a file for its size. */
const TOO_LARGE = 413;

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
  readonly layers: Pick<LayerFinder, 'find'>;
  readonly sandbox: LazySandbox;
}

/** Takes results of a build, and sends them when its image is delivered. */
export interface Uploads {
  add(result: KeptResult): void;
  send(source: UploadSource): Promise<void>;
}

/** What was sent so far. */
interface Sent {
  records: number;
  blobs: number;
  sentBytes: number;
}

/**
 * Results that a build used and that others may want. They are sent when the image is delivered: what they name first, so that a record never
 * names what is not there. What the server has is not sent again, but for what turned out to be damaged or gone below a record; what is not here
 * any more is left out.
 */
export class UploadQueue implements Uploads {
  private readonly upload: RemoteUpload;
  private readonly context: Pick<Context, 'emit' | 'signal' | 'verify'>;
  private readonly temporary: string;
  private readonly results = new Map<string, KeptResult>();
  /** Of layers that the server has, by their digest. */
  private readonly archives = new Map<string, BlobRef>();

  /** @param temporary directory for archives that are sent. */
  constructor(upload: RemoteUpload, context: Pick<Context, 'emit' | 'signal' | 'verify'>, temporary: string) {
    this.upload = upload;
    this.context = context;
    this.temporary = temporary;
  }

  add(result: KeptResult): void {
    this.results.set(`${result.type} ${result.key}`, result);
  }

  /**
   * Sends everything. Trouble costs one warning. After that of a server nothing more is sent, unless the server only found a file too large; what
   * cannot be read here is left out.
   */
  async send(source: UploadSource): Promise<void> {
    const start = performance.now();
    const { emit } = this.context;
    const sent: Sent = { records: 0, blobs: 0, sentBytes: 0 };
    if (this.results.size > 0) emit({ type: 'cache.uploading', results: this.results.size });
    let told = false;
    for (const result of this.results.values()) {
      try {
        await this.sendResult(result, source, sent);
      } catch (error) {
        this.context.signal.throwIfAborted();
        // The image is delivered, whatever happens here.
        const { message, hint, facts } = toErrorRecord(error);
        if (!told) emit({ type: 'warning', code: UPLOAD, message, ...(hint === undefined ? {} : { hint }) });
        told = true;
        if (hasCode(error, UPLOAD) && facts['reason'] !== undefined && facts['status'] !== TOO_LARGE) break;
      }
    }
    this.results.clear();
    if (sent.records + sent.blobs > 0) emit({ type: 'cache.uploaded', ...sent, durationMs: Math.round(performance.now() - start) });
  }

  private async sendResult(result: KeptResult, source: UploadSource, sent: Sent): Promise<void> {
    const { type, key, output, tool, durationMs } = result;
    const known = await this.upload.find(type, key);
    const archives = await this.sendFiles(result, known?.archives ?? {}, source, sent);
    if (archives === undefined) return;
    if (known !== undefined && Object.entries(archives).every(([layer, { digest }]) => known.archives[layer]?.digest === digest)) return;
    await this.upload.putRecord(type, key, { output, archives, tool, ...(durationMs === undefined ? {} : { durationMs }) });
    sent.records++;
  }

  /**
   * @param known archives that the server is said to have.
   * @returns the archives of the layers that the result names; undefined when something that it names is not here.
   */
  private async sendFiles(
    { output, places }: KeptResult,
    known: Readonly<Record<string, BlobRef>>,
    source: UploadSource,
    sent: Sent,
  ): Promise<Record<string, BlobRef> | undefined> {
    const archives: Record<string, BlobRef> = {};
    for (const reference of taggedReferences(output)) {
      if (reference.kind === 'layer') {
        const archive = await this.archiveOf(reference, known[reference.digest], source, sent);
        if (archive === undefined) return undefined;
        archives[reference.digest] = archive;
      } else {
        const file = places?.get(reference.digest) ?? (await source.blobs.path(reference.digest));
        if (file === undefined) return undefined;
        await this.sendBlob(reference, file, sent);
      }
    }
    return archives;
  }

  /** The archive of a layer that the server has, or gets now. */
  private async archiveOf(layer: LayerRef, known: BlobRef | undefined, source: UploadSource, sent: Sent): Promise<BlobRef | undefined> {
    const there = this.archives.get(layer.digest) ?? (known !== undefined && (await this.upload.hasBlob(known)) ? known : undefined);
    const archive = there ?? (await this.sendLayer(layer, source, sent));
    if (archive !== undefined) this.archives.set(layer.digest, archive);
    return archive;
  }

  /** Archives a layer and sends it; one that is not what was stored is left for the build that mounts it to find. */
  private async sendLayer(layer: LayerRef, { layers, sandbox }: UploadSource, sent: Sent): Promise<BlobRef | undefined> {
    const { signal, verify } = this.context;
    const stored = await layers.find(layer);
    if (stored === undefined) return undefined;
    const file = join(this.temporary, `layer-${randomUUID()}.tar.gz`);
    try {
      const manifest = await (await sandbox.get()).readLayer(stored.directory, { archive: file, signal });
      if (manifest.digest !== layer.digest) return undefined;
      const archive: BlobRef = { kind: 'blob', ...(await verify.digestFile(file)) };
      await this.sendBlob(archive, file, sent);
      return archive;
    } finally {
      await rm(file, { force: true });
    }
  }

  private async sendBlob(blob: BlobRef, file: string, sent: Sent): Promise<void> {
    const sentBytes = await this.upload.putBlob(blob, file);
    if (sentBytes === 0) return;
    sent.blobs++;
    sent.sentBytes += sentBytes;
  }
}
