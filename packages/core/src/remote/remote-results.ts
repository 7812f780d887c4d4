import { taggedReferences } from '@ict/cache';
import type { CacheKey } from '@ict/integrity';
import type { BlobRef, BlobStore, LayerRef } from '@ict/plugin-api';
import type { RemoteCache, RemoteResult } from '@ict/remote-cache';
import type { Check } from '../plugins/value-check.js';
import { canonicalFault, outputFault } from '../step-output.js';

/** What results of others are taken from. */
export type RemoteSource = Pick<RemoteCache, 'find' | 'fetch'>;

/** Whether each result that was asked for was had, by type and key: the last answer counts, as a build that starts over asks again. */
export type RemoteAnswers = Map<string, boolean>;

/** Notes which archive a layer can be made from. @returns whether the layer can be had. */
type NoteLayer = (layer: LayerRef, archive: BlobRef | undefined) => Promise<boolean>;

/**
 * Results that other machines signed. One counts when everything that it names can be had: its blobs are brought to the cache of this machine,
 * its layers can be downloaded when they are mounted.
 */
export class RemoteResults {
  private readonly remote: RemoteSource;
  private readonly blobs: BlobStore;
  private readonly noteLayer: NoteLayer;
  private readonly answers: RemoteAnswers;

  constructor(remote: RemoteSource, blobs: BlobStore, noteLayer: NoteLayer, answers: RemoteAnswers) {
    this.remote = remote;
    this.blobs = blobs;
    this.noteLayer = noteLayer;
    this.answers = answers;
  }

  /** @param expected what the output is: a record of something else is not believed. */
  async find(type: string, key: CacheKey, expected?: Check): Promise<RemoteResult | undefined> {
    const result = await this.take(type, key, expected);
    this.answers.set(`${type} ${key}`, result !== undefined);
    return result;
  }

  private async take(type: string, key: CacheKey, expected: Check | undefined): Promise<RemoteResult | undefined> {
    const result = await this.remote.find(type, key, (output) => canonicalFault(output) ?? outputFault(output, expected));
    if (result === undefined) return undefined;
    for (const reference of taggedReferences(result.output)) {
      const there =
        reference.kind === 'layer' ? await this.noteLayer(reference, result.archives[reference.digest]) : await this.bring(reference);
      if (!there) return undefined;
    }
    return result;
  }

  private async bring({ digest, sizeBytes }: BlobRef): Promise<boolean> {
    if ((await this.blobs.path(digest)) !== undefined) return true;
    const file = await this.remote.fetch({ digest, sizeBytes });
    if (file === undefined) return false;
    await this.blobs.putFile(file, { digest, sizeBytes });
    return true;
  }
}
