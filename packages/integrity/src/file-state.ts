import type { BigIntStats } from 'node:fs';
import type { FileState } from '@ict/plugin-api';

/** The state of a file out of what `stat` says of it with `bigint`. */
export function fileStateOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): FileState {
  return { ino: String(ino), sizeBytes: Number(size), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
}
