import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '@ict/integrity';
import type { LayerManifest } from '@ict/sandbox';
import type { KeptSignature } from './kept-signature.js';

/** What lies beside the live tree and says what it is. */
export interface LiveRecord {
  readonly manifest: LayerManifest;
  readonly signature: KeptSignature;
  /** Whose files they are: a sandbox of another user takes their owners for somebody else. */
  readonly user?: number | undefined;
}

export function liveIn(directory: string): string {
  return join(directory, 'chrootenv');
}

export function recordIn(directory: string): string {
  return join(directory, 'chrootenv.json');
}

export function snapshotIn(directory: string): string {
  return join(directory, 'chrootbuild', 'chrootenv.tar.gz');
}

export function snapshotRecordIn(directory: string): string {
  return join(directory, 'chrootbuild', 'chrootenv.json');
}

/** @returns the document, or undefined when the file is absent or is not JSON: a damaged record is a miss. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse((await readRegularFile(file)).toString()) as T;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const currentUser = (): number | undefined => process.geteuid?.();

/** Tells one state of a file from another; undefined when it is absent. */
export async function fileState(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
