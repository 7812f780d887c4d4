import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPathSegment, type ImageFile, type NewImage, type StoredImage } from '@ict/cache';
import type { CacheKey } from '@ict/integrity';
import type { BlobRef, BlobStore, Digest } from '@ict/plugin-api';
import { IMAGE_STEP } from '../finalize/image-cache.js';
import { is, list, optional, shape, word, type Check } from '../plugins/value-check.js';
import { blobOutput } from '../step-output.js';
import type { RemoteResults } from './remote-results.js';
import type { KeptResult } from './upload-queue.js';

/** A file of an image as a record has it: an artifact with its type, or a document without. */
interface RemoteFile extends Pick<ImageFile, 'name' | 'type'> {
  readonly blob: BlobRef;
}

const fileName = is('a plain file name', (value) => typeof value === 'string' && isPathSegment(value));

const files = shape({ files: list(shape({ name: fileName, type: optional(word), blob: blobOutput })) });

/** An image as a record has it: files, each under a name of its own. */
const imageOutput: Check = (value, path) => {
  const fault = files(value, path);
  if (fault !== undefined) return fault;
  const names = (value as { readonly files: readonly RemoteFile[] }).files.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? undefined : { path: 'files', expected: 'files of names of their own', found: twice };
};

/** Finished images of remote caches. */
export class RemoteImages {
  private readonly blobs: BlobStore;
  private readonly results: RemoteResults | undefined;
  private readonly add: (result: KeptResult) => void;

  /**
   * @param blobs where the files of images are brought to.
   * @param results absent: nothing is looked for.
   * @param add takes what is to be uploaded.
   */
  constructor(blobs: BlobStore, results: RemoteResults | undefined, add: (result: KeptResult) => void) {
    this.blobs = blobs;
    this.results = results;
    this.add = add;
  }

  /** The image at this key, made elsewhere, with its files on this machine. */
  async find(key: CacheKey): Promise<{ readonly image: NewImage; readonly tool: string } | undefined> {
    const result = await this.results?.find(IMAGE_STEP, key, imageOutput);
    if (result === undefined) return undefined;
    const artifacts: NewImage['artifacts'][number][] = [];
    const documents = new Map<string, Uint8Array>();
    for (const { name, type, blob } of (result.output as unknown as { readonly files: readonly RemoteFile[] }).files) {
      const { digest, sizeBytes } = blob;
      const source = await this.blobs.path(digest);
      if (source === undefined) return undefined; // removed meanwhile
      if (type === undefined) documents.set(name, await readFile(source));
      else artifacts.push({ name, type, digest, sizeBytes, source });
    }
    return { image: { artifacts, documents }, tool: result.tool };
  }

  /** Has an image of this machine uploaded. */
  offer({ key, files, directory, tool }: StoredImage): void {
    const output = {
      files: files.map(({ name, type, digest, sizeBytes }) => {
        return { name, ...(type === undefined ? {} : { type }), blob: { kind: 'blob', digest, sizeBytes } };
      }),
    };
    const places = new Map<Digest, string>(files.map(({ name, digest }) => [digest, join(directory, name)]));
    this.add({ type: IMAGE_STEP, key, output, tool, places });
  }
}
