import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FetchRequest } from '@ict/plugin-api';
import { ContentHasher, digestAlgorithm, refuseSpecialFile, type ContentIdentity } from '@ict/integrity';
import { fetchError } from './errors.js';

const chunkBytes = 1024 * 1024;

/**
 * Copies the file that a `file:` address names to `target`, hashed on the way, within the request's bounds.
 *
 * @throws `ICT_FETCH_NOT_FOUND` when there is no such regular file, `ICT_FETCH_UNREADABLE`, `ICT_FETCH_TOO_LARGE`,
 *   `ICT_FETCH_MISMATCH`, `ICT_FETCH_ADDRESS` for an address with a host, or the signal's reason.
 */
export async function copyFileSource(url: URL, request: FetchRequest, target: string, signal: AbortSignal): Promise<ContentIdentity> {
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (cause) {
    const message = `${url.href} does not name a file of this machine`;
    throw fetchError('ICT_FETCH_ADDRESS', { message, hint: 'Write file:///absolute/path.', facts: { url: url.href }, cause });
  }
  const notFound = (cause?: unknown): Error =>
    fetchError('ICT_FETCH_NOT_FOUND', {
      message: `${path} is not a file`,
      hint: 'Check the mirror and the path.',
      facts: { url: url.href, path },
      cause,
    });
  try {
    refuseSpecialFile(path);
    await using source = await open(path, 'r');
    const entry = await source.stat();
    if (!entry.isFile()) throw notFound();
    const bound = (sizeBytes: number): void => {
      if (sizeBytes <= request.maxBytes) return;
      throw fetchError('ICT_FETCH_TOO_LARGE', {
        message: `${path} is larger than the ${request.maxBytes} bytes that are allowed`,
        hint: 'Check that the path names the right file.',
        facts: { url: url.href, maxBytes: request.maxBytes, sizeBytes },
      });
    };
    const { digest, sizeBytes } = request.expect ?? {};
    const mismatch = (what: 'size' | 'digest', expected: string | number, actual: string | number): Error =>
      fetchError('ICT_FETCH_MISMATCH', {
        message: `${path} is not what its repository says: expected ${what} ${expected}, got ${actual}`,
        hint: 'The mirror may be incomplete: bring it up to date.',
        facts: { url: url.href, expected, actual },
      });
    if (sizeBytes !== undefined && entry.size !== sizeBytes) throw mismatch('size', sizeBytes, entry.size);
    bound(entry.size);
    await using copy = await open(target, 'wx', 0o600);
    const hasher = new ContentHasher(digest === undefined ? 'sha256' : digestAlgorithm(digest));
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      bound(hasher.sizeBytes + bytesRead);
      const piece = chunk.subarray(0, bytesRead);
      await copy.writeFile(piece);
      hasher.update(piece);
    }
    const identity = hasher.finish();
    // It may have changed since its size was asked for.
    if (sizeBytes !== undefined && sizeBytes !== identity.sizeBytes) throw mismatch('size', sizeBytes, identity.sizeBytes);
    if (digest !== undefined && digest !== identity.digest) throw mismatch('digest', digest, identity.digest);
    return identity;
  } catch (error) {
    const { code, path: culprit } = error as NodeJS.ErrnoException;
    if (culprit === target) throw error;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENXIO') throw notFound(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EIO' || code === 'ELOOP') {
      throw fetchError('ICT_FETCH_UNREADABLE', {
        message: `${path} cannot be read: ${code}`,
        hint: 'Check its permissions.',
        facts: { url: url.href, path, reason: code },
        cause: error,
      });
    }
    throw error;
  }
}
