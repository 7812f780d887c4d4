import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IctError, type BlobRef, type Digest, type Json } from '@ict/plugin-api';
import type { RemoteResult, RemoteUpload } from '@ict/remote-cache';
import type { RemoteSource } from '../../src/remote/remote-results.js';

/** A remote cache in memory, whose records nobody has to sign. */
export class MemoryRemote implements RemoteSource, RemoteUpload {
  readonly records = new Map<string, RemoteResult>();
  readonly blobs = new Map<Digest, Buffer>();
  /** What was asked and sent, such as `fetch sha256:...`. */
  readonly calls: string[] = [];
  /** What was said to be wrong with records. */
  readonly faults: string[] = [];
  /** Status by which it refuses blobs. */
  refusal: number | undefined;
  private readonly temporary: string;

  /** @param temporary where downloaded files go. */
  constructor(temporary: string) {
    this.temporary = temporary;
  }

  async find(
    type: string,
    key: string,
    faultIn: (output: Json) => string | undefined = () => undefined,
  ): Promise<RemoteResult | undefined> {
    this.calls.push(`find ${type}`);
    const record = this.records.get(`${type} ${key}`);
    const fault = record && faultIn(record.output);
    if (fault !== undefined) this.faults.push(fault);
    return fault === undefined ? record : undefined;
  }

  async fetch({ digest }: Pick<BlobRef, 'digest'>): Promise<string | undefined> {
    this.calls.push(`fetch ${digest}`);
    const content = this.blobs.get(digest);
    if (content === undefined) return undefined;
    const file = join(this.temporary, randomUUID());
    await writeFile(file, content);
    return file;
  }

  async hasBlob({ digest }: Pick<BlobRef, 'digest'>): Promise<boolean> {
    this.calls.push(`has ${digest}`);
    return this.blobs.has(digest);
  }

  async putBlob({ digest }: Pick<BlobRef, 'digest'>, file: string): Promise<number> {
    if (this.refusal !== undefined) {
      const facts = { reason: 'ICT_FETCH_STATUS', status: this.refusal };
      throw new IctError('ICT_REMOTE_CACHE_UPLOAD', 'network', { message: 'the server refuses', hint: 'Make room.', facts });
    }
    if (this.blobs.has(digest)) return 0;
    this.calls.push(`put ${digest}`);
    const content = await readFile(file);
    this.blobs.set(digest, content);
    return content.length;
  }

  async putRecord(type: string, key: string, result: RemoteResult): Promise<void> {
    this.calls.push(`put ${type}`);
    this.records.set(`${type} ${key}`, result);
  }
}
