import { writeSync } from 'node:fs';

/** Writes all bytes at the current place of an open file. @throws Node's own error. */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}
