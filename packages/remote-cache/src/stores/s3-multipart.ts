import { remoteCacheError } from '../errors.js';
import { meaningOf, refusalCode } from './s3-refusal.js';
import type { S3Query } from './s3-signature.js';
import type { TransportAnswer, TransportRequest } from './store.js';

const MIB = 1024 ** 2;

/**
 * The size of a part: what breaks off costs no more than this, and few files of a cache have more than some dozens. S3 takes parts of 5 MiB to 5 GiB.
 */
export const PART_BYTES = 64 * MIB;

/** Of "Amazon S3 multipart upload limits". */
const MAX_PARTS = 10_000;

/** What S3 says once the request to put the parts together was answered, though trying again may do: the page tells it, not the status. */
const MAY_PASS: ReadonlySet<string> = new Set(['InternalError', 'RequestTimeout', 'ServiceUnavailable', 'SlowDown']);

/** How long S3 may take to put parts together, which may be minutes; meanwhile it sends blanks. */
const TOGETHER_MS = 10 * 60_000;

/** How long to wait until parts that are of no use are gone: who stopped the build waits for that. */
const UNDO_MS = 5000;

/** Asks for one object. */
export type AskObject = (request: Omit<TransportRequest, 'url' | 'method'> & AskedOfObject) => Promise<TransportAnswer>;

export interface AskedOfObject {
  readonly method: 'DELETE' | 'HEAD' | 'POST' | 'PUT';
  readonly query?: S3Query;
}

export interface MultipartOptions {
  /** The address of the object as it may be printed. */
  readonly name: string;
  readonly ask: AskObject;
  readonly file: string;
  readonly sizeBytes: number;
  readonly partBytes: number;
}

/** How large the parts of a file are, bytes: all alike but for the last, as some servers want it, and no more than S3 takes. */
export function partSize(sizeBytes: number, partBytes: number): number {
  return sizeBytes <= partBytes * MAX_PARTS ? partBytes : Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
}

/**
 * Sends a file as an object in parts, one after the other. Until they are put together, the object is what it was; when that is not to be, S3 is told to
 * forget them.
 *
 * @throws the errors of `ask`; `ICT_REMOTE_CACHE_UNREACHABLE` for what S3 says in an answer.
 */
export async function putInParts(options: MultipartOptions): Promise<void> {
  const { ask, file, sizeBytes } = options;
  const begun = await ask({ method: 'POST', query: { uploads: '' } });
  const uploadId = /<UploadId>([^<>&\s]{1,2048})<\/UploadId>/.exec(begun.text)?.[1];
  if (uploadId === undefined) throw notTogether(options, 'it names no upload to send parts to');
  try {
    const size = partSize(sizeBytes, options.partBytes);
    const tags: string[] = [];
    for (let offset = 0; offset < sizeBytes; offset += size) {
      const range = { offset, sizeBytes: Math.min(size, sizeBytes - offset) };
      const query = { partNumber: String(tags.length + 1), uploadId };
      const { etag } = (await ask({ method: 'PUT', query, body: { file, range } })).headers;
      if (etag === undefined) throw notTogether(options, 'it names no tag of a part');
      tags.push(etag);
    }
    await putTogether(options, uploadId, tags);
  } catch (error) {
    // That is best, and no more: a rule of the bucket may remove them, too.
    const undo = { accept: [403, 404], once: true, signal: AbortSignal.timeout(UNDO_MS) };
    await ask({ method: 'DELETE', query: { uploadId }, ...undo }).catch(() => undefined);
    throw error;
  }
}

/** S3 answers with 200 before it begins: whether the parts became an object is told by the page alone. */
async function putTogether(options: MultipartOptions, uploadId: string, tags: readonly string[]): Promise<void> {
  const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`).join('');
  const text = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts}</CompleteMultipartUpload>`;
  const request = { headers: { 'content-type': 'application/xml' }, body: { text }, accept: [400, 404], bodyWithinMs: TOGETHER_MS };
  for (let again = true; ; again = false) {
    const page = (await options.ask({ method: 'POST', query: { uploadId }, ...request })).text;
    const code = refusalCode(page);
    if (code === undefined && page.includes('CompleteMultipartUploadResult')) return;
    if (code === 'NoSuchUpload' && (await isThere(options))) return; // the answer to an attempt before was lost
    if (again && code !== undefined && MAY_PASS.has(code)) continue;
    throw notTogether(options, code === undefined ? 'its answer cannot be read' : meaningOf(code));
  }
}

/** Whether there is an object of the size of the file. */
async function isThere({ ask, sizeBytes }: MultipartOptions): Promise<boolean> {
  const { status, headers } = await ask({ method: 'HEAD', accept: [404] });
  return status < 300 && headers['content-length'] === String(sizeBytes);
}

function notTogether({ name }: MultipartOptions, reason: string): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_UNREACHABLE', {
    message: `${name} did not come together from the parts that were sent: ${reason}`,
    hint: 'Try again later. A server that cannot take files in parts is no place for a cache.',
    facts: { url: name, reason },
  });
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
