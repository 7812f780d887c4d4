import type { FileHandle } from 'node:fs/promises';

/**
 * Writes all bytes at a place of a file: one write may take fewer, as when the disk is nearly full, and says so by a number alone.
 *
 * @throws Node's own error when the file cannot be written.
 */
export async function writeFully(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
